"""A change is a row that begins now; what it does not name, and what came before it, stays as it was."""

from __future__ import annotations

from dataclasses import replace
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plctl.agent.native import native_schedule
from plctl.common.base.errors import UserError
from plctl.common.base.units import RATE_UNLIMITED
from plctl.common.plan.link_change import (
    CHANGEABLE,
    AppliedChange,
    LinkChange,
    applied,
    changed,
    changed_plan,
    check_change,
    describe,
    free_instant,
    plan_after,
    routes_of,
    unrolled,
)
from plctl.common.plan.run_plan import LinkPlan
from plctl.common.scenario.opportunities import Opportunities
from plctl.common.scenario.packed import pack_schedule, unpack_schedule
from plctl.common.scenario.schedule import Row, Schedule

MS = 10**6
THREE = Schedule(
    (Row(0, 1, 10 * MS, 10**7), Row(100 * MS, 2, 20 * MS, 2 * 10**7), Row(200 * MS, 1, 30 * MS, 3 * 10**7))
)
PLAN = LinkPlan("leo", THREE, THREE)

VALUES = st.fixed_dictionaries({}, optional={
    "delay_ns": st.integers(0, 10**9), "rate_bps": st.integers(0, 10**9), "loss_ppb": st.integers(0, 10**9),
    "route": st.integers(0, 5), "jitter_ns": st.integers(0, 10**6), "queue_bytes": st.integers(-1, 10**6),
})  # fmt: skip


@given(
    st.lists(st.integers(1, 50), max_size=5).map(lambda gaps: [0, *(sum(gaps[: i + 1]) for i in range(len(gaps)))]),
    st.integers(1, 300),
    VALUES,
    st.booleans(),
)
def test_what_holds_after_a_change(times: list[int], at: int, values: dict[str, int], hold: bool) -> None:
    """Before it the scenario; until its next row that with the values; later the scenario, with them if held."""
    before = Schedule(Row(t, number, 10 + number, 100 + number) for number, t in enumerate(times))
    after = changed(before, at, values, hold=hold)
    after.check()
    following = min((t for t in times if t > at), default=10**9)
    for t in range(-1, 320):
        expected = before.row_at(t)
        if at <= t < following or (hold and t >= at):
            expected = replace(expected, **values)
        assert replace(expected, time_ns=0) == replace(after.row_at(t), time_ns=0)


def test_directions_change_at_one_time_and_only_as_named() -> None:
    """A direction whose values are not named keeps its very rows."""
    plan = changed_plan(PLAN, LinkChange(up={"delay_ns": 5 * MS}), 50 * MS)
    assert Row(50 * MS, 1, 5 * MS, 10**7) == plan.up.rows[1]
    assert PLAN.down is plan.down


def test_changes_add_up_to_what_was_asked_for() -> None:
    """The plan after several changes is each applied to the one before; that is what a record of them gives back."""
    first = applied(PLAN, one := LinkChange({"delay_ns": 5 * MS}, {"delay_ns": 5 * MS}, hold=True), 50 * MS, "root")
    then = changed_plan(PLAN, one, 50 * MS)
    second = applied(then, two := LinkChange({"rate_bps": 10**6}), 150 * MS, "root")
    assert changed_plan(then, two, 150 * MS) == plan_after(PLAN, (first, second))
    assert Row(150 * MS, 2, 5 * MS, 10**6) == plan_after(PLAN, (first, second)).up.row_at(160 * MS)
    assert Row(200 * MS, 1, 5 * MS, 3 * 10**7) == plan_after(PLAN, (first, second)).up.row_at(10**12)


def test_a_change_takes_an_instant_at_which_no_row_begins() -> None:
    """So it replaces none, and routes are never more than rows."""
    assert 99 * MS == free_instant(PLAN, 99 * MS)
    assert 100 * MS + 1 == free_instant(PLAN, 100 * MS)
    down = Schedule((*THREE.rows[:2], Row(100 * MS + 1, 1, 0, 0)))
    assert 100 * MS + 2 == free_instant(replace(PLAN, down=down), 100 * MS)


def test_routes_keep_their_numbers() -> None:
    """A route that a change names comes behind those of the scenario, unless it is one of them."""
    changes = [AppliedChange(1, LinkChange({"route": route}), LinkChange()) for route in (7, 2, 9, 7)]
    assert [1, 2, 7, 9] == routes_of(THREE, changes, "up")
    assert [1, 2] == routes_of(THREE, changes, "down")


