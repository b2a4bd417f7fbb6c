"""`digests.sha256` in a folder: what each file was when it was complete, in the form that `sha256sum -c` reads."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

NAME = "digests.sha256"
#: Pages may be drawn anew at any time, and drafts are nothing yet.
_LEFT_OUT = frozenset({NAME, "report.html"})
_DRAFT = ".tmp"


def write_digests(folder: Path) -> Path:
    """Write the digests of all files in `folder`, but of pages, and return where they are.

    :raises OSError: a file cannot be read, or the digests not be written.
    """
    path = folder / NAME
    draft = path.with_name(NAME + _DRAFT)
    lines = (f"{_digest(folder / name)}  {name}\n" for name in _names(folder))
    draft.write_text("".join(lines), encoding="utf-8", errors="surrogateescape")
    return draft.replace(path)


def check_digests(folder: Path) -> tuple[int, list[str]]:
    """How many files `folder` should have, and what is wrong with them, a sentence each.

    :raises FileNotFoundError: it has no digests.
    :raises ValueError: what should be the digests is something else.
    :raises OSError: a file cannot be read.
    """
    text = (folder / NAME).read_text(encoding="utf-8", errors="surrogateescape")
    wanted = dict(_entry(line) for line in text.splitlines())
    there = set(_names(folder))
    wrong = [f"{name} is gone" for name in wanted if name not in there]
    wrong += [f"{name} was changed" for name in wanted if name in there and _digest(folder / name) != wanted[name]]
    wrong += [f"{name} was added" for name in sorted(there - wanted.keys())]
    return len(wanted), wrong


def _names(folder: Path) -> Iterator[str]:
    """Every regular file below `folder` that counts, by its path from there, in a fixed order."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not path.is_symlink() and name not in _LEFT_OUT and path.suffix != _DRAFT:
            yield name


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _entry(line: str) -> tuple[str, str]:
    digest, separator, name = line.partition("  ")
    if not (separator and name) or len(digest) != 2 * hashlib.sha256().digest_size:
        raise ValueError(f"not a line of digests: {line!r:.80}")
    return name, digest
