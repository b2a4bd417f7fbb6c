"""A walk keeps its bounds, moves as far as it says, and in the long run is everywhere equally often."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest

from plctl.common.base.units import NS_PER_MS, NS_PER_S
from plctl.common.scenario.schedule import Row, Scenario
from plctl.controller.makers.made import Course
from plctl.controller.makers.random_walk import random_walk, reflected
from plctl.controller.makers.span import Span

RATE, DELAY = Span(2_000_000, 12_000_000), Span(20 * NS_PER_MS, 50 * NS_PER_MS)


def walk(deviation: float, seed: int = 1, step_ns: int = 100 * NS_PER_MS, delay: Span = DELAY) -> Scenario:
    """20 000 steps."""
    return random_walk(RATE, delay, deviation, Course(20_000 * step_ns, step_ns), seed)


def test_it_begins_in_the_middle_and_keeps_its_bounds() -> None:
    """However wild it is."""
    for seed, deviation in enumerate((0.1, 1, 10)):
        found = walk(deviation, seed).up
        assert Row(0, 0, 35 * NS_PER_MS, 7_000_000) == found.rows[0]
        assert RATE.begin <= min(found.column("rate_bps")) < max(found.column("rate_bps")) <= RATE.end
        assert DELAY.begin <= min(found.column("delay_ns")) < max(found.column("delay_ns")) <= DELAY.end


def test_a_step_has_its_deviation_whatever_the_step() -> None:
    """0.02 of the way in 1 s is 0.02 √step; reflections are rare with such small ones."""
    for step_ns in (10 * NS_PER_MS, 100 * NS_PER_MS):
        rates = walk(0.02, step_ns=step_ns).up.column("rate_bps")
        moved = math.sqrt(sum((after - before) ** 2 for before, after in pairwise(rates)) / (len(rates) - 1))
        assert pytest.approx(0.02 * math.sqrt(step_ns / NS_PER_S) * (RATE.end - RATE.begin), rel=0.03) == moved


def test_every_value_is_equally_likely_in_the_long_run() -> None:
    """A tenth of the time is spent in each tenth; steps that cross the whole span are as good as independent."""
    rates = walk(10).up.column("rate_bps")
    counts = [0] * 10
    for rate in rates:
        counts[min(9, (rate - RATE.begin) * 10 // (RATE.end - RATE.begin))] += 1
    assert all(pytest.approx(len(rates) / 10, rel=0.1) == count for count in counts)


def test_rate_and_delay_walk_apart() -> None:
    """The rate is the same whatever the delay does, and the two are not correlated."""
    assert walk(1).up.column("rate_bps") == walk(1, delay=Span(1, 1)).up.column("rate_bps")
    rates, delays = (walk(10).up.column(name) for name in ("rate_bps", "delay_ns"))
    means = sum(rates) / len(rates), sum(delays) / len(delays)
    product = sum((rate - means[0]) * (delay - means[1]) for rate, delay in zip(rates, delays, strict=True))
    scale = math.sqrt(sum((rate - means[0]) ** 2 for rate in rates) * sum((delay - means[1]) ** 2 for delay in delays))
    assert pytest.approx(0, abs=4 / math.sqrt(len(rates))) == product / scale


def test_reflection_folds_the_line() -> None:
    """At both mirrors, and over several."""
    found = [reflected(share) for share in (0.25, 1.25, -0.25, 2.25, -1.75)]
    assert [0.25, 0.75, 0.25, 0.25, 0.25] == pytest.approx(found)
