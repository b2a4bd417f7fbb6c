"""Curves show every step, and of too many steps every extreme."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plctl.common.base.errors import UserError
from plctl.common.base.units import RATE_UNLIMITED
from plctl.common.scenario.schedule import ROW_FIELDS, Row, Scenario, Schedule
from plctl.controller.scenarios.steps import _OTHERS, Window, curves, limits, pieces, ticks

S = 10**9


def one(*rows: Row, period_ns: int = 0) -> Scenario:
    schedule = Schedule(rows, period_ns)
    return Scenario(schedule, schedule)


def test_each_row_is_a_step_and_the_last_one_shows() -> None:
    """A step has both its ends; the picture goes a little beyond the last row."""
    end, (curve,) = curves(one(Row(0, 0, 10_000_000, 1_000_000), Row(10 * S, 1, 20_000_000, 0)), 80)
    assert 11 == end
    assert [(0, 10), (10, 10), (10, 20), (11, 20)] == curve.delay_ms
    assert [(0, 1), (10, 1), (10, 0), (11, 0)] == curve.rate_mbps
    assert ([10], [(10, 11)]) == (curve.route_changes, curve.outages)


def test_a_repeating_scenario_shows_one_period() -> None:
    """The picture of what repeats ends where it starts again."""
    assert 25 == curves(one(Row(0, 0, 1, 1), Row(10 * S, 0, 1, 1), period_ns=25 * S), 80)[0]


def test_a_single_row_has_a_picture() -> None:
    """A path that never changes is a line of some length."""
    assert 1 == curves(one(Row(0, 0, 1, 1)), 80)[0]


def test_unlimited_rates_are_gaps() -> None:
    """Where the rate is unlimited there is no value, and the curve falls apart there."""
    rows = (Row(0, 0, 1, 1_000_000), Row(S, 0, 1, RATE_UNLIMITED), Row(2 * S, 0, 1, 2_000_000))
    _, (curve,) = curves(one(*rows), 80)
    assert [[(0, 1), (1, 1)], [(2, 2), (2.2, 2)]] == pieces(curve.rate_mbps)


@given(st.lists(st.integers(0, 1000), min_size=200, max_size=400))
def test_thinning_keeps_extremes(delays: list[int]) -> None:
    """However many rows there are, the curve stays small and keeps its highest and lowest values."""
    _, (curve,) = curves(one(*(Row(t * S, 0, ms * 1_000_000, 1) for t, ms in enumerate(delays))), 20)
    values = [value for _, value in curve.delay_ms]
    assert (min(delays), max(delays)) == (
        min(v for v in values if v is not None),
        max(v for v in values if v is not None),
    )
    assert len(values) <= 5 * 21
    assert [x for x, _ in curve.delay_ms] == sorted(x for x, _ in curve.delay_ms)


def test_limits_leave_air() -> None:
    """No curve lies on the frame, even a flat one or one at zero; no delay axis goes below 0."""
    assert (8.8, 21.2) == limits([[(0, 10), (1, 20)]], from_zero=False)
    assert (0, 22.4) == limits([[(0, 10), (1, 20)]], from_zero=True)
    assert (0, 1) == limits([[(0, 0)]], from_zero=False)
    assert (0, 1) == limits([[(0, None)]], from_zero=True)


def test_ticks_are_round() -> None:
    """Ticks fall on multiples of 1, 2 or 5 within the axis."""
    assert [0, 10, 20, 30, 40, 50, 60] == ticks(0, 66, 8)
    assert [36.5, 37, 37.5, 38, 38.5] == ticks(36.2, 38.7, 6)


@given(st.floats(0, 1e6), st.floats(1e-3, 1e6), st.integers(2, 10))
def test_ticks_are_few_and_inside(low: float, span: float, most: int) -> None:
    """There are never more ticks than asked for (and one), and none outside the axis by more than rounding."""
    found = ticks(low, low + span, most)
    assert len(found) <= most + 1
    assert all(low - span * 1e-6 <= tick <= low + span * (1 + 1e-6) for tick in found)


def test_a_window_cuts_steps_where_it_begins_and_ends() -> None:
    """The step in force at its begin is there from then on; changes and outages outside are not."""
    scenario = one(
        Row(0, 0, 10_000_000, 1_000_000), Row(10 * S, 1, 20_000_000, 0), Row(20 * S, 2, 20_000_000, 1_000_000)
    )
    end, (curve,) = curves(scenario, 80, Window(5 * S, 15 * S))
    assert 15 == end
    assert [(5, 10), (10, 10), (10, 20), (15, 20)] == curve.delay_ms
    assert ([10], [(10, 15)]) == (curve.route_changes, curve.outages)
    _, (later,) = curves(scenario, 80, Window(20 * S, 30 * S))
    assert ([20], []) == (later.route_changes, later.outages)


def test_an_empty_window_is_refused() -> None:
    """Behind the end, and one that ends before it begins."""
    scenario = one(Row(0, 0, 1, 1), Row(10 * S, 0, 1, 1))
    with pytest.raises(UserError, match="there is nothing from 60 s on: the picture ends at 11 s"):
        curves(scenario, 80, Window(60 * S, 70 * S))
    with pytest.raises(UserError, match="a picture begins before it ends"):
        curves(scenario, 80, Window(5 * S, 4 * S))


def test_a_scenario_that_says_its_end_is_drawn_until_then() -> None:
    """Also one of a single row."""
    schedule = Schedule([Row(0, 0, 1, 1)])
    assert 60 == curves(Scenario(schedule, schedule, 60 * S), 80)[0]


def test_every_other_column_has_a_curve() -> None:
    """In the unit of its axis; a queue that a row does not say is a gap."""
    rows = (Row(0, 0, 1, 1, queue_bytes=64_000, loss_ppb=10_000_000, jitter_ns=2_000_000), Row(S, 0, 1, 1))
    _, (curve,) = curves(one(*rows), 80)
    assert ["queue [kB]", "loss [%]", "jitter [ms]"] == list(curve.others)
    assert [(0, 64), (1, 64), (1, None), (1.1, None)] == curve.others["queue [kB]"]
    assert [1, 1, 0, 0] == [y for _, y in curve.others["loss [%]"]]
    assert [2, 2, 0, 0] == [y for _, y in curve.others["jitter [ms]"]]


def test_every_column_has_a_plot_or_a_mark() -> None:
    """Delay and rate, what else a row has, and routes, whose changes are marked."""
    drawn = {"time_ns", "delay_ns", "rate_bps", "route", *_OTHERS}
    assert {each.name for each in ROW_FIELDS} == drawn
    _, (curve,) = curves(one(Row(0, 0, 0, 8), Row(S, 0, 0, 8, queue_id=3)), 80)
    assert [(0, 0), (1, 0), (1, 3), (1.1, 3)] == curve.others["QueueID"]
