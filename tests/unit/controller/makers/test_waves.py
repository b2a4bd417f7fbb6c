"""Curves have the values, means and periods that they are named for."""

from __future__ import annotations

import pytest

from plctl.common.base.errors import UserError
from plctl.common.base.units import NS_PER_MS, NS_PER_S, RATE_UNLIMITED, parse_rate
from plctl.common.scenario.schedule import Row
from plctl.controller.makers import waves
from plctl.controller.makers.made import Course
from plctl.controller.makers.span import Span, parse_span

MINUTE = Course(60 * NS_PER_S, 100 * NS_PER_MS)
STILL = Span(20 * NS_PER_MS, 20 * NS_PER_MS)


def test_a_constant_is_one_row_that_ends() -> None:
    """Its length is not lost."""
    found = waves.constant(RATE_UNLIMITED, 5, NS_PER_S)
    assert [Row(0, 0, 5, RATE_UNLIMITED)] == found.up.rows
    assert NS_PER_S == found.end_ns


def test_steps_take_turns() -> None:
    """Rates and delays each in their own turn; rerouted, each step is a route, even if it changes nothing else."""
    course = Course(5, 1)
    assert [Row(0, 0, 1, 7), Row(1, 0, 2, 8), Row(2, 0, 3, 7), Row(3, 0, 1, 8), Row(4, 0, 2, 7)] == waves.steps(
        [7, 8], [1, 2, 3], course
    ).up.rows
    assert [0, 1, 2, 3, 4] == list(waves.steps([7], [1], course, reroute=True).up.column("route"))


def test_a_sawtooth_rises_in_a_line_and_falls_at_once() -> None:
    """In the middle of each step it has the value of the line; from greater to less it falls."""
    found = waves.sawtooth(Span(0, 1000), STILL, 10 * NS_PER_S, MINUTE).up
    assert [5, 15, 25] == list(found.column("rate_bps")[:3])
    assert [995, 5] == list(found.column("rate_bps")[99:101])
    assert [995, 985] == list(waves.sawtooth(Span(1000, 0), STILL, 10 * NS_PER_S, MINUTE).up.column("rate_bps")[:2])


def test_a_sine_has_the_mean_amplitude_and_period_of_one() -> None:
    """Over whole periods; a phase of 90 degrees begins at the top."""
    found = waves.sine(Span(0, 2_000_000), STILL, 10 * NS_PER_S, MINUTE).up
    rates = [found.row_at(at_ns).rate_bps for at_ns in MINUTE]
    assert pytest.approx(1e6, abs=1) == sum(rates) / len(rates)
    assert pytest.approx(1e12 / 2, rel=1e-5) == sum((each - 1e6) ** 2 for each in rates) / len(rates)
    assert rates[:100] == rates[100:200]
    top = waves.sine(Span(0, 2_000_000), STILL, 10 * NS_PER_S, MINUTE, 90).up.column("rate_bps")
    assert top[0] == max(top)


def test_what_a_scenario_cannot_hold_is_refused() -> None:
    """Before it is computed."""
    with pytest.raises(
        UserError, match="makes more than the 1000000 rows that a scenario may have; make the step longer"
    ):
        waves.sine(Span(0, 1), STILL, NS_PER_S, Course(3600 * NS_PER_S, NS_PER_MS))


def test_spans_are_read() -> None:
    """One value stays, two vary; to infinity there is no way."""
    assert Span(5_000_000, 50_000_000) == parse_span("5Mbit/s..50Mbit/s", parse_rate)
    assert Span(RATE_UNLIMITED, RATE_UNLIMITED) == parse_span("inf", parse_rate)
    with pytest.raises(UserError, match=r"'5Mbit/s\.\.inf' has an unlimited end"):
        parse_span("5Mbit/s..inf", parse_rate)
