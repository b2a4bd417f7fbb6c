"""Reads what programs left in a folder, whatever that is: nothing but regular files is opened, and nothing can block.

Each component is opened by its own name in the folder above it, never through a link, and first as a mere place
(O_PATH), which opens neither a FIFO nor a device. So it does not matter what a program changes meanwhile.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from plctl.common.base.printable import printable
from plctl.common.base.units import format_size

#: So many files are read at most, so deep, and so many entries are looked at.
FILES_MAX = 1000
DEPTH_MAX = 16
ENTRIES_MAX = 20_000
#: So many names stand in a sentence about what was left out.
_NAMES = 3
_PLACE = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC


class LeftFiles:
    """The files in one folder. `remark` says after `read` what was left out; empty: nothing."""

    def __init__(self, folder: Path, taken: Collection[str], bound_bytes: int) -> None:
        """`taken` are names at the top that mean something else; all files together have `bound_bytes` at most."""
        self._folder = folder
        self._taken = taken
        self._left_bytes = bound_bytes
        self._bound_bytes = bound_bytes
        self._files = 0
        self._entries = 0
        self._left_out: dict[str, list[str]] = {}

    def read(self, piece_bytes: int) -> Iterator[tuple[str, bytes]]:
        """(path in the folder, bytes) of each file, in pieces and in order; an empty file is one empty piece."""
        place = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            yield from self._read_folder(place, "", piece_bytes)
        finally:
            os.close(place)

    @property
    def remark(self) -> str:
        """What was left out: how many of each kind, and the first of them by name."""
        if not self._left_out:
            return ""
        return "left out of what programs wrote: " + "; ".join(
            f"{len(names)} {why} ({', '.join(names[:_NAMES])}{', …' if len(names) > _NAMES else ''})"
            for why, names in self._left_out.items()
        )

    def _read_folder(self, place: int, prefix: str, piece_bytes: int) -> Iterator[tuple[str, bytes]]:
        for name in sorted(os.listdir(place)):
            self._entries += 1
            if self._entries > ENTRIES_MAX:
                self._leave_out(f"from the entry after the first {ENTRIES_MAX} on", prefix + name)
                return
            try:
                below = os.open(name, _PLACE, dir_fd=place)
            except OSError:  # it is gone by now
                continue
            try:
                yield from self._read_entry(below, prefix, name, piece_bytes)
            except OSError as error:
                self._leave_out(f"that could not be read, {os.strerror(error.errno or 0)}", prefix + name)
            finally:
                os.close(below)

    def _read_entry(self, below: int, prefix: str, name: str, piece_bytes: int) -> Iterator[tuple[str, bytes]]:
        about = os.fstat(below)
        path = prefix + name
        if why := self._objection(about, path):
            self._leave_out(why, path)
        elif stat.S_ISDIR(about.st_mode):
            folder = os.open(f"/proc/self/fd/{below}", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                yield from self._read_folder(folder, f"{path}/", piece_bytes)
            finally:
                os.close(folder)
        else:
            self._files += 1
            self._left_bytes -= about.st_size
            with os.fdopen(os.open(f"/proc/self/fd/{below}", _READ), "rb") as file:
                yield from ((path, piece) for piece in _pieces(file.read, about.st_size, piece_bytes))

    def _objection(self, about: os.stat_result, path: str) -> str:
        """Why what lies at `path` is left out; empty: it is read."""
        is_folder = stat.S_ISDIR(about.st_mode)
        if not is_folder and not stat.S_ISREG(about.st_mode):
            return "that are no regular files"
        if path != printable(path) or path in self._taken:
            return "whose names cannot be used"
        if is_folder:
            return f"deeper than {DEPTH_MAX} folders" if path.count("/") >= DEPTH_MAX else ""
        if self._files >= FILES_MAX:
            return f"beyond the first {FILES_MAX}"
        return f"beyond {format_size(self._bound_bytes)} in all" if about.st_size > self._left_bytes else ""

    def _leave_out(self, why: str, path: str) -> None:
        self._left_out.setdefault(why, []).append(printable(path))


def _pieces(read: Callable[[int], bytes], size: int, piece_bytes: int) -> Iterator[bytes]:
    """At most `size` bytes, as it may still grow."""
    if not size:
        yield b""
    while size > 0 and (piece := read(min(piece_bytes, size))):
        size -= len(piece)
        yield piece
