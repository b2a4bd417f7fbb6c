"""What a scenario says of one direction, for the judge: rows, service, blackouts. DESIGN's words in plain integers.

Written for the judge alone, without a look at the product's model or at `common/reference`: a fault that one of
them has is not to be shared by the judge.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

NS_PER_S = 10**9
NEVER = 1 << 62  #: later than everything


@dataclass(frozen=True)
class Row:
    """What holds from `time_ns` after T0 until the next row's time."""

    time_ns: int
    route: int
    delay_ns: int
    rate_bps: int | None  #: None: served in no time; 0: an outage


class Path:
    """One direction's rows on the clock of the host, with the blackouts that new routes bring."""

    def __init__(self, rows: tuple[Row, ...], t0_ns: int, blackout_ns: int = 0, mode: str = "gsl") -> None:
        """The first of `rows` also holds before `t0_ns`. `mode`: ``gsl`` or ``all``, see `held`."""
        self.rows = rows
        self._starts = [t0_ns + row.time_ns for row in rows]
        self._blackout_ns = blackout_ns
        self._all = mode == "all"
        news = (now for now, (old, new) in enumerate(pairwise(rows), 1) if old.route != new.route)
        self._changes = [self._starts[index] for index in news] if blackout_ns else []

    def row(self, t_ns: int) -> Row:
        """The row in force at `t_ns`."""
        return self.rows[self._index(t_ns)]

    def spells(self, first_ns: int, last_ns: int) -> Iterator[tuple[int, int, Row]]:
        """The parts of the interval (both ends belong to it) in which one row each is in force."""
        for index in range(self._index(first_ns), self._index(last_ns) + 1):
            begin = first_ns if index == self._index(first_ns) else self._starts[index]
            end = last_ns if index == self._index(last_ns) else self._starts[index + 1] - 1
            yield begin, end, self.rows[index]

    def served(self, start_ns: int, size_bytes: int) -> int:
        """When a service that begins at `start_ns` ends: the first nanosecond at which the rate's integral suffices."""
        t, left = start_ns, 8 * size_bytes * NS_PER_S
        while t < NEVER:
            index = self._index(t)
            until = self._starts[index + 1] if index + 1 < len(self.rows) else NEVER
            rate = self.rows[index].rate_bps
            if rate is None:
                return t
            if rate and t + -(-left // rate) <= until:
                return t + -(-left // rate)
            left -= rate * (until - t)
            t = until
        return NEVER

    def may_start(self, t_ns: int) -> int:
        """The first time from `t_ns` on at which no blackout forbids that a service begins."""
        for change in self._changes:
            if change <= t_ns < change + self._blackout_ns:
                t_ns = change + self._blackout_ns
        return t_ns

    def blackout_end(self, t_ns: int) -> int:
        """When the last blackout that began by `t_ns` ends or ended; 0: there was none."""
        index = bisect_right(self._changes, t_ns)
        return self._changes[index - 1] + self._blackout_ns if index else 0

    def held(self, due_ns: int, since_ns: int, until_ns: int = NEVER) -> int:
        """`due_ns` of a frame in flight since `since_ns`, after what reconfigurations until `until_ns` do to it."""
        for change in self._changes:
            if since_ns < change <= until_ns and due_ns > change:
                due_ns = due_ns + self._blackout_ns if self._all else max(due_ns, change + self._blackout_ns)
        return due_ns

    def _index(self, t_ns: int) -> int:
        return max(bisect_right(self._starts, t_ns) - 1, 0)