def test_a_change_is_told_from_what_to_what() -> None:
    """Once for both directions where they are alike, with units."""
    both = LinkChange({"delay_ns": 20 * MS, "loss_ppb": 10**7}, {"delay_ns": 20 * MS, "loss_ppb": 10**7})
    assert "both ways delay 10 ms → 20 ms, loss 0 % → 1 %" == describe(applied(PLAN, both, 1, ""))
    ways = LinkChange({"rate_bps": RATE_UNLIMITED}, {"route": 3, "queue_bytes": 64000}, hold=True)
    told = "up rate 10 Mbit/s → unlimited; down route 1 → 3, capacity as configured → 64 kB, kept over later rows"
    assert told == describe(applied(PLAN, ways, 1, ""))


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (LinkChange(), "names no value"),
        (LinkChange({"time_ns": 3}), "a row has no 'time_ns'"),
        (LinkChange({}, {"delay_ns": -1}), "delay is out of range; legal is milliseconds from 0"),
        (LinkChange({"loss_ppb": 10**9 + 1}), "loss is out of range"),
        (LinkChange({"rate_bps": 10**13 + 1}), "rate is out of range"),
    ],
)
def test_what_is_no_change_is_refused(change: LinkChange, cause: str) -> None:
    """By name, and with what is legal."""
    with pytest.raises(UserError, match=cause):
        check_change(PLAN, change)


@given(
    st.lists(st.integers(1, 20), min_size=1, max_size=4),
    st.integers(1, 20),
    st.lists(st.tuples(st.integers(1, 90), VALUES, st.booleans()), max_size=4),
)
def test_a_scenario_that_repeats_goes_on_repeating(
    gaps: list[int], last: int, wanted: list[tuple[int, dict[str, int], bool]]
) -> None:
    """Around a change it is as if all its rounds were rows; held values are held in every round to come."""
    times = [0, *accumulate(gaps)]
    rows = [Row(t, number, 10 + number, 100 + number) for number, t in enumerate(times)]
    period = times[-1] + last
    repeating = Schedule(rows, period)
    plain = Schedule(replace(row, time_ns=row.time_ns + n * period) for n in range(200) for row in rows)
    for at, values, hold in sorted(wanted, key=lambda each: each[0]):
        repeating, plain = changed(repeating, at, values, hold=hold), changed(plain, at, values, hold=hold)
        repeating.check()
        assert native_schedule(repeating), "the core takes it"
    for t in range(-1, 300):
        assert replace(plain.row_at(t), time_ns=0) == replace(repeating.row_at(t), time_ns=0)
        if t >= 0:
            assert plain.next_change_ns(t) == repeating.next_change_ns(t)
    assert unpack_schedule(pack_schedule(repeating)) == repeating
    assert unrolled(repeating, 250).rows == [row for row in plain.rows if row.time_ns <= 250]


def test_a_scenario_that_has_repeated_too_often_is_refused_by_name() -> None:
    """Every round before a change is rows."""
    with pytest.raises(UserError, match="with its 500001 rounds the scenario would have more than 1000000 rows"):
        changed(Schedule(THREE.rows[:2], 200 * MS), 500_000 * 200 * MS, {"delay_ns": 1})
    single = Schedule(THREE.rows[:1], 10**9)
    assert Schedule((THREE.rows[0], Row(10**18, 1, 1, 10**7))) == changed(single, 10**18, {"delay_ns": 1})


def test_the_rate_of_a_trace_of_opportunities_is_refused_by_name() -> None:
    """It has none; other values change, and the trace stays."""
    traced = Schedule(THREE.rows, opportunities=Opportunities.of_instants((MS, 2 * MS), 3 * MS))
    with pytest.raises(UserError, match="leo down is served by delivery opportunities: it has no rate"):
        check_change(replace(PLAN, down=traced), LinkChange(down={"rate_bps": 1}))
    check_change(replace(PLAN, down=traced), LinkChange(up={"rate_bps": 1}, down={"delay_ns": 1}))
    assert traced.opportunities == changed(traced, 50 * MS, {"delay_ns": 1}).opportunities


@pytest.mark.parametrize("name", CHANGEABLE)
def test_whatever_can_be_changed_can_be_told(name: str) -> None:
    """Fields of rows that are declared later, too; one without a word of its own by its column."""
    told = describe(AppliedChange(1, LinkChange({name: 3}), LinkChange({name: 2})))
    assert told.startswith("up ")
    if name == "queue_id":
        assert "up QueueID 2 → 3" == told
