"""Tells how far the controller's clock is from an agent's, with a bound that holds however unfair the network is.

The offset is controller − agent, both CLOCK_MONOTONIC in nanoseconds; add it to an agent's instant to get the
controller's. Nothing here reads a clock or a socket. The reasoning, for an exchange t1 → t2, t3 → t4:

- A request cannot arrive before it was sent, so the offset at t1 is at most t2 − t1; a reply neither, so the offset at
  t4 is at least t3 − t4. This holds for any delays; asymmetric ones make the interval wide, never wrong.
- What held at one instant holds at another if it is widened by the greatest drift times the time between.
- So the truth lies in the intersection of all exchanges, and the fastest and the latest decide by themselves.

A guess at the actual drift chooses the point inside that intersection; the bound rests on the greatest drift alone.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from heapq import nlargest, nsmallest

from plctl.common.base.units import NS_PER_S
from plctl.common.clocks.drift import Drift, fit_drift

#: The greatest rate at which two monotonic clocks are taken to part. Each is taken to run within 500 ppm of true time:
#: the kernel's own tolerance, by which its `maxerror` grows, the most that adjtime() and ntpd may slew, and five times
#: what a quartz errs by itself. Apart at worst: (1 + 500 ppm) / (1 − 500 ppm) − 1 = 1000.5 ppm. A clock that is slewed
#: faster, as chronyd does by up to 83 333 ppm after its start, breaks this; `plctl.common.clocks.watch` notices that.
MAX_DRIFT_PPM = 1_001

#: A reading is the clock rounded down to a nanosecond, so a difference of two is off by less than this.
_READING_NS = 1

#: So many exchanges are kept; of those before the latest half the quickest, which tell most of the drift.
_EXCHANGES_KEPT = 400

#: So many requests, and so many replies, at most, are taken to have met short queues, and of how many exchanges one.
_QUICKEST, _ONE_IN = 4, 16

SAME_CLOCK = "the same clock"
EXCHANGES = "exchanges"


@dataclass(frozen=True, slots=True)
class Exchange:
    """Four readings around one request and its reply; t1 and t4 are the agent's clock, t2 and t3 the controller's."""

    t1_ns: int  #: the agent is about to send the request
    t2_ns: int  #: the controller has received it
    t3_ns: int  #: the controller is about to send the reply
    t4_ns: int  #: the agent has received it

    @property
    def highest_ns(self) -> int:
        """No offset at t1 is above this."""
        return self.t2_ns - self.t1_ns + _READING_NS

    @property
    def lowest_ns(self) -> int:
        """No offset at t4 is below this."""
        return self.t3_ns - self.t4_ns - _READING_NS

    @property
    def width_ns(self) -> int:
        """How much it leaves open: for how long the request and the reply were on their way, together."""
        return self.highest_ns - self.lowest_ns

    @property
    def middle_ns(self) -> int:
        """The offset if both ways took equally long."""
        return (self.lowest_ns + self.highest_ns) // 2

    def possible(self, max_drift_ppm: int) -> bool:
        """Whether two clocks can be read so at all: neither runs backwards, nor do the messages."""
        overlap = self.width_ns + _widening(max_drift_ppm * 1_000, self.t4_ns - self.t1_ns)
        return self.t1_ns <= self.t4_ns and self.t2_ns <= self.t3_ns and overlap >= 0


@dataclass(frozen=True, slots=True)
class Interval:
    """The offset at the agent's instant `at_ns` is between `low_ns` and `high_ns`, both included, says `source`."""

    low_ns: int
    high_ns: int
    at_ns: int
    source: str


@dataclass(frozen=True, slots=True)
class ClockEstimate:
    """What is known of the offset at one instant; the truth is within `bound_ns` of `offset_ns`."""

    offset_ns: int  #: controller − agent, the likeliest
    bound_ns: int
    age_ns: int  #: from the nearest exchange to the instant asked for
    exchanges: int  #: that support this
    resets: int  #: how often the past had to be forgotten
    source: str  #: what made the bound as small as it is


class ExchangeOutcome(StrEnum):
    """What the estimator did with an exchange."""

    ACCEPTED = "accepted"
    IGNORED = "ignored"  #: too old, known already, or not possible
    RESET = "reset"  #: it contradicts all before it, so all before it was forgotten


