"""Schedules and sources lie in a run's folder once each; run.json names them, and stays small."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from plctl.common.base.errors import UserError
from plctl.common.plan.run_plan import LinkPlan
from plctl.common.plan.run_request import SourceFile
from plctl.common.scenario.opportunities import Opportunities
from plctl.common.scenario.schedule import Row, Schedule
from plctl.controller.results import source_files
from plctl.controller.results.run_folder import RunFolder
from plctl.controller.results.run_reader import read_record
from plctl.controller.results.run_record import LinkRecord, RunRecord, from_json, to_json
from plctl.controller.results.schedule_files import FOLDER_NAME, read_schedule

MS = 10**6
LONG = Schedule(Row(t, t // 100, 20_000_000 + t % 7, 80_000_000) for t in range(10_000)).repeated()
SHORT = Schedule((Row(0, 0, 1, 1, 64_000),))


def record(count: int, names: dict[str, str] | None = None) -> RunRecord:
    """A run of so many links that share one pair of schedules."""
    plans = (LinkPlan(f"leo-{index}", LONG, SHORT) for index in range(count))
    return RunRecord("r-0001", "r", 1, tuple(LinkRecord(plan, "a") for plan in plans), sources=names or {})


def test_each_schedule_is_written_once(tmp_path: Path) -> None:
    """A hundred links leave two files, which Arrow reads; the plan that is read back is the one that was written."""
    with RunFolder.create(tmp_path, "r-0001") as folder:
        folder.record_plan(record(100))
    files = sorted((folder.path / FOLDER_NAME).iterdir())
    assert sorted(f"{schedule.digest}.parquet" for schedule in (LONG, SHORT)) == [file.name for file in files]
    found = read_record(folder.path)
    assert record(100) == found
    assert (LONG.rows[9999], LONG.period_ns) == (found.links[7].plan.up.rows[9999], found.links[7].plan.up.period_ns)
    assert 10_000 == pq.read_table(folder.path / FOLDER_NAME / f"{LONG.digest}.parquet").num_rows


def test_opportunities_lie_beside_the_rows(tmp_path: Path) -> None:
    """An instant a line, in nanoseconds, which Arrow reads; read back they are the same, and so is the digest."""
    instants = [0, 5 * MS, 5 * MS, *range(6 * MS, 3000 * MS, MS)]
    traced = Schedule(SHORT.rows, 0, Opportunities.of_instants(instants, 4000 * MS, 1400))
    plans = (LinkPlan("leo", traced, SHORT),)
    with RunFolder.create(tmp_path, "r-0001") as folder:
        folder.record_plan(RunRecord("r-0001", "r", 1, tuple(LinkRecord(plan, "a") for plan in plans)))
    table = pq.read_table(folder.path / FOLDER_NAME / f"{traced.digest}.opportunities.parquet")
    assert instants == table["time_ns"].to_pylist()
    found = read_record(folder.path).links[0].plan
    assert (traced.opportunities, None, len(instants)) == (
        found.up.opportunities, found.down.opportunities, found.up.facts.opportunities
    )  # fmt: skip
    assert traced.digest == found.up.with_constants({"loss_ppb": 0}).digest
    with pytest.raises(UserError, match="cannot read the schedule"):
        read_schedule(folder.path / FOLDER_NAME / f"{SHORT.digest}.parquet", traced=True)


def test_a_record_is_as_large_as_its_links(tmp_path: Path) -> None:
    """It says what there is to know of a long schedule without its rows, which are read when somebody asks for them."""
    text = to_json(record(100))
    assert len(text) < 100 * 1000
    up = from_json(text).links[0].plan.up
    assert (10_000, LONG.last_ns, LONG.rows[0]) == (up.facts.rows, up.facts.last_ns, up.facts.first)
    with pytest.raises(UserError, match="the rows of this run's schedules are not here; fetch the run first"):
        len(up.rows)
    with pytest.raises(UserError, match="cannot read the schedule"):
        len(from_json(text, tmp_path).links[0].plan.up.rows)


def test_a_record_of_format_1_is_still_read() -> None:
    """There each link had its rows, and the texts of sources stood in the record."""
    plain = json.loads(to_json(record(1, {"leo.csv": "0,0,1,1"}))) | {"format": 1}
    del plain["schedules"]
    rows = [{"time_ns": 0, "route": 0, "delay_ns": 1, "rate_bps": 1, "queue_bytes": 64_000}]
    for direction in ("up", "down"):
        plain["links"][0]["plan"][direction] = {"rows": rows, "period_ns": 0}
    found = from_json(json.dumps(plain))
    assert (SHORT, SHORT, 1) == (found.links[0].plan.up, found.links[0].plan.down, found.format)


def test_sources_are_files(tmp_path: Path) -> None:
    """Files of the same name lie beside each other, and none leads out of the folder."""
    texts = {"a/leo.csv": "a\r\n", "b/leo.csv": "bé\n", "..": "c", "/": "d"}
    names = source_files.source_names(texts)
    assert {"a/leo.csv": "leo.csv", "b/leo.csv": "2-leo.csv", "..": "source", "/": "2-source"} == names
    with RunFolder.create(tmp_path, "r-0001") as folder:
        folder.record_plan(record(1, names), [SourceFile.of(*each) for each in texts.items()])
    assert sorted(names.values()) == sorted(file.name for file in (folder.path / "sources").iterdir())
    assert texts == source_files.read(folder.path, names)
    assert "a" == source_files.read(folder.path, names, most=1)["a/leo.csv"]
