"""What older writers left is still read: runs, studies and bundles of each format, and journals of each version.

The files in `older` were written by the code of those days, not by this: `run-format-1` by 2cdf2e9, the last that
wrote it, `run-format-2` by b541086; journals 1 to 4 by 2cdf2e9, b541086, ec6efe3 and eac5eaf, each killed while a run
went on, the last one a run that may be made again; the study and the bundle of one of its runs by eac5eaf.
"""

from __future__ import annotations

import dataclasses
import gzip
import json
import sqlite3
import tarfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from plctl.common.base.errors import ProtocolError, UserError
from plctl.common.cli.root_command import root
from plctl.common.protocol import messages as m
from plctl.common.protocol.requests import Submit
from plctl.controller.hub.journal import Journal
from plctl.controller.lifecycle.machine import RunMachine
from plctl.controller.lifecycle.run_events import Resumed, RunPhase
from plctl.controller.packets.plot import plot_svg
from plctl.controller.results.run_reader import read_record
from plctl.controller.results.run_record import RunRecord
from plctl.controller.run.run_plan import plans_of
from plctl.controller.study_folder.study_record import StudyRecord
from plctl.results import open_run, open_study

OLDER = Path(__file__).parent / "older"
RUNS = sorted(path.name.removesuffix(".tar.gz") for path in OLDER.glob("run-*.tar.gz"))
JOURNALS = sorted(path.name.removesuffix(".sqlite.gz") for path in OLDER.glob("journal-*.sqlite.gz"))


@pytest.fixture(scope="module", autouse=True)
def _fonts_are_open() -> None:
    """Draw once before anything is watched: matplotlib keeps the font files that it opened, a cache and no leak."""
    plot_svg([], "any")


@pytest.fixture(params=RUNS)
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A run's folder as it was left then."""
    with tarfile.open(OLDER / f"{request.param}.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    (found,) = tmp_path.iterdir()
    return found


@pytest.fixture(params=JOURNALS)
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Journal]:
    """A journal as its controller's death left it."""
    path = tmp_path / "controller.sqlite"
    path.write_bytes(gzip.decompress((OLDER / f"{request.param}.sqlite.gz").read_bytes()))
    with closing(Journal(path)) as opened:
        yield opened


def test_there_is_one_of_each() -> None:
    """Whoever ends a format adds a file that its last writer left; the current one has one, too."""
    with closing(Journal()) as current:
        (version,) = current._rows("PRAGMA user_version")[0]
    assert [f"journal-{number}" for number in range(1, version + 1)] == JOURNALS
    (fields,) = [each for each in dataclasses.fields(RunRecord) if each.name == "format"]
    assert [f"run-format-{number}" for number in range(1, fields.default + 1)] == RUNS
    assert 1 == dataclasses.fields(StudyRecord)[-1].default, "add the study that its last writer left"


def test_every_command_reads_a_folder_of_then(folder: Path) -> None:
    """`show`, `why`, `packets`, `report` and `verify`; what is missing in it is no fault of it."""
    record = read_record(folder)
    for words in (("show", str(folder)), ("why", "x", "--run", str(folder)), ("packets", str(folder), "x")):
        done = CliRunner().invoke(root, [*words, "--json"])
        assert done.exit_code in (0, 1), done.output
        assert record.run in done.output or "packets" in words, done.output
    done = CliRunner().invoke(root, ["report", str(folder)])
    assert 0 == done.exit_code, done.output
    assert (folder / "report.html").exists()
    done = CliRunner().invoke(root, ["verify", str(folder)])
    assert "broken" not in done.output.replace("nothing is broken", ""), done.output


def test_the_python_api_reads_a_folder_of_then(folder: Path) -> None:
    """Tables have the columns of today; those that were not written then are null or absent, as documented."""
    run = open_run(folder)
    assert 0 < run.telemetry("x").num_rows
    assert 0 < run.packets("x", "up").num_rows


def test_a_journal_of_then_is_gone_on_with(journal: Journal, request: pytest.FixtureRequest) -> None:
    """Its agents, its runs, and the course of the one that went on, from which its machine comes back.

    But for version 1, in which a link's start was called otherwise: its runs are listed, one that went on is given up.
    """
    journal_of_1 = request.node.callspec.params["journal"] == "journal-1"
    (agent,) = journal.agents()
    assert "old-0" == agent.name
    going, over = journal.runs(10)
    assert ("simulated", "") == (over.verdict, over.retried_as)
    assert going.run in [entry.run for entry in journal.unfinished()]
    assert (RunPhase.RUNNING, False) == (going.phase, going.over)
    with tarfile.open(OLDER / "run-format-2.tar.gz") as archive:
        (name,) = [each for each in archive.getnames() if each.endswith("run.json")]
        archive.extractall(folder := Path(str(journal._path)).parent / "any", filter="data")
    if journal_of_1:
        with pytest.raises(ProtocolError, match="unknown field 'actual_ns'"):
            journal.course(going.run)  # the controller gives such a run up, with that sentence
        return
    plans = {"old-0": next(iter(plans_of(read_record((folder / name).parent)).values()))}
    machine = RunMachine(plans)
    for happened in journal.course(going.run):
        machine.handle(happened.event, happened.now_ns)
    assert RunPhase.RUNNING is machine.phase
    machine.handle(Resumed("it was started again"), 0)
    assert "" == machine.cause


@pytest.mark.parametrize("journal", ["journal-4"], indirect=True)
def test_a_run_of_then_can_still_be_made_again(journal: Journal) -> None:
    """Its request, which lies in the journal as it came, is read by the protocol of today."""
    (run,) = [entry.run for entry in journal.unfinished()]
    data = journal.submitted(run)
    assert data is not None
    submit = m.decode(data, "operator").message
    assert isinstance(submit, Submit)
    assert ("going", 2) == (submit.request.name, submit.request.retries)


def test_a_study_of_then_is_shown_tabled_and_checked(tmp_path: Path) -> None:
    """Its cells, journal and runs."""
    with tarfile.open(OLDER / "study-format-1.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    for words in (("status",), ("show", "2"), ("why",), ("table", "-o", str(tmp_path / "table.csv"))):
        word, *rest = words
        done = CliRunner().invoke(root, ["study", word, "tiny", *rest, "--studies", str(tmp_path)])
        assert done.exit_code in (0, 1), done.output
    done = CliRunner().invoke(root, ["verify", str(tmp_path / "tiny")])
    assert (0, True) == (done.exit_code, "2 runs: nothing is broken" in done.output), done.output
    assert 2 == open_study(tmp_path / "tiny").table().num_rows


def test_a_bundle_of_then_is_checked() -> None:
    """Unpacked, and held to what it claims."""
    done = CliRunner().invoke(root, ["verify", str(OLDER / "bundle-1.zip")])
    assert (0, True) == (done.exit_code, done.output.endswith("nothing is broken\n")), done.output


def test_what_a_newer_plctl_wrote_is_refused_in_a_sentence(tmp_path: Path, folder: Path) -> None:
    """Not half read: the sentence names what it is and who can read it."""
    plain = json.loads((folder / "run.json").read_text())
    for news, says in ({"format": 99}, "format 99"), ({"hologram": 1}, "a newer plctl wrote it"):
        (folder / "run.json").write_text(json.dumps(plain | news))
        with pytest.raises(UserError, match=says):
            read_record(folder)
    path = tmp_path / "newer.sqlite"
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(UserError, match="is a journal of version 99; this plctl has version"):
        Journal(path)
