"""Two clocks and a network in true time, so that what an estimator says can be held against the truth. Never sleeps."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from plctl.common.base.units import NS_PER_MS, NS_PER_S, NS_PER_US
from plctl.common.clocks.exchange_schedule import ExchangeSchedule
from plctl.common.clocks.sync import ClockEstimator, Exchange

EXACT = 10**9  #: clocks are kept in billionths of a nanosecond, so that rates in ppb never round


@dataclass
class SimulatedClock:
    """A clock whose rate changes, and which may jump, at instants of true time (ns, from 0 on, in order)."""

    start_ns: int = 0
    rates: Sequence[tuple[int, int]] = ((0, 0),)  #: (from this true instant, ppb too fast)
    jumps: Sequence[tuple[int, int]] = ()  #: (at this true instant, forward by ns)

    def exact(self, true_ns: int) -> int:
        """The clock in billionths of a nanosecond."""
        elapsed = 0
        for (since, ppb), (until, _) in pairwise([*self.rates, (true_ns, 0)]):
            elapsed += max(0, min(until, true_ns) - since) * (EXACT + ppb)
        return self.start_ns * EXACT + elapsed + sum(by for at, by in self.jumps if at <= true_ns) * EXACT

    def read(self, true_ns: int) -> int:
        """What a process reads: whole nanoseconds, rounded down."""
        return self.exact(true_ns) // EXACT


Delay = Callable[[random.Random], int]


@dataclass(frozen=True)
class Path:
    """How long requests and replies take, in nanoseconds, and how many exchanges never end."""

    forward: Delay
    back: Delay
    loss: float = 0.0


def uniform(low_ns: int, high_ns: int) -> Delay:
    """A delay anywhere between the two."""
    return lambda rng: rng.randint(low_ns, high_ns)


def normal(mean_ns: int, deviation_ns: int) -> Delay:
    """A delay as `tc netem delay` makes it: normal, never negative."""
    return lambda rng: max(0, round(rng.gauss(mean_ns, deviation_ns)))


def heavy_tailed(least_ns: int) -> Delay:
    """A Pareto delay: mostly near the least, now and then a hundred times as much."""
    return lambda rng: round(least_ns * rng.paretovariate(1.2))


LAN = Path(uniform(50 * NS_PER_US, 150 * NS_PER_US), uniform(50 * NS_PER_US, 150 * NS_PER_US))
JITTERY = Path(uniform(3 * NS_PER_MS, 7 * NS_PER_MS), uniform(3 * NS_PER_MS, 7 * NS_PER_MS))
NETEM = Path(normal(5 * NS_PER_MS, 2 * NS_PER_MS), normal(5 * NS_PER_MS, 2 * NS_PER_MS))
ASYMMETRIC = Path(uniform(100 * NS_PER_US, 200 * NS_PER_US), uniform(10 * NS_PER_MS, 11 * NS_PER_MS))
BURSTY_LOSSY = Path(heavy_tailed(100 * NS_PER_US), heavy_tailed(100 * NS_PER_US), loss=0.3)


@dataclass
class Simulation:
    """An agent that follows its schedule over a path; `run` hands its estimator each exchange when its reply comes."""

    path: Path
    agent: SimulatedClock
    controller: SimulatedClock
    rng: random.Random
    estimator: ClockEstimator = field(default_factory=ClockEstimator)

    def exchange(self, true_ns: int, forward_ns: int, hold_ns: int, back_ns: int) -> tuple[int, Exchange]:
        """When the reply to a request sent at `true_ns` comes (true time), and all four readings."""
        arrived = true_ns + forward_ns
        left = arrived + hold_ns
        back = left + back_ns
        read = self.controller.read
        return back, Exchange(self.agent.read(true_ns), read(arrived), read(left), self.agent.read(back))

    def truth(self, true_ns: int) -> int:
        """The offset controller − agent in billionths of a nanosecond."""
        return self.controller.exact(true_ns) - self.agent.exact(true_ns)

    def run(self, start_ns: int, duration_ns: int) -> Iterator[int]:
        """Yield the true instant after each exchange that ended, in the order of the replies."""
        replies = sorted(self._replies(start_ns, duration_ns), key=lambda reply: reply[0])
        for true_ns, exchange in replies:
            self.estimator.add(exchange)
            yield true_ns

    def _replies(self, start_ns: int, duration_ns: int) -> Iterator[tuple[int, Exchange]]:
        schedule = ExchangeSchedule(self.rng)
        now = start_ns
        while now < start_ns + duration_ns:
            reply = self.exchange(now, self.path.forward(self.rng), 20 * NS_PER_US, self.path.back(self.rng))
            if self.rng.random() >= self.path.loss:
                yield reply
            schedule.sent(now)
            now = schedule.due_ns

    def error_ns(self, true_ns: int) -> tuple[float, int]:
        """How far off the estimate at `true_ns` is, and its bound (ns)."""
        estimate = self.estimator.at(self.agent.read(true_ns))
        assert estimate is not None
        return abs(estimate.offset_ns - self.truth(true_ns) / EXACT), estimate.bound_ns


def unrelated_clocks(rng: random.Random, worst_ppb: int = 30_000) -> tuple[SimulatedClock, SimulatedClock]:
    """Clocks of two hosts: started days apart, each off by a steady rate within ±`worst_ppb`."""
    return tuple(
        SimulatedClock(rng.randrange(10**6 * NS_PER_S), ((0, rng.randint(-worst_ppb, worst_ppb)),)) for _ in range(2)
    )  # type: ignore[return-value]  # exactly two
