"""The frames of a packet log as packets at both ends of the link: where each arrived, and where it left if it did."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

import pyarrow as pa

from plctl.common.scenario.schedule import Direction
from plctl.controller.capture import pcapng
from plctl.controller.capture.departed_bytes import departed
from plctl.controller.capture.fate_words import fate
from plctl.controller.capture.host_clock import HostClock

#: When a packet was at an interface (ns since 1970), and its block.
TimedBlock = tuple[int, bytes]
_ID_BITS = 40  # of a frame's number; above them the number of the way


@dataclass(frozen=True, slots=True)
class CapturedWay:
    """One direction of a link in a capture."""

    direction: Direction
    number: int  #: among the ways of the capture
    client: int  #: number of the interface at the client's end; the server's follows it
    t0_ns: int  #: on the host's clock
    clock: HostClock

    @property
    def enters(self) -> int:
        """The interface at which its frames arrive."""
        return self.client + (self.direction == "down")

    @property
    def leaves(self) -> int:
        """The interface at which they leave the link."""
        return self.client + (self.direction == "up")


def blocks(way: CapturedWay, tables: Iterable[pa.Table]) -> Iterator[TimedBlock]:
    """The packets of a whole log at both ends, in the order of time.

    :param tables: the log's, in the order of arrival, with the column `captured`.
    """
    waiting: list[TimedBlock] = []
    for row in _rows(way, tables):
        for block in _at_both_ends(way, row):
            heapq.heappush(waiting, block)
        while waiting and waiting[0][0] < row["arrived"]:  # whatever comes later arrives later, and leaves after that
            yield heapq.heappop(waiting)
    yield from sorted(waiting)


def unordered_blocks(way: CapturedWay, table: pa.Table) -> list[TimedBlock]:
    """The packets at both ends of a piece of a log, in the order of time."""
    return sorted(block for row in _rows(way, [table]) for block in _at_both_ends(way, row))


def _rows(way: CapturedWay, tables: Iterable[pa.Table]) -> Iterator[dict[str, Any]]:
    """Each frame's row with its times on the wall clock, `entered`, `left` and `arrived`, and whether it was copied."""
    rows = (row for table in tables for row in _with_times(way, table))
    for _, frames in groupby(rows, key=itemgetter("number")):
        same = list(frames)
        copied = any(row["copy"] for row in same)
        for row in same:
            row["copied"] = copied and not row["copy"]
            yield row


def _with_times(way: CapturedWay, table: pa.Table) -> Iterator[dict[str, Any]]:
    arrival = table["arrival_ns"].to_numpy()
    arrived = way.clock.wall_ns(arrival)
    left = way.clock.wall_ns(table["sent_ns"].fill_null(0).to_numpy())
    entered = way.clock.wall_ns(arrival - table["moved_ns"].to_numpy())
    for row, *times in zip(table.to_pylist(), arrived.tolist(), left.tolist(), entered.tolist(), strict=True):
        row["arrived"], row["left"], row["entered"] = times
        yield row


def _at_both_ends(way: CapturedWay, row: dict[str, Any]) -> Iterator[TimedBlock]:
    data = row["captured"] or b""
    about = {
        "length": row["length"],
        "packet_id": way.number << _ID_BITS | row["number"],
        "comment": fate(row, way.direction, way.t0_ns, copied=row["copied"]),
    }
    if not row["copy"]:
        yield row["entered"], pcapng.packet(way.enters, row["entered"], data, flags=pcapng.OUTBOUND, **about)
    if row["sent_ns"] is not None:
        changed = departed(data, marked=row["marked"], bit=row["bit"])
        yield row["left"], pcapng.packet(way.leaves, row["left"], changed, flags=pcapng.INBOUND, **about)
