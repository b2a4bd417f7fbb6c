"""Keys lie in private files, are never shown, and are of use only for what they were made for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from plctl.common.base.errors import BusyError, UserError
from plctl.common.security.allow_list import AllowEntry, AllowList
from plctl.common.security.enrolment import enroll, init_controller
from plctl.common.security.keys import KeyPair, keys_dir, load_controller_public, load_pair, pair_path, save_pair


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A controller's keys folder."""
    init_controller(tmp_path / "keys", "ada")
    return tmp_path / "keys"


def test_a_secret_is_private_and_never_shown(folder: Path) -> None:
    """Key files are for their owner alone, and no repr or error has the secret."""
    for path in (folder / "controller.key", folder / "operator.key", folder / "allowed.json"):
        assert path.stat().st_mode & 0o777 == 0o600
    pair = load_pair(folder, "controller")
    assert pair.secret not in repr(pair)
    (folder / "controller.key").write_text(f'{{"secret": "{pair.secret}"')
    with pytest.raises(UserError, match="is not what it should be") as raised:
        load_pair(folder, "controller")
    assert pair.secret not in str(raised.value)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_key_that_others_can_reach_is_refused(folder: Path, mode: int) -> None:
    """A key file that others may read or write is not used; the sentence says what to type."""
    (folder / "controller.key").chmod(mode)
    with pytest.raises(UserError, match="can be read or written by others; try: chmod 600"):
        load_pair(folder, "controller")


def test_missing_keys_say_how_they_are_made(tmp_path: Path) -> None:
    """Without keys the sentence names the file and the command."""
    with pytest.raises(UserError, match=r"no key in .*agent\.key; .* plctl agent enroll NAME"):
        load_pair(tmp_path, "agent")
    with pytest.raises(UserError, match=r"the controller's public key is not in .*controller\.pub"):
        load_controller_public(tmp_path)
    with pytest.raises(UserError, match=r"controller\.key; .* plctl controller init"):
        enroll(tmp_path, "edge-1", "agent")


def test_a_key_serves_only_its_role(folder: Path) -> None:
    """An operator's key under an agent's file name is refused."""
    pair_path(folder, "operator").rename(pair_path(folder, "agent"))
    with pytest.raises(UserError, match="holds a key for the role 'operator', not agent"):
        load_pair(folder, "agent")


@pytest.mark.parametrize("key", ["", "x" * 41, "é" * 40, "~" * 40, "0" * 39])
def test_what_is_no_key_is_refused(folder: Path, key: str) -> None:
    """Anything but 40 characters of Z85 is refused before ZeroMQ sees it."""
    (folder / "controller.pub").write_text(key)
    with pytest.raises(UserError, match="does not hold a CURVE key") as raised:
        load_controller_public(folder)
    assert not key or key not in str(raised.value)


def test_keys_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """$PLCTL_KEYS comes first; root's keys are the machine's, a user's lie in the user's configuration."""
    monkeypatch.setenv("PLCTL_KEYS", "/k")
    assert Path("/k") == keys_dir()
    monkeypatch.delenv("PLCTL_KEYS")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert Path("/etc/plctl") == keys_dir()
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_CONFIG_HOME", "/home/ada/config")
    assert Path("/home/ada/config/plctl") == keys_dir()


def test_a_controller_is_made_once(folder: Path) -> None:
    """Making a controller's keys again would lock everybody out, so it is refused; an interrupted start is not."""
    with pytest.raises(BusyError, match="exists already"):
        init_controller(folder, "ada")
    (folder / "controller.key").unlink()
    init_controller(folder, "ada")
    assert ["ada"] == [entry.name for entry in AllowList(folder).entries()]


def test_an_enrolled_agent_has_all_it_needs(folder: Path) -> None:
    """Enrolling makes a folder with the agent's pair and the controller's public key, and lets that pair in."""
    enroll(folder, "edge-1", "agent")
    own = folder / "enrolled" / "edge-1"
    pair = load_pair(own, "agent")
    entry = AllowList(folder).by_key(pair.public)
    assert entry is not None
    assert ("edge-1", "agent") == (entry.name, entry.role)
    assert [0o700, 0o700] == [path.stat().st_mode & 0o777 for path in (own, own.parent)]
    assert load_controller_public(own) == load_pair(folder, "controller").public


def test_a_name_is_given_once(folder: Path) -> None:
    """A second key of one name is refused; with `replace` the first one is void."""
    enroll(folder, "edge-1", "agent")
    first = load_pair(folder / "enrolled" / "edge-1", "agent").public
    with pytest.raises(BusyError, match="--replace makes its old key void"):
        enroll(folder, "edge-1", "agent")
    enroll(folder, "edge-1", "agent", replace=True)
    allowed = AllowList(folder)
    assert allowed.by_key(first) is None
    assert ["ada", "edge-1"] == [entry.name for entry in allowed.entries()]


@pytest.mark.parametrize("name", ["", "a/b", "../x", "a b", "-x", "x" * 64, "é", "controller"])
def test_names_that_cannot_be_are_refused(folder: Path, name: str) -> None:
    """A name becomes a file's and a part of a routing id, so it has only safe characters."""
    with pytest.raises(UserError):
        enroll(folder, name, "agent")


def test_the_list_follows_its_file(folder: Path) -> None:
    """What another process changes counts at the next look; a broken file changes nothing and is reported."""
    watching = AllowList(folder)
    pair = KeyPair.generate("grace", "viewer")
    AllowList(folder).add(AllowEntry("grace", "viewer", pair.public, "2026-01-01T00:00:00Z"))
    assert watching.by_key(pair.public) is not None
    text = watching.path.read_text()
    watching.path.write_text("{")
    assert watching.by_key(pair.public) is not None
    assert "is not what it should be" in watching.trouble
    watching.path.write_text(text)
    AllowList(folder).remove("grace")
    assert watching.by_key(pair.public) is None
    assert not watching.trouble


def test_a_pair_is_replaced_whole(folder: Path) -> None:
    """Writing leaves no other file behind, and what is read is what was written."""
    pair = KeyPair.generate("edge-1", "agent")
    before = set(folder.iterdir())
    save_pair(folder, pair)
    assert {pair_path(folder, "agent")} == set(folder.iterdir()) - before
    assert pair == load_pair(folder, "agent")
