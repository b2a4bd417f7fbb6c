"""Adds up what telemetry tells of each link's two directions, and finds what cannot be true of it.

The columns are looked at as wholes: two hundred thousand rows a second come to a controller with a thousand agents.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from plctl.common.base.errors import ProtocolError
from plctl.common.base.units import format_duration
from plctl.common.protocol import messages as m
from plctl.common.scenario.schedule import DIRECTIONS
from plctl.common.telemetry.counters import BALANCE, COUNTERS, GAUGES
from plctl.common.telemetry.samples import Samples

_NUMBERS = "<i8"
#: Rows of one direction beyond those that the sampling interval asks for: at the ends of a run, and where it changes.
_ROWS_AT_ONCE = 64
#: An interval of the grid may be cut in two by a change of the link, but no more often.
_ROWS_AN_INTERVAL = 4
#: What is never below 0, and what is in this order wherever it was measured (−1: it was not).
_COUNTS = (*COUNTERS, *GAUGES)
_ORDERED = (
    ("lateness_p50_ns", "lateness_p99_ns", "lateness_max_ns"),
    ("transit_min_ns", "transit_p50_ns", "transit_p99_ns", "transit_max_ns"),
)
_LOWER = tuple(name for names in _ORDERED for name in names[:-1])
_UPPER = tuple(name for names in _ORDERED for name in names[1:])
#: So many rows are added up together.
_TOGETHER = 10_000
#: More than any counter of a link can be, and so little that no sum of them leaves 64 bits.
_MOST = 2**52

#: More than any interval, and so little that no difference leaves 64 bits.
_LONGEST_NS = 2**60

Column = NDArray[np.int64]


class _Columns:
    """The columns of samples as arrays, made when one is asked for."""

    def __init__(self, samples: Samples) -> None:
        self._samples = samples

    def __getitem__(self, name: str) -> Column:
        return np.frombuffer(self._samples.columns[name], _NUMBERS)


class RunBooks:
    """The telemetry of one run, whose links have these names and are sampled every `interval_ns`."""

    def __init__(self, links: Sequence[str], interval_ns: int) -> None:
        self._rows = {link: 2 * number for number, link in enumerate(links)}
        self._interval_ns = interval_ns
        self._until_ns: Column = np.full(2 * len(links), np.iinfo(np.int64).min)
        self._count: Column = np.zeros(2 * len(links), np.int64)
        self._sums: Column = np.zeros((2 * len(links), len(COUNTERS)), np.int64)
        self._waiting: list[tuple[Column, Samples]] = []  #: to be added up, and the row of each of their rows
        self._waiting_rows = 0

    def check(self, samples: Samples, latest_ns: int, earliest_ns: int, elapsed_ns: int) -> None:
        """Take in samples that can be true; the times are on their host's clock.

        :raises ProtocolError: they cannot, or are more than `elapsed_ns` asks for; nothing of them was taken in.
        """
        columns = _Columns(samples)
        self.check_times("telemetry", samples.columns["t_ns"], latest_ns, earliest_ns)
        counts = _together(samples, _COUNTS)
        if counts.min() < 0 or counts.max() > _MOST:
            wrong = next(name for name in _COUNTS if not 0 <= columns[name].min() <= columns[name].max() <= _MOST)
            raise ProtocolError(f"telemetry whose {wrong} is from {columns[wrong].min()} to {columns[wrong].max()}")
        if (_together(samples, _LOWER) > _together(samples, _UPPER)).any():
            pairs = zip(_LOWER, _UPPER, strict=True)
            lower, upper = next((a, b) for a, b in pairs if (columns[a] > columns[b]).any())
            raise ProtocolError(f"telemetry that contradicts itself: {lower} above {upper}")
        firsts = np.array([self._rows[link] for link in samples.links], np.int64)
        rows = firsts[columns["link"]] + columns["direction"]
        self._follow(rows, columns["t_ns"], columns["interval_ns"], elapsed_ns)
        self._waiting.append((rows, samples))
        self._waiting_rows += len(samples)
        if self._waiting_rows >= _TOGETHER:
            self._add_up()

    @staticmethod
    def check_times(what: str, t_ns: bytes, latest_ns: int, earliest_ns: int) -> None:
        """Return if all of a column's times are within the run's.

        :raises ProtocolError: one is not.
        """
        times = np.frombuffer(t_ns, _NUMBERS)
        if len(times) and int(times.max()) > latest_ns:
            raise ProtocolError(f"{what} from the future, {format_duration(int(times.max()) - latest_ns)} beyond doubt")
        if len(times) and int(times.min()) < earliest_ns:
            raise ProtocolError(
                f"{what} from before the run, {format_duration(earliest_ns - int(times.min()))} too early"
            )

    def check_result(self, result: m.LinkResult, latest_ns: int | None) -> None:
        """Return if `result` agrees with itself, and with the telemetry so far; `latest_ns` is now on its host's clock.

        :raises ProtocolError: it does not.
        """
        if latest_ns is not None and (result.until_ns or 0) > latest_ns:
            raise ProtocolError(f"a result of {result.link} from the future")
        if (result.from_ns or 0) > (result.until_ns or result.from_ns or 0):
            raise ProtocolError(f"a result of {result.link} that ends before it begins")
        self._add_up()
        for number, (direction, half) in enumerate(zip(DIRECTIONS, (result.up, result.down), strict=True)):
            if wrong := _contradiction(half) or self._beyond(self._rows[result.link] + number, half):
                raise ProtocolError(f"a result of {result.link} {direction} that contradicts {wrong}")

    def _follow(self, rows: Column, t_ns: Column, interval_ns: Column, elapsed_ns: int) -> None:
        """Each row of a direction must begin where the one before ended, or later."""
        if (interval_ns < 0).any() or (interval_ns > _LONGEST_NS).any():
            raise ProtocolError("telemetry of an interval that ends before it begins")
        order = np.argsort(rows, kind="stable")
        sorted_rows, ends = rows[order], t_ns[order]
        begins = ends - interval_ns[order]
        first = np.ones(len(order), bool)
        first[1:] = sorted_rows[1:] != sorted_rows[:-1]
        before = np.empty_like(ends)
        before[1:] = ends[:-1]
        before[first] = self._until_ns[sorted_rows[first]]
        if (begins < before).any():
            raise ProtocolError("telemetry of one interval twice")
        counts = np.bincount(rows, minlength=len(self._count))
        most = _ROWS_AT_ONCE + _ROWS_AN_INTERVAL * (elapsed_ns // max(1, self._interval_ns) + 1)
        if (self._count + counts).max() > most:
            raise ProtocolError(f"more telemetry of one link than the {most} rows that were asked for until now")
        self._count += counts
        last = np.ones(len(order), bool)
        last[:-1] = first[1:]
        self._until_ns[sorted_rows[last]] = ends[last]

    def _add_up(self) -> None:
        if not self._waiting:
            return
        rows = np.concatenate([each for each, _ in self._waiting])
        for number, name in enumerate(COUNTERS):
            column = np.frombuffer(b"".join([samples.columns[name] for _, samples in self._waiting]), _NUMBERS)
            np.add.at(self._sums[:, number], rows, column)
        self._waiting.clear()
        self._waiting_rows = 0

    def _beyond(self, row: int, half: m.DirectionResult) -> str:
        for number, name in enumerate(COUNTERS):
            if (told := int(self._sums[row, number])) > getattr(half, name):
                return f"its telemetry: {name} is {getattr(half, name)}, of which {told} were told before"
        return ""


def _together(samples: Samples, names: Sequence[str]) -> Column:
    """These columns as one: looking at them one by one would cost more than the numbers."""
    return np.frombuffer(b"".join([samples.columns[name] for name in names]), _NUMBERS)


def _contradiction(half: m.DirectionResult) -> str:
    """What of a direction's result cannot be true beside the rest of it."""
    if low := next((name for name in COUNTERS if not 0 <= getattr(half, name) <= _MOST), ""):
        return f"itself: {low} is {getattr(half, low)}"
    if sum(sign * getattr(half, name) for name, sign in BALANCE.items()) < 0:
        return "itself: more frames left than had arrived"
    late = (half.lateness_p50_ns, half.lateness_p99_ns, half.lateness_max_ns)
    if any(lower > upper for lower, upper in pairwise(late)):
        return "itself: its median lateness, 99th percentile and maximum are not in that order"
    if (half.late_packets or 0) > half.lateness_packets:
        return "itself: more frames were late than were timed"
    return ""
