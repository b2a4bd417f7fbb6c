"""The host's end of a deployment, below a folder that stands for the host's root."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest

from plctl.deploy.on_host import change, look
from plctl.deploy.on_host.main import answer
from plctl.deploy.on_host.places import Places

KEY = json.dumps({"name": "edge-1", "role": "agent", "public": "P" * 40, "secret": "S" * 40})


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """A host on which nothing is."""
    for folder in ("opt", "etc/systemd/system", "run"):
        (tmp_path / folder).mkdir(parents=True)
    return Places(str(tmp_path))


@pytest.fixture
def bundle(monkeypatch: pytest.MonkeyPatch) -> bytes:
    """An archive with one module; whether it works as plctl is not tried."""
    monkeypatch.setattr(change, "_try", lambda _folder: None)
    return archive({"thing/__init__.py": b"answer = 42\n", "thing/data.txt": b"data"})


def archive(files: dict[str, bytes]) -> bytes:
    """A bundle with `files`."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def ask(places: Places, do: str, payload: bytes = b"", **words: Any) -> Any:
    """What the host answers; its error as a text."""
    root = str(places.opt.parent.parent)
    found = answer({"do": do, "root": root, **words}, io.BytesIO(payload))
    return found["ok"] if "ok" in found else found["error"]


def deliver(places: Places, name: str, content: bytes) -> Any:
    """Copy and install a bundle."""
    assert ask(places, "receive", content, bundle=name, sha256=hashlib.sha256(content).hexdigest()) is None
    return ask(places, "install", bundle=name)


def tree(places: Places) -> set[str]:
    """Everything below the host's root."""
    root = places.opt.parent.parent
    return {str(path.relative_to(root)) for path in root.rglob("*")}


def test_a_version_is_installed_whole_and_taken_away_without_a_trace(places: Places, bundle: bytes) -> None:
    """It has a Python of its own that finds its packages; afterwards the host's files are what they were."""
    before = tree(places)
    assert deliver(places, "1-a", bundle) is None
    assert (["1-a"], []) == (look.inspect(places)["bundles"], look.inspect(places)["broken"])
    python = places.version("1-a") / "bin/python"
    done = subprocess.run([python, "-c", "import thing; print(thing.answer)"], capture_output=True, check=True)
    assert b"42\n" == done.stdout
    ask(places, "uninstall", bundle="1-a")
    assert before == tree(places)


@pytest.mark.parametrize("harm", ["changed", "missing"])
def test_a_version_that_lost_a_file_is_not_whole(places: Places, bundle: bytes, harm: str) -> None:
    """It counts as broken, and can be installed again in its place."""
    deliver(places, "1-a", bundle)
    (path,) = places.version("1-a").rglob("data.txt")
    path.write_text("else") if harm == "changed" else path.unlink()
    assert ([], ["1-a"]) == (look.inspect(places)["bundles"], look.inspect(places)["broken"])
    assert deliver(places, "1-a", bundle) is None
    assert ["1-a"] == look.inspect(places)["bundles"]


def test_a_copy_that_came_incomplete_is_refused(places: Places, bundle: bytes) -> None:
    """And leaves nothing."""
    before = tree(places)
    sha256 = hashlib.sha256(bundle).hexdigest()
    assert "came incomplete" in ask(places, "receive", bundle[:-1], bundle="1-a", sha256=sha256)
    assert before == tree(places)


def test_a_version_that_does_not_work_here_is_told_in_its_own_words(places: Places) -> None:
    """The error of its first import; and nothing of it stays."""
    before = tree(places)
    content = archive({"zmq/__init__.py": b"raise ImportError('version GLIBC_2.99 not found')\n"})
    assert ask(places, "receive", content, bundle="1-a", sha256=hashlib.sha256(content).hexdigest()) is None
    assert "ImportError: version GLIBC_2.99 not found" == ask(places, "install", bundle="1-a")
    assert before == tree(places)


def test_an_archive_cannot_write_outside_of_its_folder(places: Places, bundle: bytes) -> None:
    """Whoever made it."""
    assert bundle
    before = tree(places)
    assert "does not belong there" in deliver(places, "1-a", archive({"../../../../evil.py": b""}))
    assert before == tree(places)


