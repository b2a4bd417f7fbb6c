"""What edits make of delivery opportunities: each instant where it ought to be, and nothing without a meaning."""

from __future__ import annotations

from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plctl.common.base.errors import UserError
from plctl.common.scenario.editing import timeline
from plctl.common.scenario.opportunities import Opportunities
from plctl.common.scenario.schedule import Row, Scenario, Schedule

MS = 10**6


def scenario(*instants_ms: int, end_ms: int = 0, worth: int = 1500, period_ms: int = 0) -> Scenario:
    """Both directions the same, without a delay."""
    end_ns = (end_ms or instants_ms[-1]) * MS
    trace = Opportunities.of_instants([at * MS for at in instants_ms], period_ms * MS or end_ns, worth)
    made = Schedule([Row(0, 0, 0, 8000)], 0, trace)
    return Scenario(made, made, end_ns)


def instants(found: Scenario) -> list[float]:
    """Those of a period, in ms."""
    assert found.up.opportunities is not None
    found.up.opportunities.check()
    return [at / MS for at in chain(*found.up.opportunities.pieces())]


def period(found: Scenario) -> float:
    """In ms."""
    assert found.up.opportunities is not None
    return found.up.opportunities.period_ns / MS


WHOLE = scenario(0, 3, 3, 7, 10)


def test_a_cut_keeps_what_lies_in_it_and_its_length() -> None:
    """Those after its begin until its end; what is silent at its end stays silent."""
    found = timeline.cut(WHOLE, 2 * MS, 9 * MS)
    assert ([1, 1, 5], 7, 7 * MS) == (instants(found), period(found), timeline.end_of(found))
    assert [3, 3, 7, 10] == instants(timeline.shifted(timeline.cut(WHOLE, 1 * MS, 10 * MS), 1 * MS))
    with pytest.raises(UserError, match="from 4 ms to 6 ms there is no delivery opportunity"):
        timeline.cut(WHOLE, 4 * MS, 6 * MS)


@given(st.integers(1, 9))
def test_parts_in_a_row_are_the_whole(at_ms: int) -> None:
    """Wherever it was cut, unless a part has none."""
    dense = scenario(*range(11))
    parts = [timeline.cut(dense, 0, at_ms * MS), timeline.cut(dense, at_ms * MS, 10 * MS)]
    assert dense.up.opportunities == timeline.concat(parts).up.opportunities


def test_a_trace_shorter_than_its_scenario_is_repeated_as_it_would_be() -> None:
    """As beside a longer list of delays."""
    shorter = scenario(2, 4, end_ms=9, period_ms=4)
    assert [2, 4, 6, 8] == instants(timeline.cut(shorter, 0, 9 * MS))
    assert [1, 3, 5, 6 + 1] == instants(timeline.cut(shorter, MS, 9 * MS))
    assert [2, 4, 6, 8, 11, 13, 15, 17] == instants(timeline.concat([shorter, shorter]))


def test_shifted_they_begin_later() -> None:
    """Before, there are none, and the rate says so; earlier cuts."""
    found = timeline.shifted(WHOLE, 5 * MS)
    assert ([5, 8, 8, 12, 15], 15) == (instants(found), period(found))
    assert [(0, 0), (5 * MS, 8000)] == [(row.time_ns, row.rate_bps) for row in found.up.rows]
    assert [4, 7] == instants(timeline.shifted(WHOLE, -3 * MS))


def test_scaled_they_are_worth_less_or_come_slower() -> None:
    """The rate of the rows follows."""
    half = timeline.scaled(WHOLE, {"rate_bps": 0.5})
    assert half.up.opportunities is not None
    assert (750, 4000, instants(WHOLE)) == (half.up.opportunities.worth_bytes, half.up.rows[0].rate_bps, instants(half))
    slow = timeline.scaled(WHOLE, {"time_ns": 2.5})
    assert ([0, 7.5, 7.5, 17.5, 25], 25, 3200) == (instants(slow), period(slow), slow.up.rows[0].rate_bps)
    assert [0, 1, 1, 2.333333, 3.333333] == instants(timeline.scaled(WHOLE, {"time_ns": 1 / 3}))
    with pytest.raises(UserError, match="an opportunity of 1500 bytes times 0 is worth nothing"):
        timeline.scaled(WHOLE, {"rate_bps": 0})


def test_what_has_no_meaning_is_refused() -> None:
    """Means, and a row of opportunities and rates, or of opportunities of different worth."""
    with pytest.raises(UserError, match="has delivery opportunities, and these have no mean; make it one of"):
        timeline.resampled(WHOLE, MS)
    rates = Scenario(Schedule(WHOLE.up.rows), Schedule(WHOLE.up.rows), 5 * MS)
    with pytest.raises(UserError, match="some of these scenarios have delivery opportunities, others rates"):
        timeline.concat([WHOLE, rates])
    with pytest.raises(UserError, match=r"not worth the same \(1500, 1400 bytes\)"):
        timeline.concat([WHOLE, scenario(4, worth=1400)])


def test_once_is_what_it_was() -> None:
    """But that its rows do not repeat."""
    assert WHOLE.up.opportunities == timeline.once(WHOLE.repeated(20 * MS)).up.opportunities