@dataclass
class ClockEstimator:
    """Keeps the exchanges with one controller and answers for any instant near them, past or future.

    Give `same_clock` if both ends have an equal `ClockIdentity`; then there is nothing to estimate.
    """

    max_drift_ppm: int = MAX_DRIFT_PPM
    window_ns: int = 120 * NS_PER_S
    same_clock: bool = False
    resets: int = field(default=0, init=False)
    reset_cause: str = field(default="", init=False)  #: of the last reset
    ignored: int = field(default=0, init=False)
    _history: list[Exchange] = field(default_factory=list, init=False)  # by t4
    _known_since_ns: int | None = field(default=None, init=False)  # the agent's clock at the last reset
    _drift: Drift | None = field(default=None, init=False)  # worked out when it is asked for
    _promise: Interval | None = field(default=None, init=False)

    def add(self, exchange: Exchange) -> ExchangeOutcome:
        """Learn from `exchange`; lost, repeated and overtaken ones do no harm.

        Only an exchange that began after all others were sent can overthrow them: one that was under way while a clock
        jumped is the wrong one to believe.
        """
        if self.same_clock or not exchange.possible(self.max_drift_ppm) or self._outdated(exchange):
            self.ignored += 1
            return ExchangeOutcome.IGNORED
        contradicted = self._contradicts(exchange)
        if contradicted and any(exchange.t1_ns <= known.t1_ns for known in self._history):
            self.ignored += 1
            return ExchangeOutcome.IGNORED
        if contradicted:
            self.forget(exchange.t1_ns, "an exchange contradicts all before it: a clock jumped or drifted too fast")
        insort(self._history, exchange, key=lambda known: known.t4_ns)
        self._prune()
        return ExchangeOutcome.RESET if contradicted else ExchangeOutcome.ACCEPTED

    def forget(self, agent_ns: int, cause: str) -> None:
        """Drop all that was learnt, because of a jump noticed at `agent_ns`; what began before that is ignored."""
        self._history.clear()
        self._promise = None
        self._drift = None
        self._known_since_ns = agent_ns
        self.resets += 1
        self.reset_cause = cause

    def promise(self, interval: Interval) -> None:
        """Let `interval`, e.g. of `interval_from_wall`, tighten the bound; it replaces the one before it.

        One that was read before the last jump is ignored.
        """
        if self._known_since_ns is None or interval.at_ns >= self._known_since_ns:
            self._promise = interval

    def at(self, agent_ns: int) -> ClockEstimate | None:
        """The offset at `agent_ns` (the agent's clock), or None if nothing is known of that instant.

        An instant between exchanges is known better than one after them all, so ask again when more have come.
        """
        if self.same_clock:
            return ClockEstimate(0, 0, 0, 0, self.resets, SAME_CLOCK)
        if not self._history or (self._known_since_ns is not None and agent_ns < self._known_since_ns):
            return None
        low, high, source = self._proven(agent_ns)
        offset = min(max(self._likely(agent_ns), low), high)
        return ClockEstimate(
            offset_ns=offset,
            bound_ns=max(high - offset, offset - low),
            age_ns=min(abs(agent_ns - known.t4_ns) for known in self._history),
            exchanges=len(self._history),
            resets=self.resets,
            source=source,
        )

    def within(self, bound_ns: int, agent_ns: int) -> bool:
        """Whether `at` would state a bound of at most `bound_ns`; where it cannot, this is much quicker to tell."""
        if self._history:
            low, high, _ = self._proven(agent_ns)
            if high - low > 2 * bound_ns:
                return False
        estimate = self.at(agent_ns)
        return estimate is not None and estimate.bound_ns <= bound_ns

    def to_agent(self, controller_ns: int) -> tuple[int, int] | None:
        """When `controller_ns` (the controller's clock) is on the agent's clock, and how far off that can be; or None.

        With C(a) = a + offset(a), the answer a must make C(a) = controller_ns. C rises by at least 1 − drift for each
        nanosecond, so an error e of C at a is an error of at most e / (1 − drift) of a.
        """
        agent_ns = controller_ns
        if self._history:
            agent_ns += self._history[-1].t4_ns - self._history[-1].t3_ns
        for _ in range(2):  # the offset changes by ppm only: the second step is exact to the nanosecond or so
            if (estimate := self.at(agent_ns)) is None:
                return None
            agent_ns = controller_ns - estimate.offset_ns
        if (estimate := self.at(agent_ns)) is None:
            return None
        error = abs(controller_ns - (agent_ns + estimate.offset_ns)) + estimate.bound_ns
        return agent_ns, -(-error * 1_000_000 // (1_000_000 - self.max_drift_ppm))

    def _outdated(self, exchange: Exchange) -> bool:
        if self._known_since_ns is not None and exchange.t1_ns < self._known_since_ns:
            return True
        if not self._history:
            return False
        known = any(exchange.t1_ns == each.t1_ns for each in self._history)
        return known or exchange.t4_ns < self._history[-1].t4_ns - self.window_ns

    def _contradicts(self, exchange: Exchange) -> bool:
        """Whether no offset that drifts within the assumption fits both `exchange` and all others."""
        if not self._history:
            return False
        ppb = self.max_drift_ppm * 1_000
        return exchange.highest_ns < _lowest(self._history, exchange.t1_ns, ppb) or (
            exchange.lowest_ns > _highest(self._history, exchange.t4_ns, ppb)
        )

    def _prune(self) -> None:
        """Keep what the window and the memory allow; what is dropped only makes the bound wider."""
        since_ns = self._history[-1].t4_ns - self.window_ns
        self._history = [known for known in self._history if known.t4_ns >= since_ns]
        while len(self._history) > _EXCHANGES_KEPT:
            self._history.remove(max(self._history[: _EXCHANGES_KEPT // 2], key=lambda known: known.width_ns))
        self._drift = None

    def _likely_drift(self) -> Drift:
        if self._drift is None:
            self._drift = fit_drift([((e.t1_ns + e.t4_ns) // 2, e.middle_ns, e.width_ns) for e in self._history])
        return self._drift

    def _likely(self, agent_ns: int) -> int:
        """The middle between the requests and the replies that were quickest, as they would be seen at `agent_ns`.

        The very quickest would do if delays had a sharp minimum; on busy hosts a few of each err by half as much.
        """
        drift = self._likely_drift()
        count = min(_QUICKEST, max(1, len(self._history) // _ONE_IN))
        lows, highs = (
            limits(self._history, agent_ns, drift.ppb, drift.doubt_ppb) for limits in (_lower_limits, _upper_limits)
        )
        return (sum(nlargest(count, lows)) + sum(nsmallest(count, highs))) // (2 * count)

    def _proven(self, agent_ns: int) -> tuple[int, int, str]:
        """Where the offset must be at `agent_ns`, and who says so."""
        ppb = self.max_drift_ppm * 1_000
        low, high = (limit(self._history, agent_ns, ppb) for limit in (_lowest, _highest))
        if self._promise is None:
            return low, high, EXCHANGES
        slack = _widening(ppb, agent_ns - self._promise.at_ns)
        tight_low, tight_high = max(low, self._promise.low_ns - slack), min(high, self._promise.high_ns + slack)
        if tight_low > tight_high:  # exchanges are facts; a discipline can be wrong about itself
            return low, high, f"{EXCHANGES}, which refute {self._promise.source}"
        if (tight_low, tight_high) == (low, high):
            return low, high, EXCHANGES
        return tight_low, tight_high, self._promise.source


def _lowest(history: Sequence[Exchange], agent_ns: int, slack_ppb: int) -> int:
    """The least offset at `agent_ns` that fits all of `history`; if it is above `_highest`, none fits."""
    return max(_lower_limits(history, agent_ns, 0, slack_ppb))


def _highest(history: Sequence[Exchange], agent_ns: int, slack_ppb: int) -> int:
    """The greatest offset at `agent_ns` that fits all of `history`."""
    return min(_upper_limits(history, agent_ns, 0, slack_ppb))


def _lower_limits(history: Sequence[Exchange], agent_ns: int, drift_ppb: int, slack_ppb: int) -> list[int]:
    """The least offset at `agent_ns` that fits each exchange, if it drifts by `drift_ppb`, give or take `slack_ppb`."""
    return [
        e.t3_ns
        - e.t4_ns
        - _READING_NS
        + (drift_ppb * (since := agent_ns - e.t4_ns) - slack_ppb * abs(since)) // NS_PER_S
        for e in history
    ]


def _upper_limits(history: Sequence[Exchange], agent_ns: int, drift_ppb: int, slack_ppb: int) -> list[int]:
    """The greatest offset that fits each exchange; see `_lower_limits`."""
    return [
        e.t2_ns
        - e.t1_ns
        + _READING_NS
        - (-drift_ppb * (since := agent_ns - e.t1_ns) - slack_ppb * abs(since)) // NS_PER_S
        for e in history
    ]


def _widening(slack_ppb: int, elapsed_ns: int) -> int:
    """By how much a limit loosens over `elapsed_ns`, forwards or backwards, rounded up."""
    return -(-slack_ppb * abs(elapsed_ns) // NS_PER_S)
