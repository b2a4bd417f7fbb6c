"""What is written is read back with the same meaning, and what a format cannot express is named."""

from __future__ import annotations

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plctl.common.base.errors import InputError, UserError
from plctl.common.base.units import RATE_UNLIMITED
from plctl.common.scenario.opportunities import Opportunities
from plctl.common.scenario.readers.opening import GivenFile, read_scenario
from plctl.common.scenario.readers.read_as import ReadAs
from plctl.common.scenario.readers.trace_file import TraceFile
from plctl.common.scenario.schedule import Row, Scenario, Schedule
from plctl.common.scenario.writers.formats import WRITERS
from plctl.common.scenario.writers.writer import Written

MS = 10**6
S = 10**9
ROW = st.tuples(
    st.integers(1, 10**10), st.integers(0, 5), st.integers(0, 10**9), st.integers(0, 10**9) | st.just(RATE_UNLIMITED),
    st.integers(-1, 10**6),
)  # fmt: skip


def back(texts: dict[str, str] | object, reader: str = "", **options: str) -> Scenario:
    """The scenario that these texts make."""
    files = [GivenFile(TraceFile(suffix, text)) for suffix, text in dict(texts).items()]  # type: ignore[call-overload]
    return read_scenario(files, ReadAs(reader, options)).scenario


def schedule(table: list[tuple[int, int, int, int, int]], *, repeats: bool = False) -> Schedule:
    """A schedule whose rows hold for the first number of each tuple."""
    times = [sum(row[0] for row in table[:index]) for index in range(len(table))]
    period_ns = sum(row[0] for row in table) if repeats and len(table) > 1 else 0
    return Schedule([Row(at, *row[1:]) for at, row in zip(times, table, strict=True)], period_ns)


@given(st.lists(ROW, min_size=1, max_size=8), st.lists(ROW, min_size=1, max_size=8), st.booleans(), st.booleans())
def test_plctls_own_csv_keeps_everything(
    up: list[tuple[int, int, int, int, int]], down: list[tuple[int, int, int, int, int]], same: bool, repeats: bool
) -> None:
    """Rows of both directions, to the nanosecond, the end, and that it repeats."""
    one = schedule(up, repeats=repeats)
    scenario = Scenario(one, one if same else schedule(down), 0)
    written = WRITERS["plctl"].write(scenario, None)
    if written.losses:
        assert scenario.up.period_ns != scenario.down.period_ns
        return
    found = back(written.texts)
    times = sorted({*scenario.up.column("time_ns"), *scenario.down.column("time_ns")})
    for way in ("up", "down"):
        assert [getattr(scenario, way).row_at(at) for at in times] == [
            Row(at, *(getattr(row, name) for name in ("route", "delay_ns", "rate_bps", "queue_bytes")))
            for at, row in zip(
                [getattr(scenario, way).row_at(at).time_ns for at in times],
                [getattr(found, way).row_at(at) for at in times], strict=True)
        ]  # fmt: skip
    assert scenario.up.period_ns == found.up.period_ns


@pytest.mark.parametrize(
    ("name", "losses"), [("phantomlink", []), ("rattan-json", []), ("rattan-toml", []), ("theaterq", [])]
)
def test_round_trip_through_other_formats(name: str, losses: list[str]) -> None:
    """Rates, delays and times come back as they were."""
    rows = [(S, 0, 20 * MS, 12 * MS, -1), (500 * MS, 0, 21 * MS + 1000, 5 * MS, -1), (2 * S, 0, 5 * MS, MS + 1, -1)]
    one = schedule(rows)
    written = WRITERS[name].write(Scenario(one, one, 3500 * MS), None)
    assert tuple(losses) == written.losses
    found = back(written.texts)
    for at in (0, S - 1, S, 1500 * MS, 3 * S):
        expected, row = one.row_at(at), found.up.row_at(at)
        assert (expected.delay_ns, expected.rate_bps) == (row.delay_ns, row.rate_bps)
    assert name == "phantomlink" or found.end_ns == 3500 * MS


def test_theaterq_has_queue_ids_where_there_are_several() -> None:
    """And gives them back."""
    one = Schedule((Row(0, 0, MS, MS), Row(S, 0, MS, MS, queue_id=5)))
    written = WRITERS["theaterq"].write(Scenario(one, one, 2 * S), None)
    assert ",QUEUE_ID" in written.texts[".csv"].splitlines()[0]
    assert [0, 5] == list(back(written.texts).up.column("queue_id"))


def test_mahimahi_carries_what_the_rate_does() -> None:
    """A stamp for each full frame, in the ms in which it was complete; its losses are named."""
    one = schedule([(10 * MS, 0, 0, 1514 * 8 * 1000, -1), (10 * MS, 0, 0, 0, -1), (10 * MS, 0, 0, 1514 * 8 * 500, -1)])
    written = WRITERS["mahimahi"].write(Scenario(one, one, 30 * MS), None)
    assert [*range(1, 11), 22, 24, 26, 28, 30] == [int(stamp) for stamp in written.texts[".trace"].split()]
    assert ("rates but as whole frames at whole milliseconds",) == written.losses


