"""Under sudo, what was written for the user is the user's; nothing else changes hands."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from plctl.common.host.caller import caller, give_to_caller, make_for_caller

USER, GROUP = 12345, 23456


@pytest.fixture
def sudo(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process as somebody's sudo has started it."""
    monkeypatch.setenv("SUDO_UID", str(USER))
    monkeypatch.setenv("SUDO_GID", str(GROUP))


def owner(path: Path) -> tuple[int, int]:
    """User and group of `path` itself."""
    about = path.lstat()
    return about.st_uid, about.st_gid


@pytest.mark.needs_root  # it gives files away
@pytest.mark.usefixtures("sudo")
def test_all_of_a_folder_is_given(tmp_path: Path) -> None:
    """Folders and files, however deep; what links lead to stays, as does what is somebody else's already."""
    runs = tmp_path / "runs"
    (runs / "run" / "artifacts").mkdir(parents=True)
    (runs / "run" / "artifacts" / "a.txt").touch()
    (runs / "theirs").touch()
    os.chown(runs / "theirs", 7, 7)
    (tmp_path / "outside").touch()
    (runs / "link").symlink_to(tmp_path / "outside")
    (runs / "second-name").hardlink_to(tmp_path / "outside")

    give_to_caller(runs)

    for given in (runs, runs / "run", runs / "run" / "artifacts", runs / "run" / "artifacts" / "a.txt", runs / "link"):
        assert owner(given) == (USER, GROUP)
    assert owner(runs / "theirs") == (7, 7)
    assert owner(tmp_path / "outside") == (0, 0)


@pytest.mark.needs_root  # it gives files away
@pytest.mark.usefixtures("sudo")
def test_only_folders_that_were_made_are_given(tmp_path: Path) -> None:
    """One that was there before keeps its owner; a single file can be given, too."""
    make_for_caller(tmp_path / "a" / "b")
    (tmp_path / "file").touch()
    give_to_caller(tmp_path / "file")

    assert [owner(tmp_path / name) for name in (".", "a", "a/b", "file")] == [(0, 0), *[(USER, GROUP)] * 3]


@pytest.mark.parametrize("variables", [{}, {"SUDO_UID": "0", "SUDO_GID": "0"}, {"SUDO_UID": "x", "SUDO_GID": "1"}])
def test_without_sudo_nothing_changes_hands(
    variables: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody called it, root did, or the variables say nothing."""
    for name in ("SUDO_UID", "SUDO_GID"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert caller() is None
    give_to_caller(tmp_path)
    assert owner(tmp_path) == (0, 0)
