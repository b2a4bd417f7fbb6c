"""A schedule travels once, small, and exactly as it is; what is none is refused before it takes memory."""

from __future__ import annotations

import zlib
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plctl.common.base.units import RATE_UNLIMITED
from plctl.common.plan.run_plan import LinkPlan, RunPlan
from plctl.common.protocol import messages as m
from plctl.common.scenario.opportunities import MAX_GAP_BYTES, Opportunities
from plctl.common.scenario.packed import (
    PackedOpportunities,
    PackedSchedule,
    ScheduleTable,
    pack_schedule,
    unpack_schedule,
)
from plctl.common.scenario.schedule import MAX_ROWS, ROW_FIELDS, Row, Schedule

INT64 = st.integers(-(2**63), 2**63 - 1)
ONE = Schedule((Row(0, 0, 1, 1),))


@given(st.lists(st.builds(Row, *[INT64] * len(ROW_FIELDS)), min_size=1, max_size=20), INT64)
def test_what_is_unpacked_is_what_was_packed(rows: list[Row], period_ns: int) -> None:
    """Every number of 64 bits survives, in every column."""
    schedule = Schedule(rows, period_ns)
    found = unpack_schedule(pack_schedule(schedule))
    assert (schedule, tuple(rows), period_ns) == (found, tuple(found.rows), found.period_ns)


def test_a_hundred_thousand_steady_rows_are_small() -> None:
    """Rows at equal distances, of which few change anything, cost hardly more than a few of them."""
    count = 100_000
    columns = {name: array("q", [value] * count) for name, value in (("route", 1), ("delay_ns", 5), ("rate_bps", 8))}
    schedule = Schedule.of_columns({"time_ns": array("q", range(count)), **columns})
    assert sum(map(len, pack_schedule(schedule).columns.values())) < 20_000


def test_a_schedule_travels_with_its_opportunities() -> None:
    """They are a part of what it is: a schedule without them is another."""
    trace = Opportunities.of_instants([0, 5, 5, 10**9], 10**9 + 1, 1400)
    traced = Schedule(ONE.rows, 0, trace)
    found = unpack_schedule(pack_schedule(traced))
    assert (traced, trace, 4) == (found, found.opportunities, found.facts.opportunities)
    assert len({traced, ONE, Schedule(ONE.rows, 0, Opportunities.of_instants([0, 5, 5, 10**9], 10**9 + 1))}) == 3


def test_ten_hours_of_opportunities_are_small() -> None:
    """36 million, one each millisecond, take a few kilobytes; the message's limit is 64 MiB."""
    packed = pack_schedule(Schedule(ONE.rows, 0, Opportunities(b"\x01" * 36_000_000, 10**6, 36 * 10**12)))
    assert packed.opportunities is not None
    assert len(packed.opportunities.gaps) < 200_000


@pytest.mark.parametrize(
    ("gaps", "words"),
    [
        (b"no", "the opportunities cannot be unpacked"),
        (zlib.compress(b"\x01")[:-1], "broken off"),
        (zlib.compress(bytes(MAX_GAP_BYTES + 1)), f"more than {MAX_GAP_BYTES} bytes"),
    ],
)
def test_what_are_no_opportunities_is_refused(gaps: bytes, words: str) -> None:
    """Before they take more memory than they may."""
    with pytest.raises(ValueError, match=words):
        unpack_schedule(PackedSchedule(pack_schedule(ONE).columns, 0, PackedOpportunities(gaps, 1, 5, 1500)))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"rate_bps": b"no"}, "the rows' rate_bps cannot be unpacked"),
        ({"rate_bps": zlib.compress(bytes(8))[:-1]}, "broken off"),
        ({"rate_bps": zlib.compress(bytes(7))}, "more than 1000000 whole numbers, or broken off"),
        ({"rate_bps": zlib.compress(bytes(8 * (MAX_ROWS + 1)))}, "more than 1000000 whole numbers"),
        ({"rate_bps": zlib.compress(bytes(16))}, "not equally long"),
        ({"colour": zlib.compress(bytes(8))}, "a row has no 'colour'"),
    ],
)
def test_what_is_no_schedule_is_refused(change: dict[str, bytes], words: str) -> None:
    """A few bytes that would unpack to gigabytes are refused before they do."""
    packed = pack_schedule(ONE)
    with pytest.raises(ValueError, match=words):
        unpack_schedule(PackedSchedule(packed.columns | change))


def test_a_column_that_must_be_there_is_missed() -> None:
    """A schedule without rates is none."""
    columns = {name: data for name, data in pack_schedule(ONE).columns.items() if name != "rate_bps"}
    with pytest.raises(ValueError, match="the rows have no rate_bps"):
        unpack_schedule(PackedSchedule(columns))


def test_a_message_has_each_schedule_once() -> None:
    """A plan of a thousand links that share a scenario of ten thousand rows is hardly larger than that of one."""
    rows = (Row(t, t % 7, 20_000_000 + t * 7919 % 1000, RATE_UNLIMITED) for t in range(10_000))
    long = Schedule(rows)
    one, many = (
        m.encode(m.Envelope(m.Prepare(RunPlan("r", 1, tuple(LinkPlan(f"k{i}", long, ONE) for i in range(count))))))
        for count in (1, 1000)
    )
    assert len(many) < len(one) + 1000 * 400
    prepare = m.decode(many, "controller").message
    assert isinstance(prepare, m.Prepare)
    assert {id(prepare.plan.links[0].up)} == {id(link.up) for link in prepare.plan.links}
    assert (long, ONE) == (prepare.plan.links[999].up, prepare.plan.links[0].down)


@pytest.mark.parametrize("reference", [-1, 1, True, "0", None])
def test_a_reference_to_nothing_is_refused(reference: object) -> None:
    """What is not the place of a schedule says so, with how many there are."""
    with pytest.raises(ValueError, match="expected one of the message's 1 schedules"):
        ScheduleTable((pack_schedule(ONE),)).find(reference)
