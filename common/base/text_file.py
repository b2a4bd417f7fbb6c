"""Reads a user's text file whole, or says in one sentence why it is none; never more of it than fits the limit."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from plctl.common.base.errors import InputError, Problem
from plctl.common.base.units import format_size

#: The longest file that is read, in bytes.
SIZE_LIMIT = 64 * 2**20
_PIECE = 2**18
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


def read_text(path: Path, what: str, *, limit: int = SIZE_LIMIT) -> str:
    """The text of the UTF-8 file at `path`, without a byte-order mark.

    `what` names what the file ought to be, for the sentences ("a scenario", "a run spec").

    :raises InputError: no such file, a directory or device, unreadable, longer than `limit` bytes, binary, not UTF-8.
    """
    return _decode(b"".join(read_pieces(path, what, limit=limit)), path)


def read_pieces(path: Path, what: str, *, limit: int) -> Iterator[bytes]:
    """The bytes of the file at `path`, a piece at a time, for what is too long to be held whole.

    :raises InputError: as `read_text`, but for what is not UTF-8.
    """
    try:
        yield from _read(path, what, limit)
    except OSError as error:
        raise _refusal(path, f"cannot be read: {os.strerror(error.errno) if error.errno else error}") from None
    except ValueError as error:  # a NUL in the name
        raise _refusal(path, f"cannot be read: {error}") from None


def _read(path: Path, what: str, limit: int) -> Iterator[bytes]:
    if path.is_dir():
        raise _refusal(path, f"is a directory; {what} is a file")
    # Without O_NONBLOCK opening a named pipe would wait for a writer for ever.
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb", buffering=0) as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise _refusal(path, f"is not a regular file; save {what} to a file first")
        length = 0
        while piece := file.read(_PIECE):
            if not length and piece.startswith(_UTF16):
                raise _refusal(path, "is UTF-16 text; save it as UTF-8")
            if (nul := piece.find(0)) >= 0:
                raise _refusal(path, f"is not text (byte {length + nul + 1} is NUL); {what} is UTF-8 text")
            length += len(piece)
            if max(length, status.st_size) > limit:
                raise _refusal(path, f"is too long: at most {format_size(limit)} are read as {what}")
            yield piece


def _decode(data: bytes, path: Path) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # The codec counts from behind a byte-order mark.
        before = error.object[: error.start]
        line, column = before.count(b"\n") + 1, len(before) - before.rfind(b"\n")
        text = f"is not UTF-8 text: byte 0x{error.object[error.start]:02x} is illegal here; save the file as UTF-8"
        raise InputError([Problem(str(path), line, column, text)]) from None


def _refusal(path: Path, text: str) -> InputError:
    return InputError([Problem(str(path), 0, 0, text)])
