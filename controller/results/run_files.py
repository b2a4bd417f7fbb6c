"""Reads the files of a run's folder for those who ask over the network: only what is inside it, never through a link.

A path is walked component by component from the folder's own descriptor, and no component may be a symbolic link: so
neither `..` nor a link, and no change while it is walked, can lead elsewhere.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from plctl.common.base.errors import KernelError, UserError
from plctl.common.base.units import format_size
from plctl.common.protocol import requests as rq

#: A file of which less lies on the disk has holes, which nothing of ours writes: to read them may take days.
_HOLES_BYTES, _HOLES_RATIO, _BLOCK_BYTES = 2**30, 2**10, 512
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def list_files(folder: Path) -> rq.Files:
    """Every regular file below `folder`, by path; drafts are none.

    :raises KernelError: the folder cannot be read.
    """
    try:
        return rq.Files(tuple(sorted(_files(folder), key=lambda file: file.path)))
    except OSError as error:
        raise KernelError.from_os(f"list {folder}", error) from error


def read_file(folder: Path, path: str, offset: int, length: int, *, over: bool) -> rq.FilePart:
    """At most `length` bytes of the file `path` below `folder` from `offset` on; negative: so many before its end.

    :raises UserError: there is no such file.
    :raises KernelError: it cannot be read.
    """
    try:
        with _opened(folder, path) as file:
            size = os.fstat(file).st_size
            start = max(0, size + offset) if offset < 0 else min(offset, size)
            data = os.pread(file, max(0, min(length, rq.MAX_FILE_PART)), start)
            return rq.FilePart(data, start, size, over)
    except OSError as error:
        raise KernelError.from_os(f"read {path:.200} of {folder.name}", error) from error


def open_file(folder: Path, path: str) -> BinaryIO:
    """The file `path` below `folder`, to read from.

    :raises UserError: there is no such file.
    :raises KernelError: it cannot be read.
    """
    try:
        with _opened(folder, path) as file:
            return os.fdopen(os.dup(file), "rb")
    except OSError as error:
        raise KernelError.from_os(f"read {path:.200} of {folder.name}", error) from error


@contextmanager
def _opened(folder: Path, path: str) -> Iterator[int]:
    parts = path.split("/")
    if "\0" in path or {"", ".", ".."} & {*parts}:
        raise UserError(f"{path!r:.80} is not the path of a file in a run's folder")
    at = os.open(folder, _FOLDER & ~os.O_NOFOLLOW)
    try:
        for part in parts[:-1]:
            at = _step(at, part, _FOLDER)
        at = _step(at, parts[-1], _FILE)
        if not stat.S_ISREG(os.fstat(at).st_mode):
            raise UserError(f"{folder.name} has no file {path!r:.80}")
        yield at
    except (FileNotFoundError, NotADirectoryError):
        raise UserError(f"{folder.name} has no file {path!r:.80}") from None
    finally:
        os.close(at)


def _step(at: int, part: str, flags: int) -> int:
    """The descriptor of `part` in the folder `at`, which is closed."""
    try:
        below = os.open(part, flags, dir_fd=at)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENAMETOOLONG):  # a symbolic link, or no name that a file could have
            raise FileNotFoundError from None
        raise
    os.close(at)
    return below


def refuse_strange(
    folder: Path, names: Collection[str], most_bytes: Mapping[str, int] | None = None, *, below: bool = True
) -> None:
    """Return if what is called by one of `names` in `folder`, which anybody may have made, is but files and folders.

    A link would have others' files read, and written, in its name; to open a pipe or a device may take for ever.

    :param names: without what stands behind a dot: drafts and parts have the names of what they become.
    :param most_bytes: how long a file may be, by its path.
    :param below: look into the folders in it, too.
    :raises UserError: it holds something else, or too much.
    :raises OSError: it cannot be looked through.
    """
    for path, entry in _entries(folder, below=below):
        if path.partition("/")[0].partition(".")[0] not in names:
            continue  # nobody reads it
        if not (entry.is_dir(follow_symlinks=False) or entry.is_file(follow_symlinks=False)):
            what = "a symbolic link" if entry.is_symlink() else "no file"
            raise UserError(f"{folder} is not read: {path!r:.80} in it is {what}, which no run leaves there; remove it")
        with suppress(FileNotFoundError):  # the run that goes on there has just removed it
            facts = entry.stat(follow_symlinks=False)
            most = (most_bytes or {}).get(path, facts.st_size)
            if facts.st_size > most or facts.st_size > _HOLES_BYTES + facts.st_blocks * _BLOCK_BYTES * _HOLES_RATIO:
                raise UserError(f"{folder} is not read: {path!r:.80} in it says to have {format_size(facts.st_size)}")


def _entries(folder: Path, *, below: bool = True) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """All that is below `folder`, or only in it, with its path from there; links are not followed. OSErrors pass."""
    left = [""]
    while left:
        prefix = left.pop()
        try:
            entries = os.scandir(folder / prefix)
        except FileNotFoundError:
            if not prefix:
                raise
            continue  # the run that goes on there has just removed it
        with entries:
            for entry in entries:
                yield prefix + entry.name, entry
                if below and entry.is_dir(follow_symlinks=False):
                    left.append(f"{prefix}{entry.name}/")


def _files(folder: Path) -> Iterator[rq.FileInfo]:
    for path, entry in _entries(folder):
        if entry.is_file(follow_symlinks=False) and not entry.name.endswith(".tmp"):
            yield rq.FileInfo(path, entry.stat(follow_symlinks=False).st_size)
