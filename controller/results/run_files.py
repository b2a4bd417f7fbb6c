"""Reads the files of a run's folder for those who ask over the network: only what is inside it, never through a link.

A path is walked component by component from the folder's own descriptor, and no component may be a symbolic link: so
neither `..` nor a link, and no change while it is walked, can lead elsewhere.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from plctl.common.base.errors import KernelError, UserError
from plctl.common.protocol import requests as rq

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def list_files(folder: Path) -> rq.Files:
    """Every regular file below `folder`, by path; drafts are none.

    :raises KernelError: the folder cannot be read.
    """
    try:
        return rq.Files(tuple(sorted(_walk(str(folder), ""), key=lambda file: file.path)))
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


def _walk(folder: str, prefix: str) -> Iterator[rq.FileInfo]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(entry.path, f"{prefix}{entry.name}/")
            elif entry.is_file(follow_symlinks=False) and not entry.name.endswith(".tmp"):
                yield rq.FileInfo(prefix + entry.name, entry.stat(follow_symlinks=False).st_size)
