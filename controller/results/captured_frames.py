"""Keeps the first bytes of logged frames beside a packet log's stream of records, and finds those of each record again.

While a run goes on they are appended to `packets/LINK-DIRECTION.frames`, one frame after the other, in the order of the
records that have them. They are written before these, so a record never waits for its bytes; what has no record yet
belongs to none.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from plctl.common.base.errors import ProtocolError
from plctl.common.protocol.messages import MAX_CAPTURED_BYTES
from plctl.common.telemetry.packet_log import CAPTURED

Sizes = NDArray[np.int64]


class CapturedFrames:
    """The first bytes of frames of one direction, which lie one after the other; at most `most` of each."""

    def __init__(self, stored: NDArray[np.uint8], most: int, records: NDArray[np.void]) -> None:
        """`records` are those of the frames, in the order of writing; some may lie beyond what is stored."""
        self.sizes = sizes(records, most)
        self._starts: Sizes = np.cumsum(self.sizes) - self.sizes
        self._bytes = stored
        self._kept = has_bytes(records) & (self._starts + self.sizes <= len(stored))

    def of(self, chosen: Sizes) -> pa.Array:
        """The bytes of the records with these numbers in the order of writing; null where none were kept."""
        kept, sizes = self._kept[chosen], np.where(self._kept[chosen], self.sizes[chosen], 0)
        ends = np.concatenate(([0], np.cumsum(sizes)))
        places = np.repeat(self._starts[chosen] - ends[:-1], sizes) + np.arange(ends[-1])
        mask = pa.array(kept).buffers()[1]
        offsets, data = pa.py_buffer(ends.astype("<i4")), pa.py_buffer(self._bytes[places])
        return pa.Array.from_buffers(pa.binary(), len(chosen), [mask, offsets, data])


def stored(path: Path) -> NDArray[np.uint8]:
    """What lies in the file `path`, left on the disk until it is looked at; nothing if there is none."""
    size = path.stat().st_size if path.exists() else 0
    return np.memmap(path, np.uint8, "r", shape=(size,)) if size else np.empty(0, np.uint8)


def has_bytes(records: NDArray[np.void]) -> NDArray[np.bool_]:
    """Which of the records have their frame's first bytes."""
    kept: NDArray[np.bool_] = (records["flags"] & CAPTURED) != 0
    return kept


def sizes(records: NDArray[np.void], most: int) -> Sizes:
    """How many bytes were kept of each, where `most` were asked for."""
    return np.where(has_bytes(records), np.minimum(records["length"], most), 0).astype(np.int64)


def check(link: str, captured: bytes, records: NDArray[np.void], most: int) -> None:
    """Refuse first bytes that are not those of `records`.

    :raises ProtocolError: they are more or fewer, or too many for one message.
    """
    wanted = int(sizes(records, most).sum())
    if len(captured) != wanted or wanted > MAX_CAPTURED_BYTES:
        raise ProtocolError(f"{len(captured)} first bytes beside records of {link} that have {wanted}")


def cut(path: Path, records: NDArray[np.void], most: int) -> int:
    """After a crash, let the file end with the bytes of `records`; how many of these have theirs in it.

    :raises OSError: it cannot be written.
    """
    ends = np.cumsum(sizes(records, most))
    size = path.stat().st_size if path.exists() else 0
    whole = int(np.searchsorted(ends, size, "right"))
    if path.exists():
        os.truncate(path, int(ends[whole - 1]) if whole else 0)
    return whole
