"""What edits make of a scenario: the values at every time are those that the edit promises, and the rules are kept."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plctl.common.base.errors import UserError
from plctl.common.base.units import RATE_UNLIMITED
from plctl.common.scenario.editing import timeline
from plctl.common.scenario.schedule import Row, Scenario, Schedule

MS = 10**6
S = 10**9
UP = Schedule([Row(0, 0, 20 * MS, 8 * MS), Row(2 * S, 1, 30 * MS, 4 * MS), Row(3 * S, 2, 40 * MS, 0)])
DOWN = Schedule([Row(0, 0, 10 * MS, 80 * MS)])
BOTH = Scenario(UP, DOWN, 5 * S)


def values(schedule: Schedule, *times_ns: int) -> list[tuple[int, int, int]]:
    """Route, delay and rate in force at these times."""
    return [(row.route, row.delay_ns, row.rate_bps) for row in map(schedule.row_at, times_ns)]


@given(st.integers(0, 4 * S), st.integers(1, 5 * S), st.integers(0, 5 * S - 1))
def test_a_cut_holds_what_held_then(begin_ns: int, length_ns: int, at_ns: int) -> None:
    """At every time of it, in both directions; and it ends when it was asked to."""
    end_ns = min(5 * S, begin_ns + length_ns)
    found = timeline.cut(BOTH, begin_ns, end_ns)
    at_ns %= end_ns - begin_ns
    assert values(UP, begin_ns + at_ns) == values(found.up, at_ns)
    assert values(DOWN, begin_ns + at_ns) == values(found.down, at_ns)
    assert end_ns - begin_ns == timeline.end_of(found)


def test_cuts_outside_are_refused() -> None:
    """With the length of the scenario."""
    with pytest.raises(UserError, match="1 s to 6 s is no stretch of a scenario of 5 s"):
        timeline.cut(BOTH, S, 6 * S)


def test_shift_repeat_and_concat() -> None:
    """Later, earlier, several times, one after the other."""
    assert values(UP, 0, 0, S, 2 * S) == values(timeline.shifted(BOTH, S).up, 0, S, 2 * S, 3 * S)
    assert 6 * S == timeline.end_of(timeline.shifted(BOTH, S))
    assert values(UP, 2 * S, 3 * S) == values(timeline.shifted(BOTH, -2 * S).up, 0, S)
    twice = timeline.concat([BOTH, BOTH])
    assert values(UP, 0, 4 * S, 0, 2 * S) == values(twice.up, 0, 4 * S, 5 * S, 7 * S)
    assert 10 * S == timeline.end_of(twice)
    repeating = BOTH.repeated()
    assert (5 * S, 0) == (repeating.up.period_ns, timeline.once(repeating).up.period_ns)


def test_scale() -> None:
    """Amounts and times; an unlimited rate stays that, and one that repeats goes on repeating."""
    found = timeline.scaled(BOTH, {"rate_bps": 0.5, "delay_ns": 2, "time_ns": 3})
    assert [(0, 40 * MS, 4 * MS), (1, 60 * MS, 2 * MS)] == values(found.up, 5 * S, 6 * S)
    assert 15 * S == found.end_ns
    unlimited = Scenario(Schedule([Row(0, 0, 0, RATE_UNLIMITED)]), DOWN)
    assert RATE_UNLIMITED == timeline.scaled(unlimited, {"rate_bps": 0.5}).up.rows[0].rate_bps
    assert 10 * S == timeline.scaled(BOTH.repeated(), {"time_ns": 2}).up.period_ns


def test_resample_and_smooth_keep_the_mean() -> None:
    """A row's rate carries as much as the rows under it; a route is that at its begin; equal rows can be dropped."""
    found = timeline.resampled(BOTH, 1500 * MS)
    assert [8 * MS, round((8 * MS * 0.5 + 4 * MS) / 1.5), 0, 0] == list(found.up.column("rate_bps"))
    assert [0, 0, 2, 2] == list(found.up.column("route"))
    assert 3 == len(timeline.changes_only(found).up)
    smoothed = timeline.resampled(BOTH, S, 3 * S)
    assert [8 * MS, round(20 * MS / 3), 4 * MS, round(4 * MS / 3), 0] == list(smoothed.up.column("rate_bps"))
    with pytest.raises(UserError, match="would make more than 1000000 rows"):
        timeline.resampled(BOTH, 1)
