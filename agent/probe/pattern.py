"""When a probe's packets are due: a pure schedule of absolute deadlines, so that a late sender catches up exactly."""

from __future__ import annotations

from dataclasses import dataclass

from plctl.common.base.units import NS_PER_MS, NS_PER_S

#: Bounds that both ends hold a session to, so that a hostile greeting cannot ask for all memory or all bandwidth.
COUNT_MAX = 2**26
INTERVALS_MAX = 100_000
SIZE_MIN, SIZE_MAX = 64, 65_000

#: How long past its schedule's end a sender may still catch up; whatever is unsent then stays unsent.
CATCH_UP_NS = 200 * NS_PER_MS


@dataclass(frozen=True, slots=True)
class Pattern:
    """What one direction sends: `count` packets of `size` payload bytes, `packets` in every `period_ns`, evenly."""

    packets: int
    period_ns: int
    count: int
    size: int
    interval_ns: int = NS_PER_S  #: of the report

    @classmethod
    def paced(cls, *, mpps: int, size: int, duration_ns: int, count: int = 0, interval_ns: int = NS_PER_S) -> Pattern:
        """`mpps` packets in 1000 seconds for `duration_ns`, or `count` of them if that is given."""
        period_ns = 1000 * NS_PER_S
        return cls(mpps, period_ns, count or _count(mpps, period_ns, duration_ns), size, interval_ns)

    @classmethod
    def at_bitrate(
        cls, *, bps: int, size: int, duration_ns: int, count: int = 0, interval_ns: int = NS_PER_S
    ) -> Pattern:
        """UDP payload at `bps` bits a second for `duration_ns`, or `count` packets if that is given."""
        period_ns = 8 * size * NS_PER_S
        return cls(bps, period_ns, count or _count(bps, period_ns, duration_ns), size, interval_ns)

    @property
    def duration_ns(self) -> int:
        """From the first packet's due time to the one that would follow the last."""
        return self.due_ns(self.count)

    def due_ns(self, sequence: int) -> int:
        """When packet `sequence` is due, after the first one."""
        return -(-sequence * self.period_ns // self.packets)

    def due_count(self, elapsed_ns: int) -> int:
        """How many packets should have left `elapsed_ns` after the first one was due."""
        return min(self.count, elapsed_ns * self.packets // self.period_ns + 1) if elapsed_ns >= 0 else 0

    def problem(self) -> str:
        """Why no end would run this pattern, as half a sentence; empty if it is legal."""
        if self.packets < 1 or self.period_ns < 1:
            return "the rate must be above zero"
        if not SIZE_MIN <= self.size <= SIZE_MAX:
            return f"the size must be {SIZE_MIN} to {SIZE_MAX} bytes, not {self.size}"
        if not 1 <= self.count <= COUNT_MAX:
            return f"a session sends 1 to {COUNT_MAX} packets, not {self.count}"
        if self.interval_ns < 10 * NS_PER_MS or self.duration_ns // self.interval_ns >= INTERVALS_MAX:
            return f"the interval must be at least 10 ms and give fewer than {INTERVALS_MAX} intervals"
        return ""


def _count(packets: int, period_ns: int, duration_ns: int) -> int:
    return max(1, -(-duration_ns * packets // max(1, period_ns)))


class SendSchedule:
    """How far one sender has come with its `Pattern`. The caller reads the clock (CLOCK_MONOTONIC nanoseconds)."""

    def __init__(self, pattern: Pattern, begun_ns: int) -> None:
        self.pattern = pattern
        self.begun_ns = begun_ns
        self.sent = 0  #: packets taken so far, hence the next sequence number
        self.late_max_ns = 0  #: the longest that any packet left after it was due
        self._stopped = False
        self._last_ns = begun_ns + pattern.duration_ns + CATCH_UP_NS

    def due(self, now_ns: int) -> int:
        """How many packets should leave now."""
        return 0 if self.over(now_ns) else self.pattern.due_count(now_ns - self.begun_ns) - self.sent

    def take(self, now_ns: int, count: int) -> None:
        """`count` packets left at `now_ns`."""
        self.late_max_ns = max(self.late_max_ns, now_ns - self.next_due_ns())
        self.sent += count

    def next_due_ns(self) -> int:
        """The instant at which the next packet should leave."""
        return self.begun_ns + self.pattern.due_ns(self.sent)

    def stop(self) -> None:
        """Send no more."""
        self._stopped = True

    def over(self, now_ns: int) -> bool:
        """True once nothing more will be sent."""
        return self._stopped or self.sent >= self.pattern.count or now_ns > self._last_ns
