"""Of which commit this plctl is, where it runs from a clone of its repository.

Read from git's files, not by git: as root that would run what the clone's configuration names.
"""

from __future__ import annotations

import re
from pathlib import Path

import plctl.common

_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")


def source_commit(root: Path | None = None) -> str:
    """The commit that is checked out in `root` (default: where the folder common of this plctl lies); empty if none is.

    Changes that are not committed are not seen.
    """
    root = root or Path(plctl.common.__file__).resolve().parents[1]
    try:
        git = root / ".git"
        if git.is_file():  # a further work tree
            git = root / git.read_text().removeprefix("gitdir:").strip()
        head = _read(git / "HEAD")
        if head.startswith("ref:"):
            common = git / "commondir"
            shared = git / _read(common) if common.exists() else git
            head = _find(shared, head.removeprefix("ref:").strip())
    except (OSError, UnicodeDecodeError):
        return ""
    return head if _COMMIT.fullmatch(head) else ""


def _find(git: Path, ref: str) -> str:
    if (git / ref).exists():
        return _read(git / ref)
    lines = _read(git / "packed-refs").splitlines()
    return next((line.partition(" ")[0] for line in lines if line.endswith(f" {ref}")), "")


def _read(path: Path) -> str:
    """What the file at `path` says; somebody else may have made it, and nothing but a file is opened.

    :raises OSError: it is none, or cannot be read.
    """
    if not path.is_file():
        raise FileNotFoundError(path)
    return path.read_text().strip()