def test_a_strangers_file_in_our_folders_stays_and_is_named(places: Places, bundle: bytes) -> None:
    """Only what was put there is removed."""
    deliver(places, "1-a", bundle)
    ask(places, "set_keys", key=KEY, controller_public="C" * 40)
    notes = [places.version("1-a") / "note.txt", places.opt / "note.txt", places.keys / "note.txt"]
    for note in notes:
        note.write_text("mine")
    assert [str(note) for note in notes] == change.remove_all(places)
    assert set(notes) == {path for folder in (places.opt, places.keys) for path in folder.rglob("*") if path.is_file()}


def test_finish_keeps_only_the_new_version(places: Places, bundle: bytes) -> None:
    """The old one was the way back, which is not needed any more."""
    deliver(places, "1-a", bundle)
    deliver(places, "1-b", bundle)
    ask(places, "set_keys", key=KEY, controller_public="C" * 40)
    ask(places, "set_keys", key=KEY.replace("S", "T"), controller_public="C" * 40)
    assert [] == ask(places, "finish", bundle="1-b")
    assert ["1-b"] == places.bundles()
    assert not places.version("1-a").exists()
    assert not places.old_key.exists()


def test_a_key_is_private_and_its_secret_is_never_told(places: Places) -> None:
    """Only its name and its public half are facts."""
    ask(places, "set_keys", key=KEY, controller_public="C" * 40)
    assert 0o600 == places.key.stat().st_mode & 0o777
    assert 0o700 == places.keys.stat().st_mode & 0o777
    facts = look.inspect(places)
    assert ("edge-1", "P" * 40, "C" * 40) == (facts["key_name"], facts["key_public"], facts["controller_public"])
    assert "S" * 40 not in json.dumps(facts)


def test_a_new_key_can_be_taken_back(places: Places) -> None:
    """Then the old one is in force; and without an old one there is none."""
    before = tree(places)
    ask(places, "set_keys", key=KEY, controller_public="C" * 40)
    ask(places, "set_keys", key=KEY.replace("P", "Q"), controller_public="D" * 40)
    for _ in range(2):  # a second time, as after a cut connection, nothing more is taken back
        ask(places, "restore_keys", key_public="P" * 40, controller_public="C" * 40)
    facts = look.inspect(places)
    assert ("P" * 40, "C" * 40) == (facts["key_public"], facts["controller_public"])
    assert not places.old_key.exists()
    ask(places, "restore_keys", key_public="", controller_public="")
    assert before | {"opt/plctl", "opt/plctl/manifests"} >= tree(places)


@pytest.mark.parametrize("name", ["key", "controller_public", "unit"])
def test_what_somebody_else_put_there_is_neither_changed_nor_removed(places: Places, name: str) -> None:
    """The host is refused, with the file's name."""
    path: Path = getattr(places, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("mine")
    assert [str(path)] == look.inspect(places)["strangers"]
    if name == "unit":
        with pytest.raises(change.HostError, match="was not put there by plctl deploy"):
            change.set_unit(places, "ours")
    else:
        assert "was not put there by plctl deploy" in ask(places, "set_keys", key=KEY, controller_public="C" * 40)
    change.remove_all(places)
    assert "mine" == path.read_text()


def test_a_file_that_cannot_be_written_is_told_with_its_place(places: Places) -> None:
    """In the kernel's words."""
    shutil.rmtree(places.opt.parent)
    places.opt.parent.write_text("a file where a folder should be")
    said = ask(places, "receive", b"x", bundle="1-a", sha256="")
    assert f"cannot write {places.incoming}/1-a.tar.gz: Not a directory" == said


def test_removal_takes_the_state_folder_if_nothing_is_in_it(places: Places) -> None:
    """What a hand-made link keeps there stays."""
    places.run.mkdir()
    (places.run / ".lock").touch()
    kept = places.run / "link-default"
    kept.mkdir()
    change.remove_all(places)
    assert kept.exists()
    kept.rmdir()
    change.remove_all(places)
    assert not places.run.exists()
