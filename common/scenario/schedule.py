"""The time-varying description of a path, as plain integers: what a scenario file becomes and what an agent is handed.

Readers of files live elsewhere (`csv_reader`); nothing here parses text.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from plctl.common.base.units import NS_PER_S, RATE_UNLIMITED

Direction = Literal["up", "down"]
#: The two one-way halves of a link, in the order of every pair in plctl: client→server, then server→client.
DIRECTIONS: tuple[Direction, Direction] = ("up", "down")

#: Beyond every scenario time, and yet a sum of two of them fits an int64.
NEVER_NS = 2**62


@dataclass(frozen=True, slots=True)
class Row:
    """What holds in one direction from `time_ns` (scenario time) until the next row's time."""

    time_ns: int  #: since the scenario's start; the first row's is 0
    route: int  #: RouteID; frames of one route keep their order
    delay_ns: int  #: one-way propagation delay
    rate_bps: int  #: bottleneck data rate; 0 is an outage, `RATE_UNLIMITED` serves in no time
    queue_bytes: int = -1  #: capacity of the bottleneck's queue while this row holds; -1: as the link's plan says


@dataclass(frozen=True, slots=True)
class Schedule:
    """One direction's rows in strictly ascending time; a step function.

    `period_ns` > 0 repeats the rows with that period (> the last row's time); 0: the last row holds for ever.
    """

    rows: tuple[Row, ...]
    period_ns: int = 0

    def row_at(self, t_ns: int) -> Row:
        """The row in force at scenario time `t_ns`; the first one before 0."""
        return self.rows[self.index_at(t_ns)]

    def index_at(self, t_ns: int) -> int:
        """The index of the row in force at scenario time `t_ns`; 0 before 0."""
        if self.period_ns and t_ns >= 0:
            t_ns %= self.period_ns
        return max(0, self._count_until(t_ns) - 1)

    def next_change_ns(self, t_ns: int) -> int:
        """The first scenario time after `t_ns`, which is not negative, when another row may come into force; or never.

        Never is `NEVER_NS`.
        """
        base_ns = t_ns // self.period_ns * self.period_ns if self.period_ns else 0
        count = self._count_until(t_ns - base_ns)
        if count < len(self.rows):
            return base_ns + self.rows[count].time_ns
        return base_ns + self.period_ns if self.period_ns else NEVER_NS

    def repeated(self, period_ns: int = 0) -> Schedule:
        """This schedule starting again every `period_ns`; by default its last row holds as long as the one before it.

        A single row holds for ever whatever the period, and is returned as it is.

        :raises ValueError: the period does not exceed the last row's time.
        """
        if len(self.rows) == 1:
            return self
        last_ns = self.rows[-1].time_ns
        period_ns = period_ns or 2 * last_ns - self.rows[-2].time_ns
        if period_ns <= last_ns:
            raise ValueError(f"a period of {period_ns} ns does not exceed the last row's time, {last_ns} ns")
        return replace(self, period_ns=period_ns)

    def bdp_bytes(self) -> int:
        """The largest bandwidth-delay product of any row with a finite rate: rate × 2 × delay, in bytes."""
        return max(
            (r.rate_bps * 2 * r.delay_ns // (8 * NS_PER_S) for r in self.rows if r.rate_bps < RATE_UNLIMITED), default=0
        )

    def _count_until(self, t_ns: int) -> int:
        low, high = 0, len(self.rows)
        while low < high:
            middle = (low + high) // 2
            if self.rows[middle].time_ns <= t_ns:
                low = middle + 1
            else:
                high = middle
        return low


@dataclass(frozen=True, slots=True)
class Scenario:
    """Both directions of a path: `up` is client→server, `down` server→client."""

    up: Schedule
    down: Schedule

    @property
    def duration_ns(self) -> int:
        """Scenario time of the last row of either direction."""
        return max(self.up.rows[-1].time_ns, self.down.rows[-1].time_ns)
