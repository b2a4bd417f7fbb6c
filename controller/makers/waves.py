"""Scenarios that follow a simple curve: a constant, steps, a sawtooth, a sine.

They are what a controller is tested with: its answer to a step, to a ramp and to a frequency. A row has the value of
the curve in the middle of its step, so that the mean over a whole number of periods is that of the curve.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

from plctl.common.scenario.schedule import Row, Scenario
from plctl.controller.makers.made import Course, made
from plctl.controller.makers.span import Span


def constant(rate_bps: int, delay_ns: int, duration_ns: int) -> Scenario:
    """One row."""
    return made([Row(0, 0, delay_ns, rate_bps)], duration_ns)


def steps(rates_bps: Sequence[int], delays_ns: Sequence[int], course: Course, *, reroute: bool = False) -> Scenario:
    """The rates one after the other and again, and so the delays; with `reroute` each step has a RouteID of its own."""

    def rows() -> Iterator[Row]:
        for index, at_ns in enumerate(course):
            rate, delay = rates_bps[index % len(rates_bps)], delays_ns[index % len(delays_ns)]
            yield Row(at_ns, index if reroute else 0, delay, rate)

    return made(rows(), course.duration_ns)


def sawtooth(rate: Span, delay: Span, period_ns: int, course: Course) -> Scenario:
    """From begin to end in a straight line, and back at once, each `period_ns`."""
    return _wave(rate, delay, course, lambda at: at / period_ns % 1)


def sine(rate: Span, delay: Span, period_ns: int, course: Course, phase_degrees: float = 0) -> Scenario:
    """Around the middle of each span; a phase of 90° begins at its end."""

    def share(at: float) -> float:
        return (1 + math.sin(2 * math.pi * (at / period_ns + phase_degrees / 360))) / 2

    return _wave(rate, delay, course, share)


def _wave(rate: Span, delay: Span, course: Course, share: Callable[[float], float]) -> Scenario:
    def rows() -> Iterator[Row]:
        for at_ns in course:
            now = share((at_ns + min(at_ns + course.step_ns, course.duration_ns)) / 2)
            yield Row(at_ns, 0, delay.at(now), rate.at(now))

    return made(rows(), course.duration_ns)
