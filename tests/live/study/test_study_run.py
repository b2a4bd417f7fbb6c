"""A study comes to its end whatever ends its process, and runs nothing in vain."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path

from support.running import await_condition
from support.studies.tiny_study import STUDY, TinyStudy, verdicts

from plctl.controller.results.run_reader import read_record
from plctl.controller.study_folder.study_reader import read_study

#: What the tiny study asks for: cells × repetitions.
RUNS = 6


def kill_within_a_run(study: TinyStudy, ended: int) -> None:
    """Run the study, and kill it while a run goes on, after `ended` more have come to a verdict."""
    before = study.count("ended")
    with study.start() as process:
        await_condition(
            lambda: study.count("ended") >= before + ended and study.count("begun") > study.count("ended"), process
        )
        process.kill()
        process.communicate()


def test_a_study_that_is_killed_twice_goes_on_where_it_was(state: Path, tmp_path: Path) -> None:  # noqa: ARG001
    """Runs that were ok are not made again, those that were cut off are; late ones are retried and never ok.

    Afterwards an edit runs what it touches, and nothing else.
    """
    study = TinyStudy(tmp_path)
    once = STUDY.replace("repetitions: 2", "repetitions: 1")
    study.file.write_text(once)
    kill_within_a_run(study, ended=1)
    kill_within_a_run(study, ended=1)
    done = subprocess.run(study.command("run", "--json"), capture_output=True, text=True, check=False)
    assert 1 == done.returncode, done.stderr
    document = json.loads(done.stdout)
    assert {"waiting": 0, "running": 0, "ok": 2, "not ok": 1} == document["counts"]

    asked, runs = read_study(study.folder).by_digest(), study.attempts()
    assert asked.keys() == runs.keys()
    for digest, (cell, _) in asked.items():
        found = [verdict for verdict in verdicts(runs[digest]) if verdict != "left"]
        assert (["late", "late"] if cell.values["lateness"] == "1ns" else ["ok"]) == found
    left = {run.run for each in runs.values() for run in each if run.left}
    unfinished = {path.name for path in (study.folder / "unfinished").glob("*")}
    judged = {run.run: run for each in runs.values() for run in each if run.verdict}
    # One that was cut off between its folder and the line that names it is in the journal nowhere.
    assert left == unfinished & (left | judged.keys())
    assert len(unfinished) <= 2
    assert judged.keys() == {path.name for path in (study.folder / "runs").iterdir()}
    for path in (study.folder / "runs").iterdir():
        record = read_record(path)
        assert judged[record.run].verdict == record.verdict
        assert (judged[record.run].digest, "tiny") == (record.labels["digest"], record.labels["study"])
        assert (path / "telemetry.parquet").exists()

    begun = study.count("begun")
    study.file.write_text(once.replace("[1bdp, 4bdp]", "[2bdp, 4bdp]"))
    edited = subprocess.run(study.command("run"), capture_output=True, text=True, check=False)
    assert 1 == edited.returncode, edited.stderr
    assert begun + 1 == study.count("begun")
    fresh = set(read_study(study.folder).by_digest()) - asked.keys()
    assert {"2bdp"} == {read_study(study.folder).by_digest()[digest][0].values["buffer"] for digest in fresh}
    assert 0 == subprocess.run(study.command("status"), stdout=subprocess.DEVNULL, check=False).returncode


def test_ctrl_c_ends_the_run_in_good_order(state: Path, tmp_path: Path) -> None:  # noqa: ARG001
    """The run is cancelled, says nothing of its cell, and is made again by the same command."""
    study = TinyStudy(tmp_path)
    (tmp_path / "base.yaml").write_text((tmp_path / "base.yaml").read_text().replace("300ms", "60s"))
    with study.start() as process:
        await_condition(lambda: study.count("begun") == 1, process)
        busy = subprocess.run(study.command("run"), capture_output=True, text=True, check=False)
        assert (2, True) == (busy.returncode, "another plctl study run goes on" in busy.stderr)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate()
    assert 130 == process.returncode, stderr
    assert "ended by SIGINT; to go on, give the same command again" in stdout
    assert [["cancelled"]] == [verdicts(runs) for runs in study.attempts().values()]
    document = json.loads(subprocess.run(study.command("plan", "--json"), capture_output=True, check=True).stdout)
    assert RUNS == document["estimate"]["runs"]


def test_cancel_ends_it_from_another_terminal(state: Path, tmp_path: Path) -> None:  # noqa: ARG001
    """As Ctrl-C would."""
    study = TinyStudy(tmp_path)
    (tmp_path / "base.yaml").write_text((tmp_path / "base.yaml").read_text().replace("300ms", "60s"))
    with study.start("--quiet") as process:
        await_condition(lambda: study.count("begun") == 1, process)
        subprocess.run(study.command("cancel"), stdout=subprocess.DEVNULL, check=True)
        _, stderr = process.communicate()
    assert 130 == process.returncode, stderr
    assert [["cancelled"]] == [verdicts(runs) for runs in study.attempts().values()]
