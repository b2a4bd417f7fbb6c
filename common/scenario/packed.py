"""How a schedule travels and lies on disk: each column once, as differences between its rows, compressed.

Times and delays of a path change little from row to row, so a million rows are often a megabyte or two; so are tens of
millions of delivery opportunities, which come a few milliseconds apart.
"""

from __future__ import annotations

import zlib
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any

from plctl.common.base.columns import NUMBER_BYTES, to_little_endian, unpack
from plctl.common.scenario.opportunities import MAX_GAP_BYTES, Opportunities
from plctl.common.scenario.schedule import MAX_ROWS, Schedule

_LEVEL = 1  # of compression: ten times as fast as the usual one, and hardly larger
_WRAP = 2**64


@dataclass(frozen=True, slots=True)
class PackedOpportunities:
    """A trace of delivery opportunities, as `Opportunities` has it."""

    gaps: bytes  #: deflated
    unit_ns: int
    period_ns: int
    worth_bytes: int


@dataclass(frozen=True, slots=True)
class PackedSchedule:
    """A schedule: for each column, deflated, its first number and then each row's difference to the row before.

    Numbers are little-endian, of 64 bits; differences are modulo 2^64. A field without a column has its default.
    """

    columns: dict[str, bytes]
    period_ns: int = 0
    opportunities: PackedOpportunities | None = None
    loop_ns: int = 0


def pack_schedule(schedule: Schedule) -> PackedSchedule:
    """`schedule`, packed."""
    columns = {name: zlib.compress(_differences(column), _LEVEL) for name, column in schedule.columns.items()}
    trace = schedule.opportunities
    packed = _pack_opportunities(trace) if trace else None
    return PackedSchedule(columns, schedule.period_ns, packed, schedule.loop_ns)


def _pack_opportunities(trace: Opportunities) -> PackedOpportunities:
    gaps = zlib.compress(trace.gaps, _LEVEL)
    return PackedOpportunities(gaps, trace.unit_ns, trace.period_ns, trace.worth_bytes)


def unpack_schedule(packed: PackedSchedule) -> Schedule:
    """The schedule in `packed`, which nobody has checked. Whether it keeps the rules, `Schedule.check` knows.

    :raises ValueError: it is none, or a larger one than is legal; the message says why.
    """
    columns = {name: _numbers(name, data) for name, data in packed.columns.items()}
    trace = packed.opportunities
    opportunities = _unpack_opportunities(trace) if trace else None
    return Schedule.of_columns(columns, packed.period_ns, opportunities, loop_ns=packed.loop_ns)


def _unpack_opportunities(packed: PackedOpportunities) -> Opportunities:
    inflate = zlib.decompressobj()
    try:
        gaps = inflate.decompress(packed.gaps, MAX_GAP_BYTES + 1)
    except zlib.error as error:
        raise ValueError(f"the opportunities cannot be unpacked: {error}") from None
    if len(gaps) > MAX_GAP_BYTES or not inflate.eof:
        raise ValueError(f"the opportunities are more than {MAX_GAP_BYTES} bytes, or broken off")
    return Opportunities(gaps, packed.unit_ns, packed.period_ns, packed.worth_bytes)


def _differences(column: array[int]) -> bytes:
    steps = (_signed(after - before) for before, after in pairwise(column))
    return to_little_endian(array("q", [*column[:1], *steps]))


def _numbers(name: str, data: bytes) -> array[int]:
    inflate = zlib.decompressobj()
    try:
        plain = inflate.decompress(data, MAX_ROWS * NUMBER_BYTES + 1)
    except zlib.error as error:
        raise ValueError(f"the rows' {name:.80} cannot be unpacked: {error}") from None
    if len(plain) > MAX_ROWS * NUMBER_BYTES or len(plain) % NUMBER_BYTES or not inflate.eof:
        raise ValueError(f"the rows' {name:.80} are more than {MAX_ROWS} whole numbers, or broken off")
    steps = unpack(plain)
    return array("q", accumulate(steps, lambda before, step: _signed(before + step)))


def _signed(number: int) -> int:
    """`number` modulo 2^64, with a sign."""
    return (number + 2**63) % _WRAP - 2**63


class ScheduleTable:
    """The schedules of one message, in the order in which it refers to them first; a reference is a place in it."""

    def __init__(self, packed: Sequence[PackedSchedule] = ()) -> None:
        """Begin with those that came with a message.

        :raises ValueError: one of them is none.
        """
        self._schedules = [unpack_schedule(each) for each in packed]
        self._places: dict[Schedule, int] = {}

    def refer(self, schedule: Schedule) -> int:
        """The place of `schedule`, which is given one if it has none."""
        place = self._places.setdefault(schedule, len(self._schedules))
        if place == len(self._schedules):
            self._schedules.append(schedule)
        return place

    def find(self, reference: Any) -> Schedule:
        """The schedule at a place.

        :raises ValueError: there is none.
        """
        if type(reference) is not int or not 0 <= reference < len(self._schedules):
            raise ValueError(f"expected one of the message's {len(self._schedules)} schedules, got {reference!r:.80}")
        return self._schedules[reference]

    def packed(self) -> tuple[PackedSchedule, ...]:
        """All of them, as they travel."""
        return tuple(map(pack_schedule, self._schedules))
