"""Follows what workloads print, so that it reaches the controller while they run, and frees what was handed on.

A link's folder holds what plctl writes (`<workload>.stdout`, `.stderr`, `.exit.json`), and `FILES`, the current folder
of its programs. What is printed goes on growing, so it is read as it grows; what programs leave in their folder may be
written again at any moment, so it is read once, when they have ended.
"""

from __future__ import annotations

import ctypes
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from plctl.agent.workload.left_files import LeftFiles
from plctl.common.base.units import format_size

#: The current folder of a link's programs, in the link's folder.
FILES = "files"
#: The most that one message carries of a file.
PIECE_BYTES = 256 * 1024
#: The most that is kept of each output of one workload, and of all files that a link's programs leave.
BOUND_BYTES = 256 * 2**20
#: What was handed on stays readable so far back, for the last words of a program that failed.
_TAIL_BYTES = 64 * 1024
#: fallocate(2): give the blocks back, and let the file keep its size.
_PUNCH_HOLE = 0x01 | 0x02

_libc = ctypes.CDLL(None, use_errno=True)

Piece = tuple[str, str, bytes]  #: link, file name, bytes


@dataclass(slots=True)
class _Growth:
    """How far one file was read, and how long it was then."""

    read: int = 0
    size: int = 0


class ArtifactStream:
    """The files below `folder`/<link>/."""

    def __init__(self, folder: Path, bound_bytes: int = BOUND_BYTES) -> None:
        self.folder = folder
        self._bound_bytes = bound_bytes
        self._growths: dict[Path, _Growth] = {}
        self._told_full = False

    def expect(self, link: str, workload: str) -> None:
        """What this workload prints is to come; where it does not, because somebody deletes it, `left_out` says so."""
        for kind in ("stdout", "stderr"):
            self._growths.setdefault(self.folder / link / f"{workload}.{kind}", _Growth())

    def read_new(self) -> Iterator[Piece]:
        """What was printed since the last call, in pieces and in order; what was taken of it before is freed.

        :raises OSError: the disk refuses.
        """
        for path in sorted(self.folder.glob("*/*")):
            if path.name != FILES:
                yield from self._read_growth(path, self._growths.setdefault(path, _Growth()))

    def read_files(self, remarks: list[tuple[str, str]]) -> Iterator[Piece]:
        """What programs left in their folders, once they have ended; `remarks` gets (link, what was left out).

        Nothing but regular files is opened, and no link is followed, also while somebody changes the folder.
        """
        for folder in sorted(self.folder.glob(f"*/{FILES}")):
            link = folder.parent.name
            taken = {path.name for path in folder.parent.iterdir()}
            left = LeftFiles(folder, taken, self._bound_bytes)
            for name, data in left.read(PIECE_BYTES):
                yield link, name, data
            if left.remark:
                remarks.append((link, left.remark))

    def left_out(self) -> list[tuple[str, str]]:
        """(link, what is missing of it) of each output that was larger than what is kept, or that somebody deleted."""
        return [
            (path.parent.name, why) for path, growth in self._growths.items() if (why := self._why_left(path, growth))
        ]

    def notice_full_disk(self) -> str:
        """A sentence when, for the first time, the disk has no room for what programs write; else nothing."""
        if self._told_full or not self.folder.exists():
            return ""
        disk = os.statvfs(self.folder)
        if disk.f_bavail and (disk.f_favail or not disk.f_files):
            return ""
        self._told_full = True
        return f"no space was left on the disk of {self.folder.parent}: what programs wrote from then on is missing"

    def remove(self) -> None:
        """Delete the folder; idempotent."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _why_left(self, path: Path, growth: _Growth) -> str:
        kept = format_size(growth.read)
        if growth.size > self._bound_bytes:
            whole = f"of {format_size(growth.size)} in {path.name} only the first {kept} were kept"
            return f"{whole}, the most that one output may take on disk"
        if not os.path.lexists(path):
            return (
                f"{path.name} was deleted on its host before the run was over: what was kept of it is its first {kept}"
            )
        return ""

    def _read_growth(self, path: Path, growth: _Growth) -> Iterator[Piece]:
        try:
            file = path.open("r+b")
        except FileNotFoundError:  # somebody deleted it just now
            return
        with file:
            size = os.fstat(file.fileno()).st_size
            if size < growth.size:  # the program has emptied it
                growth.read = 0
            growth.size = size
            end = min(size, self._bound_bytes)
            file.seek(growth.read)
            while piece := file.read(min(PIECE_BYTES, max(0, end - growth.read))):
                growth.read += len(piece)
                yield path.parent.name, path.name, piece
                _free(file.fileno(), growth.read - _TAIL_BYTES)
            if size > self._bound_bytes:
                _free(file.fileno(), size - _TAIL_BYTES)


def _free(file: int, length: int) -> None:
    """Give the first `length` bytes back to the file system; one that cannot do that keeps them."""
    if length > 0:
        _libc.fallocate(file, _PUNCH_HOLE, ctypes.c_int64(0), ctypes.c_int64(length))
