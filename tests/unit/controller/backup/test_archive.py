"""A backup brings a controller back: whoever could connect can, and what was asked of it is known."""

from __future__ import annotations

import io
import sqlite3
import tarfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from plctl.common.base.clock import ClockIdentity, RealClock
from plctl.common.base.errors import BusyError, UserError
from plctl.common.security.allow_list import AllowList
from plctl.common.security.enrolment import enroll, init_controller
from plctl.common.security.keys import load_pair
from plctl.controller.backup.archive import ControllerPlace, restore, write_backup
from plctl.controller.hub.journal import Journal, RunEntry


def told(done: int, total: int) -> None:
    """What nobody looks at."""


def place(base: Path) -> ControllerPlace:
    """Of a controller that keeps everything below `base`."""
    return ControllerPlace(base / "keys", base / "runs" / "controller.sqlite", base / "runs")


def entry(run: str, *, over: bool) -> RunEntry:
    """A run on two hosts."""
    clock = ClockIdentity("boot", "time:[1]")
    return RunEntry(run, run, "ada", hash(run), "2026-01-01T00:00:00Z", 3, ("a", "b"), clock, 2**62, over=over)


@pytest.fixture
def first(tmp_path: Path) -> ControllerPlace:
    """A controller with keys for an agent, a run that is over and one that goes on."""
    made = place(tmp_path / "first")
    init_controller(made.keys, "ada")
    enroll(made.keys, "edge-1", "agent")
    return made


@pytest.fixture
def journal(first: ControllerPlace) -> Iterator[Journal]:
    """The journal of `first`, which serves."""
    with closing(Journal(first.journal)) as journal:
        journal.add_run(entry("r-1", over=True))
        journal.judge("r-1", "ok", "")
        journal.end("r-1")
        journal.add_run(entry("r-2", over=False))
        journal.commit()
        yield journal


def test_a_controller_is_backed_up_while_it_serves_and_comes_back(
    first: ControllerPlace, journal: Journal, tmp_path: Path
) -> None:
    file = tmp_path / "backup.tar.gz"
    done = write_backup(file, first, RealClock(), with_runs=False, progress=told)
    assert (done.journal, done.runs) == (2, 0)
    assert file.stat().st_mode & 0o777 == 0o600
    journal.judge("r-2", "ok", "")  # and goes on
    journal.commit()

    second = place(tmp_path / "second")
    restore(file, second, told)
    assert load_pair(second.keys, "controller") == load_pair(first.keys, "controller")
    assert [each.name for each in AllowList(second.keys).entries()] == ["ada", "edge-1"]
    with closing(Journal(second.journal)) as again:
        assert [(run.run, run.verdict, run.over) for run in again.runs(9)] == [
            ("r-2", "failed", True),
            ("r-1", "ok", True),
        ]
        assert again.owed() == [("r-2", "a"), ("r-2", "b")]
        assert again.unfinished() == []


def test_nothing_is_replaced(first: ControllerPlace, journal: Journal, tmp_path: Path) -> None:
    file = tmp_path / "backup.tar.gz"
    write_backup(file, first, RealClock(), with_runs=False, progress=told)
    with pytest.raises(BusyError, match="another controller uses the journal"):
        restore(file, first, told)
    journal.close()
    with pytest.raises(BusyError, match="exists already, and nothing is replaced"):
        restore(file, first, told)


@pytest.mark.usefixtures("journal")
@pytest.mark.parametrize(
    "spoil", [lambda _: b"", lambda _: b"text", lambda data: data[: len(data) // 2]], ids=["empty", "text", "cut"]
)
def test_what_is_no_backup_is_refused(spoil: Callable[[bytes], bytes], first: ControllerPlace, tmp_path: Path) -> None:
    file = tmp_path / "backup.tar.gz"
    write_backup(file, first, RealClock(), with_runs=False, progress=told)
    file.write_bytes(spoil(file.read_bytes()))
    with pytest.raises(UserError, match=r"not a backup of a controller|is damaged"):
        restore(file, place(tmp_path / "second"), told)


@pytest.mark.usefixtures("journal")
def test_a_member_stays_where_it_belongs(first: ControllerPlace, tmp_path: Path) -> None:
    """A file that somebody has changed cannot write elsewhere."""
    good, bad = tmp_path / "good.tar.gz", tmp_path / "bad.tar.gz"
    write_backup(good, first, RealClock(), with_runs=False, progress=told)
    with tarfile.open(good) as source, tarfile.open(bad, "w:gz") as target:
        for member in source:
            target.addfile(member, source.extractfile(member))
        for name in ("keys/../../escaped", "/escaped"):
            member = tarfile.TarInfo(name)
            member.size = 1
            target.addfile(member, io.BytesIO(b"x"))
    with pytest.raises(UserError):
        restore(bad, place(tmp_path / "second"), told)
    assert not [*tmp_path.rglob("escaped")]


def test_a_journal_that_is_none_is_refused(first: ControllerPlace, tmp_path: Path) -> None:
    first.journal.parent.mkdir()
    with closing(sqlite3.connect(first.journal)) as db:
        db.execute("CREATE TABLE other (x)")
    with pytest.raises(UserError, match="not a journal"):
        write_backup(tmp_path / "backup.tar.gz", first, RealClock(), with_runs=False, progress=told)
    assert not (tmp_path / "backup.tar.gz").exists()
