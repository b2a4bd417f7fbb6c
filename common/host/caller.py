"""Under sudo, gives what was written for the user to that user, who would else need root to delete it."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

_ROOT = 0


def caller() -> tuple[int, int] | None:
    """User and group ids of whoever called sudo; None where nobody did, or root."""
    user, group = os.environ.get("SUDO_UID", ""), os.environ.get("SUDO_GID", "")
    if os.geteuid() != _ROOT or not (user.isdecimal() and group.isdecimal()) or int(user) == _ROOT:
        return None
    return int(user), int(group)


def give_to_caller(path: Path) -> None:
    """Give the file or folder `path`, with all of root's that is in it, to whoever called sudo, if anybody did.

    Links are not followed, and a file with a second name is left alone, as it may be one of the system's. Where the
    file system refuses, things stay as they are.
    """
    if (to := caller()) is None:
        return
    with suppress(OSError):
        if not path.is_dir():
            above = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                _give(path.name, to, above)
            finally:
                os.close(above)
        for _, _, files, folder in os.fwalk(path):
            for name in files:
                _give(name, to, folder)
            if os.fstat(folder).st_uid == _ROOT:
                os.fchown(folder, *to)


def make_for_caller(folder: Path) -> None:
    """Make `folder` and those above it that lack, as the caller's. OSErrors pass."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for made in missing:
        give_to_caller(made)


def _give(name: str, to: tuple[int, int], folder: int) -> None:
    about = os.stat(name, dir_fd=folder, follow_symlinks=False)
    if about.st_uid == _ROOT and about.st_nlink == 1:
        os.chown(name, *to, dir_fd=folder, follow_symlinks=False)
