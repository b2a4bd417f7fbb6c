"""`plctl study` says what a study would run, touches nothing by it, and looks at what was run."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete
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


def test_status_shows_every_cell_and_how_to_go_on(file: Path) -> None:
    """By the study's name, its folder or its file; and that nobody carries it."""
    study, folder = begin(file)
    ran(study, folder, "failed", "late", "ok", "")
    shown = {plctl("status", word, "--studies", folder.parent).stdout for word in ("cc", folder, file)}
    assert 1 == len(shown)
    (text,) = shown
    assert "study cc: 2 of 8 runs done (6 waiting, 1 ok, 1 not ok)\n" in text
    assert f"nobody carries it; to go on: plctl study run {file}\n" in text
    assert {"1 failed", "1 late"} == {
        line.split("  ")[-1].strip() for line in text.splitlines() if "failed" in line or "late" in line
    }
    document = json.loads(plctl("status", "cc", "--studies", folder.parent, "--json").stdout)
    assert {"waiting": 6, "running": 0, "ok": 1, "not ok": 1} == document["counts"]
    listed = json.loads(plctl("list", "--studies", folder.parent, "--json").stdout)
    assert [document] == listed


def test_status_of_a_study_that_goes_on_says_what_is_left(file: Path) -> None:
    """From what runs took so far; one that was begun and has no verdict runs."""
    study, folder = begin(file)
    ran(study, folder, "ok", "ok")
    third = in_order(study.record)[2]
    cell, each = study.record.by_digest()[third]
    with open_journal(folder) as journal:
        journal.add(StudyEntry(T, "begun", "run-9", third, cell.cell, each.repetition))
        text = plctl("status", "cc", "--studies", folder.parent).stdout
    assert "2 of 8 runs done (5 waiting, 1 running, 2 ok), about 72 s left" in text
    assert "3 of 8" not in plctl("status", "cc", "--studies", folder.parent).stdout


def test_follow_ends_with_the_study(file: Path) -> None:
    """Where nobody carries it, at once."""
    study, folder = begin(file)
    ran(study, folder, "ok")
    assert "1 of 8 runs done" in plctl("status", "cc", "--studies", folder.parent, "--follow").stdout


def test_show_has_every_run_of_a_cell(file: Path) -> None:
    """Which is called by its number, its id or its levels."""
    study, folder = begin(file)
    ran(study, folder, "late", "ok")
    cell, each = study.record.by_digest()[in_order(study.record)[0]]
    number = [known.cell for known in study.record.cells].index(cell.cell) + 1
    words = ([str(number)], [cell.cell[:6]], [f"{name}={level}" for name, level in cell.values.items()])
    shown = {plctl("show", "cc", *word, "--studies", folder.parent).stdout for word in words}
    assert 1 == len(shown)
    (text,) = shown
    assert f"cell {number}, {cell.cell}: cc={cell.values['cc']} buffer={cell.values['buffer']}\n" in text
    assert str(each.seed) in text
    assert str(folder / "runs/run-0") in text
    document = json.loads(plctl("show", "cc", "cc=bbr", "--studies", folder.parent, "--json").stdout)
    assert [3, 4] == [cell["number"] for cell in document]


def test_why_tells_each_cause_once_with_the_runs_that_had_it(file: Path) -> None:
    """Also of runs that were cut off; nothing where all is well."""
    study, folder = begin(file)
    assert "nothing: every run that was made is ok\n" == plctl("why", "cc", "--studies", folder.parent).stdout
    ran(study, folder, "late", "failed", "late", "", "ok")
    lines = plctl("why", "cc", "--studies", folder.parent).stdout.splitlines()
    assert "2 late: slow" == lines[0]
    assert all(", to be run again (run-" in line for line in lines[1:3])
    assert {"1 failed: slow", "1 left: without a cause"} == {line for line in lines[3:] if not line.startswith(" ")}


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("status", "other"), "no study that was run is called 'other'; there are: cc"),
        (("show", "cc", "99"), "cc has no cell '99'; plctl study status lists them"),
        (("show", "cc", "loss=1%"), "'loss' is no factor of cc: cc, buffer"),
        (("run", "FILE", "--parallel", "0"), "'0' is neither auto nor a number from 1"),
    ],
)
def test_what_is_not_there_is_named(file: Path, words: tuple[str, ...], complaint: str) -> None:
    """With what there is."""
    begin(file)
    words = tuple(str(file) if word == "FILE" else word for word in words)
    result = plctl(*words, "--studies", file.parent / "studies")
    assert (2, True) == (result.exit_code, complaint in result.stderr), result.stderr


def test_cancel_asks_whoever_carries_it(file: Path) -> None:
    """And says where nobody does."""
    _, folder = begin(file)
    with open_journal(folder):
        result = plctl("cancel", "cc", "--studies", folder.parent)
        assert "cc is being ended" in result.stdout
        assert (folder / "cancel").exists()
    (folder / "cancel").unlink()
    assert "nobody carries cc; nothing is to be ended" in plctl("cancel", "cc", "--studies", folder.parent).stdout


def test_where_nothing_was_run(tmp_path: Path) -> None:
    """Looking makes nothing."""
    assert f"there is no study in {tmp_path}/none yet\n" == plctl("list", "--studies", tmp_path / "none").stdout
    result = plctl("status", "cc", "--studies", tmp_path / "none")
    assert "there is none in" in result.stderr
    assert [] == list(tmp_path.iterdir())


def test_shells_are_offered_the_studies_that_there_are(file: Path) -> None:
    """By the beginning of their names; a path is the shell's affair."""
    _, folder = begin(file)
    for begun, expected in (("", ["cc"]), ("c", ["cc"]), ("x", []), ("[", [])):
        complete = ShellComplete(root, {}, "plctl", "_PLCTL_COMPLETE")
        words = ["study", "status", "--studies", str(folder.parent)]
        assert expected == [item.value for item in complete.get_completions(words, begun)]