def traced(*instants_ms: int, period_ms: int = 0, worth: int = 1500) -> Schedule:
    """A schedule that is served by opportunities."""
    period_ns = (period_ms or instants_ms[-1]) * MS
    return Schedule([Row(0, 0, 0, MS)], 0, Opportunities.of_instants([at * MS for at in instants_ms], period_ns, worth))


@pytest.mark.parametrize("text", ["1\n1\n5\n1200\n2000\n", "0\n7\n", "7\n7\n"])
def test_mahimahi_goes_round_exactly(text: str) -> None:
    """Stamp by stamp."""
    found = back({".trace": text}, "mahimahi", delay="0ms")
    assert ({".trace": text}, ()) == (*vars_of(WRITERS["mahimahi"].write(found, None)),)


def vars_of(written: Written) -> tuple[dict[str, str], tuple[str, ...]]:
    """What was written, and what was not."""
    return dict(written.texts), written.losses


def test_what_mahimahi_cannot_say_of_opportunities() -> None:
    """Their worth, silence at the end, instants between milliseconds: each by its name."""
    fine = Schedule([Row(0, 0, 5, 1)], 0, Opportunities.of_instants([1, 5 * MS], 6 * MS, 1400))
    text, losses = vars_of(WRITERS["mahimahi"].write(Scenario(fine, fine), None))
    assert {".trace": "1\n5\n"} == text
    assert 4 == len(losses)
    for words in ("other times than whole ms", "worth 1400 bytes, not 1500", "begins again after 6 ms", "delays"):
        assert any(words.replace("whole ms", "whole milliseconds") in loss for loss in losses), words


@given(st.lists(st.integers(0, 5000), min_size=1, max_size=60).map(sorted), st.booleans())
def test_plctls_own_csv_keeps_opportunities(instants: list[int], same: bool) -> None:
    """Of both directions, also where they differ, or where one is served by a rate."""
    up = traced(*instants, period_ms=instants[-1] + 1, worth=1400)
    for down in (up if same else traced(7, 9, 9), Schedule(up.rows)):
        scenario = Scenario(up, down, 6 * S)
        found = back(WRITERS["plctl"].write(scenario, None).texts)
        assert (up.opportunities, down.opportunities) == (found.up.opportunities, found.down.opportunities)
        assert (6 * S, up) == (found.end_ns, found.up)


def test_runs_of_gaps_are_short() -> None:
    """A million opportunities at equal distances are one word; what is no word is located."""
    million = Opportunities(b"\x01" * 10**6, MS, 10**6 * MS)
    text = WRITERS["plctl"].write(Scenario(*[Schedule([Row(0, 0, 0, MS)], 0, million)] * 2), None).texts[".csv"]
    assert len(text) < 1000
    assert million == back({".csv": text}).up.opportunities
    for change, words in (
        (text.replace("bytes=", "worth="), "x.csv:1:1: 'worth=1500 .* says no opportunities; legal is e.g."),
        (text.replace("gaps 1*", "gaps -1*"), "x.csv:2:1: '-1.*' is no gap"),
        (text.partition("\n")[2], "x.csv:1:1: gaps are without the opportunities"),
        (text.replace("period=1000000000000ns", "period=1s"), "x.csv:1:1: its opportunities begin again before they"),
        (text.replace("gaps 1*", "gaps 1*999999999 1*"), "x.csv:2:1: there are more gaps than fit"),
    ):
        with pytest.raises(InputError, match=words):
            read_scenario([GivenFile(TraceFile("x.csv", change))])


def test_formats_of_rates_name_opportunities() -> None:
    """Each says that only their mean rate remains."""
    one = traced(1, 5)
    for name in ("phantomlink", "rattan-json", "rattan-toml", "theaterq"):
        assert "delivery opportunities but as their mean rate" in WRITERS[name].write(Scenario(one, one), None).losses


def test_what_cannot_be_expressed_is_named() -> None:
    """Each loss by its name; and directions that differ where there are none."""
    rows = [(S + 1, 0, MS, 0, 5000), (S, 1, MS, RATE_UNLIMITED, -1)]
    one = schedule(rows, repeats=True)
    other = Schedule.of_columns({**one.columns, "rate_bps": array("q", [1, 1])})
    losses = {name: writer.write(Scenario(one, one), None).losses for name, writer in WRITERS.items()}
    assert () == losses["plctl"]
    assert {"the column Queue[B]", "an unlimited rate", "that it repeats: give phantomlink --repeat"} == set(
        losses["phantomlink"]
    )
    assert {"times finer than 1 µs", "an outage (a rate of 0)"} <= set(losses["theaterq"])
    assert {"the column RouteID", "the column Queue[B]", "an unlimited rate"} == set(losses["rattan-json"])
    with pytest.raises(UserError, match="phantomlink's CSV has no directions, and those of the scenario differ"):
        WRITERS["phantomlink"].write(Scenario(one, other), None)
    assert WRITERS["phantomlink"].write(Scenario(one, other), "down").texts
