"""A study on a controller's hosts goes on without the process that drives it, and the next one finds all of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.loopback_cluster import LoopbackCluster, loopback_cluster
from support.studies.tiny_study import STUDY, TinyStudy, verdicts

from plctl.controller.study_folder.study_reader import read_study


@pytest.fixture
def cluster(state: Path, tmp_path: Path) -> Iterator[LoopbackCluster]:  # noqa: ARG001
    """A controller and one agent."""
    folder = tmp_path / "cluster"
    folder.mkdir()
    with loopback_cluster(folder, "h1") as made:
        yield made


def test_a_study_at_a_controller_survives_its_driver(cluster: LoopbackCluster, tmp_path: Path) -> None:
    """Runs go on side by side; those that went on when it was killed are followed, not made again."""
    study = TinyStudy(tmp_path)
    study.file.write_text(STUDY.replace("repetitions: 2", "repetitions: 1\nparallel: 2"))
    base = tmp_path / "base.yaml"
    base.write_text(base.read_text().replace("300ms", "1s"))
    process = cluster.start("study", "run", str(study.file), "--studies", str(study.studies))
    try:
        cluster.until(lambda: study.count("begun") >= 2)
    finally:
        process.kill()
        process.communicate()
    begun = {run.run for runs in study.attempts().values() for run in runs}
    assert len(begun) >= 2
    done = cluster.plctl("study", "run", str(study.file), "--studies", str(study.studies), "--json")
    assert 1 == done.returncode, done.stderr
    document = json.loads(done.stdout)
    assert {"waiting": 0, "running": 0, "ok": 2, "not ok": 1} == document["counts"]
    asked, runs = read_study(study.folder).by_digest(), study.attempts()
    for digest, (cell, _) in asked.items():
        assert (["late", "late"] if cell.values["lateness"] == "1ns" else ["ok"]) == verdicts(runs[digest])
    made = {run.run for each in runs.values() for run in each}
    assert begun <= made
    assert made == {path.name for path in cluster.runs.glob("*-tiny-*")}
    assert made == {path.name for path in (study.folder / "runs").iterdir()}
    assert [] == list(cluster.runs.glob("*/report.html"))
    assert {cluster.address} == {run.controller for each in runs.values() for run in each}


def test_a_study_goes_on_with_a_controller_that_was_killed(cluster: LoopbackCluster, tmp_path: Path) -> None:
    """It waits for it, no run is made twice, what was running ends well, and nobody's report is drawn."""
    study = TinyStudy(tmp_path)
    study.file.write_text(STUDY.replace("repetitions: 2", "repetitions: 1").replace("[1s, 1ns]", "[1s]"))
    base = tmp_path / "base.yaml"
    base.write_text(base.read_text().replace("300ms", "1s"))
    process = cluster.start("study", "run", str(study.file), "--studies", str(study.studies), "--parallel", "1")
    try:
        cluster.until(lambda: study.count("begun") == 1)
        (first,) = [run for runs in study.attempts().values() for run in runs]
        cluster.until_happened(cluster.runs / first.run, "run.running")
        cluster.kill_controller()
        cluster.start_controller()
        _, stderr = process.communicate(timeout=60)
    finally:
        process.kill()
        process.communicate()
    assert 0 == process.returncode, stderr
    assert "trying again" in stderr
    runs = study.attempts()
    assert [["ok"]] * 2 == [verdicts(each) for each in runs.values()]
    made = {run.run for each in runs.values() for run in each}
    assert made == {path.name for path in cluster.runs.glob("*-tiny-*")}
    assert [] == list(cluster.runs.glob("*/report.html"))
