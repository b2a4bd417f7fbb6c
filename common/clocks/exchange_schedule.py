"""Says when an agent exchanges clock readings: a quick burst when it matters, else a steady trickle.

A burst finds a moment with short queues, and so halves the bound; the trickle keeps the bound from growing for long.
Gaps are random within limits, so that a thousand agents spread out and none falls into step with periodic traffic.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from plctl.common.base.units import NS_PER_MS, NS_PER_S

#: Between two exchanges of the trickle, unless there is a reason for more.
STEADY_GAP_NS = 2 * NS_PER_S


@dataclass
class ExchangeSchedule:
    """When the next exchange is due; instants are the agent's monotonic clock, in nanoseconds.

    A new one starts with a burst. Exchanges are sent without awaiting the replies of those before, so a burst takes no
    longer on a slow path.
    """

    random: random.Random
    burst_size: int = 8
    burst_gap_ns: int = 10 * NS_PER_MS
    steady_gap_ns: int = STEADY_GAP_NS
    jitter: float = 0.25  #: a gap is within this fraction of what it should be
    due_ns: int = field(default=0, init=False)  #: of the next exchange; long past means now
    _left: int = field(default=0, init=False)
    _burst_gap_ns: int = field(default=0, init=False)  #: of the burst that goes on

    def __post_init__(self) -> None:
        self._left, self._burst_gap_ns = self.burst_size, self.burst_gap_ns

    def burst(self, now_ns: int, size: int = 0, gap_ns: int = 0) -> None:
        """Begin a burst, of `size` exchanges if that is more than usual: T0 is near, or has just passed.

        It begins at once, unless a longer gap than usual says that others do the same: then at any moment within that.
        """
        self._left, self._burst_gap_ns = max(size, self.burst_size), max(gap_ns, self.burst_gap_ns)
        self.due_ns = now_ns + (round(self.random.uniform(0, gap_ns)) if gap_ns > self.burst_gap_ns else 0)

    def end_burst(self) -> None:
        """The burst has found what it was for: what is due next belongs to the trickle."""
        self._left = 0

    @property
    def in_burst(self) -> bool:
        """Whether exchanges of a burst are still to be sent."""
        return self._left > 0

    def sent(self, now_ns: int) -> None:
        """An exchange was sent at `now_ns`: work out when the next is due. Sleeping late never makes up for it."""
        self._left = max(0, self._left - 1)
        gap_ns = self._burst_gap_ns if self._left else self.steady_gap_ns
        self.due_ns = now_ns + round(gap_ns * self.random.uniform(1 - self.jitter, 1 + self.jitter))
