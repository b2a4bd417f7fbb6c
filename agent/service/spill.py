"""Puts aside on disk what the controller cannot take now, and leaves nothing there whenever the agent ends.

The files have no name: the kernel frees them with the process, however that ends, so there is nothing to enter in the
ledger. They lie in /var/tmp and not in the owner's folder, because /run is memory on most machines. A file is given up
as soon as nothing in it is wanted any more, so what is on disk follows what waits.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

FOLDER = "/var/tmp"
#: A file takes no more once it has so many bytes.
SEGMENT_BYTES = 16 * 2**20


@dataclass(slots=True)
class _Segment:
    """One file."""

    file: BinaryIO
    size: int = 0
    wanted: int = 0  #: pieces that have not been dropped


@dataclass(frozen=True, slots=True)
class SpillRange:
    """Where a piece lies."""

    segment: _Segment
    offset: int
    size: int


class Spill:
    """Pieces of bytes, given back or dropped one by one, best in the order in which they came."""

    def __init__(self, make_file: Callable[[], BinaryIO] | None = None, segment_bytes: int = SEGMENT_BYTES) -> None:
        """`make_file` opens a new file without a name (default: in `FOLDER`)."""
        self._make_file = make_file or _unnamed_file
        self._segment_bytes = segment_bytes
        self._segments: list[_Segment] = []

    @property
    def size_bytes(self) -> int:
        """What all files hold together."""
        return sum(segment.size for segment in self._segments)

    def put(self, data: bytes) -> SpillRange:
        """Keep `data`, whole or not at all.

        :raises OSError: the disk refuses.
        """
        if not self._segments or self._segments[-1].size >= self._segment_bytes:
            self._segments.append(_Segment(self._make_file()))
        segment = self._segments[-1]
        offset, rest = segment.size, memoryview(data)
        while rest:
            rest = rest[os.pwrite(segment.file.fileno(), rest, offset + len(data) - len(rest)) :]
        segment.size += len(data)
        segment.wanted += 1
        return SpillRange(segment, offset, len(data))

    def get(self, place: SpillRange) -> bytes:
        """What lies at `place`.

        :raises OSError: the disk refuses.
        """
        data = os.pread(place.segment.file.fileno(), place.size, place.offset)
        if len(data) != place.size:
            raise OSError(f"{len(data)} of {place.size} bytes could be read")
        return data

    def drop(self, place: SpillRange) -> None:
        """What lies at `place` is not wanted any more."""
        place.segment.wanted -= 1
        if not place.segment.wanted:
            place.segment.file.close()
            self._segments.remove(place.segment)

    def close(self) -> None:
        """Give everything up; twice is harmless."""
        for segment in self._segments:
            segment.file.close()
        self._segments.clear()


def _unnamed_file() -> BinaryIO:
    return tempfile.TemporaryFile(buffering=0, prefix="plctl-", dir=FOLDER)
