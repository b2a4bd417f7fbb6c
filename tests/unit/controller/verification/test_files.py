"""What links followed is what run.json names, the instants of a trace as well as rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from plctl.common.plan.run_plan import LinkPlan
from plctl.common.scenario.opportunities import Opportunities
from plctl.common.scenario.schedule import Row, Schedule
from plctl.controller.results.opportunity_file import write_opportunities
from plctl.controller.results.run_folder import RunFolder
from plctl.controller.results.run_reader import read_record
from plctl.controller.results.run_record import LinkRecord, RunRecord
from plctl.controller.verification.files import check_schedules

ROWS = (Row(0, 0, 1, 1),)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """That of a run whose link is served by opportunities one way, and by a rate the other."""
    traced = Schedule(ROWS, 0, Opportunities.of_instants([5, 7], 9))
    with RunFolder.create(tmp_path, "r-0001") as made:
        made.record_plan(RunRecord("r-0001", "r", 1, (LinkRecord(LinkPlan("leo", traced, Schedule(ROWS)), "a"),)))
    return made.path


def test_opportunities_are_a_part_of_a_schedule(folder: Path) -> None:
    """As they were written they hold; another instant, or none at all, is found."""
    record = read_record(folder)
    holds = check_schedules(folder, record)
    assert ("holds", "2 schedules have the content that run.json names") == (holds.state, holds.says)
    (path,) = (folder / "schedules").glob("*.opportunities.parquet")
    write_opportunities(path, Opportunities.of_instants([5, 8], 9))
    assert "has other rows than its name says" in check_schedules(folder, record).says
    path.unlink()
    gone = check_schedules(folder, record)
    assert ("broken", True) == (gone.state, "cannot read the schedule" in gone.says)
