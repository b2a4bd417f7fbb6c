"""`plctl study` says what a study would run, touches nothing by it, and looks at what was run."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from plctl.common.cli.root_command import root
from plctl.controller.study.cells import Study, load_study
from plctl.controller.study.course import in_order
from plctl.controller.study_folder.journal import StudyEntry, open_journal
from plctl.controller.study_folder.study_writer import make_study_folder, write_study

T = "2026-11-28T05:00:00.000000Z"
STUDY = """\
study: cc
base: base.yaml
factors: {cc: [cubic, bbr], buffer: [1bdp, 4bdp]}
repetitions: 2
retry: {late: 1}
"""
BASE = """\
duration: 10s
links:
  - {name: leo, scenario: a.csv, queue: {capacity: {buffer}}, workload: [{at: client, command: "echo {cc}", start: 0s}]}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A study."""
    (tmp_path / "a.csv").write_text("Time[ms],RouteID,Delay[ms],Btldr[Mbps]\n0,0,10,8\n")
    (tmp_path / "base.yaml").write_text(BASE)
    (tmp_path / "study.yaml").write_text(STUDY)
    return tmp_path / "study.yaml"


def plctl(*args: object) -> Result:
    """What `plctl study` with these arguments prints."""
    return CliRunner().invoke(root, ["study", *map(str, args)])


def begin(file: Path) -> tuple[Study, Path]:
    """The study with a folder, as `plctl study run` makes it."""
    study = load_study(file)
    folder = file.parent / "studies/cc"
    make_study_folder(folder)
    write_study(folder, study.record, study.text, study.sources)
    return study, folder


def ran(study: Study, folder: Path, *verdicts: str) -> None:
    """Enter runs with these verdicts for the first repetitions in order; an empty one is a run that was left."""
    with open_journal(folder) as journal:
        for number, (digest, verdict) in enumerate(zip(in_order(study.record), verdicts, strict=False)):
            cell, each = study.record.by_digest()[digest]
            begun = StudyEntry(T, "begun", f"run-{number}", digest, cell.cell, each.repetition)
            ended = replace(begun, event="ended", verdict=verdict, wall_ns=12 * 10**9, disk_bytes=1000)
            journal.add(begun)
            journal.add(
                replace(ended, cause="" if verdict == "ok" else "slow") if verdict else replace(begun, event="left")
            )


def test_check_sums_up_what_is_right_and_tells_all_that_is_wrong(file: Path) -> None:
    """With the exit status of bad input; nothing is made."""
    before = sorted(file.parent.rglob("*"))
    result = plctl("check", file)
    assert (0, f"{file}: study cc: 2 cc × 2 buffer; 4 cells, 2 of each: 8 runs, shuffled\n") == (
        result.exit_code,
        result.stdout,
    )
    bad = file.with_name("bad.yaml")
    bad.write_text(STUDY.replace("4bdp", "4bpd"))
    result = plctl("check", file, bad)
    assert 2 == result.exit_code
    assert "capacity: '4bpd' is not a capacity" in result.stderr
    assert "(in the cell cc=cubic buffer=4bpd and 1 more)" in result.stderr
    assert sorted([*before, bad]) == sorted(file.parent.rglob("*"))


def test_plan_lists_every_cell_and_what_is_left(file: Path) -> None:
    """Before the first run by the durations, and nothing is made; later by what runs took."""
    studies = file.parent / "studies"
    result = plctl("plan", file, "--studies", studies)
    assert 0 == result.exit_code
    assert 4 == result.stdout.count("2 waiting")
    assert "left: 8 runs; 88 s one after the other; " in result.stdout
    assert "(from the durations alone)" in result.stdout
    assert not studies.exists()
    study, folder = begin(file)
    ran(study, folder, "failed", "late")
    document = json.loads(plctl("plan", file, "--studies", studies, "--json").stdout)
    first, second, *others = in_order(study.record)
    standing = {each["digest"]: each["standing"] for cell in document["cells"] for each in cell["repetitions"]}
    assert {first: "not ok", second: "waiting"} | dict.fromkeys(others, "waiting") == standing
    expected = {"runs": 7, "time_ns": 7 * 12 * 10**9, "runs_of_unknown_time": 0, "disk_bytes": 7000, "from_runs": 2}
    assert expected == document["estimate"]


def test_plan_says_where_nobody_knows_how_long_it_takes(file: Path) -> None:
    """Runs that end with their workloads."""
    (file.parent / "base.yaml").write_text(BASE.replace("duration: 10s\n", ""))
    result = plctl("plan", file, "--studies", file.parent / "studies")
    assert "left: 8 runs; 8 end with their workloads, and nobody knows when; " in result.stdout
