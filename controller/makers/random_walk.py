"""Scenarios whose rate and delay wander between two bounds: Brownian motion with reflection.

Source: the rate of a cellular link as Brownian motion, Winstein, Sivaraman and Balakrishnan, "Stochastic Forecasts
Achieve High Throughput and Low Delay over Cellular Networks" (Sprout), NSDI '13, section 3.1. There the motion is
unbounded above and sticks at 0; here it is reflected at two bounds, so that in the long run every value between them is
equally likely. Rate and delay walk independently.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from plctl.common.base.units import NS_PER_S
from plctl.common.scenario.schedule import Row, Scenario
from plctl.controller.makers.draws import Draws
from plctl.controller.makers.made import Course, made
from plctl.controller.makers.span import Span


def random_walk(rate: Span, delay: Span, deviation: float, course: Course, seed: int) -> Scenario:
    """Both begin in the middle. In 1 s each moves by `deviation` of the way between its bounds (root mean square)."""
    step = deviation * math.sqrt(course.step_ns / NS_PER_S)

    def rows() -> Iterator[Row]:
        walks = [_walk(step, Draws(seed, purpose)) for purpose in ("rate", "delay")]
        for at_ns, rate_share, delay_share in zip(course, *walks, strict=False):
            yield Row(at_ns, 0, delay.at(delay_share), rate.at(rate_share))

    return made(rows(), course.duration_ns)


def _walk(deviation: float, draws: Draws) -> Iterator[float]:
    """Shares from 0 to 1, each a normal step from the one before."""
    share = 0.5
    while True:
        yield share
        share = reflected(share + deviation * draws.normal())


def reflected(share: float) -> float:
    """Where a ball that would be at `share` is between mirrors at 0 and 1."""
    folded = share % 2
    return 2 - folded if folded > 1 else folded
