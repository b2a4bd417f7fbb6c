"""A run's folder as tables: over, going on, or asked for what it has not."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import polars
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from support.synthetic_run import DURATION_NS, HANDOVER, INTERVAL_NS, RUN, handover_plan, make_run, plan_record

from plctl.common.base.errors import UserError
from plctl.common.base.units import NS_PER_S
from plctl.controller.results.run_folder import RunFolder
from plctl.results import RunResults, open_run

EXIT = {"command": ["ping", "-c", "4"], "at": "client", "status": 0, "executed_after_t0_s": 0.00002}


@pytest.fixture
def run(tmp_path: Path) -> RunResults:
    """Two links with the output of their programs."""
    artifacts = {"client.stdout": b"hello \xff\n", "client.exit.json": json.dumps(EXIT).encode()}
    with make_run(tmp_path, (handover_plan("leo-0"), handover_plan("leo-1")), artifacts=artifacts):
        pass
    return open_run(tmp_path / RUN)


def test_what_it_says_of_itself(run: RunResults) -> None:
    """The record's own fields."""
    assert (RUN, "handover", "ok", {}, False) == (run.id, run.name, run.verdict, run.labels, run.is_open)
    assert f"<run {RUN}: ok>" == repr(run)


def test_links(run: RunResults) -> None:
    """A row each, with what both directions counted."""
    table = run.links()
    assert ["leo-0", "leo-1"] == table["link"].to_pylist()
    assert ["ok", "ok"] == table["link_verdict"].to_pylist()
    result = run.record.links[0].result
    assert result
    assert result.up.delivered_bytes == table["up_delivered_bytes"][0].as_py()
    assert 8 * result.up.delivered_bytes * NS_PER_S // DURATION_NS == table["up_delivered_bps"][0].as_py()
    assert result.down.dropped == table["down_dropped_packets"][0].as_py() > 0


def test_telemetry_has_units_and_the_links_that_were_named(run: RunResults) -> None:
    """Each column says in its metadata what it counts."""
    table = run.telemetry("leo-1")
    assert {"leo-1"} == set(table["link"].to_pylist())
    assert 2 * DURATION_NS // INTERVAL_NS == table.num_rows
    units = {field.name: (field.metadata or {}).get(b"unit", b"").decode() for field in table.schema}
    assert ("ns", "bit/s", "bytes", "s") == tuple(
        units[x] for x in ("lateness_p99_ns", "rate_bps", "served_bytes", "t_s")
    )
    assert ("frames", "frames", "") == tuple(units[x] for x in ("lost_ring", "dropped_aqm_packets", "link"))


def test_schedule_is_what_was_asked(run: RunResults) -> None:
    """Row for row."""
    table = run.schedule("leo-0", "up")
    assert [row.delay_ns for row in HANDOVER.rows] == table["delay_ns"].to_pylist()


def test_workloads_and_output(run: RunResults) -> None:
    """One row for each program, also for one that left no exit record."""
    table = run.workloads()
    assert 4 == table.num_rows
    client = table.filter(pc.equal(table["workload"], "client"))
    assert ["ping -c 4", "ping -c 4"] == client["command"].to_pylist()
    assert "hello \ufffd\n" == run.output("leo-0", "client")


def test_one_call_to_pandas_polars_and_duckdb(run: RunResults) -> None:
    """All three count the same."""
    telemetry = run.telemetry()
    expected = pc.sum(telemetry["delivered_bytes"]).as_py()
    assert expected == telemetry.to_pandas()["delivered_bytes"].sum()
    assert expected == polars.from_arrow(telemetry)["delivered_bytes"].sum()  # type: ignore[index]
    assert [(expected,)] == duckdb.sql("select sum(delivered_bytes) from telemetry").fetchall()


def test_events(run: RunResults) -> None:
    """In the order of the log."""
    assert ["run.accepted"] == run.events()["event"].to_pylist()


def test_while_it_goes_on(tmp_path: Path) -> None:
    """Nothing is said of the end, what is there is read, and the end is seen without opening it again."""
    with RunFolder.create(tmp_path, RUN) as folder:
        folder.record_plan(plan_record((handover_plan(),)))
        run = open_run(tmp_path / RUN)
        assert ("", True) == (run.verdict, run.is_open)
        assert 0 == run.telemetry().num_rows
        assert [None] == run.links()["link_verdict"].to_pylist()
        assert pa.types.is_null(run.links()["up_delivered_bps"].type)


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        (lambda run: run.telemetry("leo-9"), "has no link 'leo-9'; it has leo-0, leo-1"),
        (lambda run: run.packets("leo-0", "up"), "kept no packet log of leo-0; ask for one with `packets: true`"),
        (lambda run: run.packets("leo-0", "sideways"), "'sideways' is no direction"),
        (lambda run: run.schedule("leo-0", "sideways"), "'sideways' is no direction"),
        (lambda run: run.output("leo-0", "nobody"), "has no stdout of leo-0/nobody"),
        (lambda run: open_run(run.path / "artifacts"), "is not a run's folder"),
    ],
)
def test_what_is_not_there(run: RunResults, ask: object, says: str) -> None:
    """In a sentence."""
    with pytest.raises(UserError) as raised:
        ask(run)  # type: ignore[operator]
    assert says in str(raised.value)
