"""A record of a packet log as the reference is held to it: what arrived, and what became of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from plctl.common.telemetry.packet_log import COPY, CORRUPT, ECN, MARKED, NO_ROUTE, RECORD


@dataclass(frozen=True, slots=True)
class FrameFate:
    """What became of a frame. Times are CLOCK_MONOTONIC in ns, 0 where there was no such moment."""

    verdict: int
    arrival_ns: int  #: as the model saw it
    marked: bool = False
    start_ns: int = 0
    end_ns: int = 0
    due_ns: int = 0
    route: int | None = None  #: 0, 1, … in order of appearance in the schedule
    bit: int | None = None  #: that the path flipped, of those behind the Ethernet header


@dataclass(frozen=True, slots=True)
class LoggedFrame:
    """A record of a packet log."""

    number: int
    copy: bool
    length: int  #: without overhead
    ecn: int
    flow: int
    fate: FrameFate


def read_records(records: bytes) -> Iterator[LoggedFrame]:
    """Records as they lie in memory and travel."""
    for number, arrival, _, start, end, due, _, route, length, verdict, flags, flow, bit in RECORD.iter_unpack(records):
        fate = FrameFate(
            verdict=verdict,
            arrival_ns=arrival,
            marked=bool(flags & MARKED),
            start_ns=start,
            end_ns=end,
            due_ns=due,
            route=None if route == NO_ROUTE else route,
            bit=bit if flags & CORRUPT else None,
        )
        yield LoggedFrame(number, bool(flags & COPY), length, flags & ECN, flow, fate)
