"""What is written is read back with the same meaning, and what a format cannot express is named."""

from __future__ import annotations

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plctl.common.base.errors import UserError
from plctl.common.base.units import RATE_UNLIMITED
from plctl.common.scenario.readers.opening import GivenFile, ReadAs, read_scenario
from plctl.common.scenario.readers.trace_file import TraceFile
from plctl.common.scenario.schedule import Row, Scenario, Schedule
from plctl.common.scenario.writers.formats import WRITERS

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


def test_mahimahi_carries_what_the_rate_does() -> None:
    """A stamp for each full frame, in the ms in which it was complete; its losses are named."""
    one = schedule([(10 * MS, 0, 0, 1514 * 8 * 1000, -1), (10 * MS, 0, 0, 0, -1), (10 * MS, 0, 0, 1514 * 8 * 500, -1)])
    written = WRITERS["mahimahi"].write(Scenario(one, one, 30 * MS), None)
    assert [*range(1, 11), 22, 24, 26, 28, 30] == [int(stamp) for stamp in written.texts[".trace"].split()]
    assert ("rates but as whole frames at whole milliseconds",) == written.losses


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
