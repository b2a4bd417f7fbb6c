"""What a controller must still know after it was killed is in its journal, and nothing that was not committed is."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from plctl.common.base.clock import ClockIdentity
from plctl.common.base.errors import BusyError, UserError
from plctl.common.protocol import messages as m
from plctl.controller.hub.journal import Happened, Journal, RunEntry
from plctl.controller.hub.journal_file import SCHEMA
from plctl.controller.lifecycle.run_events import Answered, Begin, CancelRequested

CLOCK = ClockIdentity("boot", "time:[1]")
HELLO = m.Hello("a", "0.1.0", 1, CLOCK)


def entry(run: str, request: int = 1) -> RunEntry:
    """A run of ada's on two hosts."""
    facts = ("2026-01-01T00:00:00Z", 3, ("a", "b"), CLOCK, 2**62)
    return RunEntry(run, "r", "ada", request, *facts, labels={"cc": "bbr"}, report=False)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a journal may be."""
    return tmp_path / "runs" / "controller.sqlite"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    """A new one."""
    with closing(Journal(path)) as made:
        yield made


def test_a_run_comes_back_as_it_went_in(journal: Journal, path: Path) -> None:
    """Its entry, its course in order, and the sizes of its files survive the process; only its owner may read them."""
    course = [
        Happened(Begin(), 5, 0),
        Happened(Answered("a", m.Armed(7, "exchanges")), 6, 99),
        Happened(
            Answered(
                "a",
                m.Finished(
                    (),
                ),
            ),
            7,
            99,
        ),
        Happened(CancelRequested("enough"), 8, 99),
    ]
    journal.add_run(entry("r-1"))
    for happened in course:
        journal.append("r-1", happened)
    journal.follow("r-1", lambda: {"events.jsonl": 17})
    journal.enter("r-1", "running")
    journal.commit()
    journal.close()
    assert 0o600 == path.stat().st_mode & 0o777
    with closing(Journal(path)) as successor:
        (found,) = successor.unfinished()
        assert ("r-1", ("a", "b"), CLOCK, 2**62, "running", {"cc": "bbr"}) == (
            *(found.run, found.hosts, found.clock, found.first_command, found.phase, found.labels),
        )
        assert course == successor.course("r-1")
        assert {"events.jsonl": 17} == successor.sizes("r-1")


def test_what_was_not_committed_never_happened(journal: Journal, path: Path) -> None:
    """Events, sizes and acknowledged numbers are kept together or not at all."""
    journal.add_run(entry("r-1"))
    journal.saw_agent("a", "a/1", HELLO, "now")
    journal.commit()
    journal.append("r-1", Happened(Begin(), 5, 0))
    journal.acknowledge("a", 5)
    journal.close()
    with closing(Journal(path)) as successor:
        assert [] == successor.course("r-1")
        assert 0 == successor.agents()[0].acknowledged


def test_a_run_that_is_over_is_listed_but_forgotten_otherwise(journal: Journal) -> None:
    """The newest come first; of one whose folder is complete only what a list needs is kept."""
    for number in (1, 2, 3):
        journal.add_run(entry(f"r-{number}", number))
        journal.append(f"r-{number}", Happened(Begin(), 5, 0))
    journal.judge("r-2", "ok", "")
    journal.end("r-2")
    assert ["r-3", "r-2"] == [found.run for found in journal.runs(2)]
    assert ["r-1", "r-3"] == [found.run for found in journal.unfinished()]
    assert ([], 1) == (journal.course("r-2"), len(journal.course("r-3")))
    assert "r-3" == (journal.requested("ada", 3) or entry("none")).run
    assert None is journal.requested("bob", 3)
    with pytest.raises(UserError, match="there is no run 'r-9' here"):
        journal.run("r-9")


def test_an_agents_numbers_are_those_of_its_life(journal: Journal) -> None:
    """The same life goes on where it was, a new one begins at 0; what was handled of the old one is no matter then."""
    journal.saw_agent("a", "a/1", HELLO, "monday")
    journal.acknowledge("a", 7)
    journal.saw_agent("a", "a/1", HELLO, "tuesday")
    (found,) = journal.agents()
    assert (7, "monday", "tuesday") == (found.acknowledged, found.first_seen_utc, found.last_seen_utc)
    journal.acknowledge("a", 8)
    journal.saw_agent("a", "a/2", HELLO, "wednesday")
    journal.commit()
    assert (0, "a/2") == (journal.agents()[0].acknowledged, journal.agents()[0].route)


def test_what_is_owed_is_owed_until_it_is_settled(journal: Journal, path: Path) -> None:
    """Also beyond the end of the run and of the process."""
    journal.owe("r-1", "a")
    journal.owe("r-1", "a")
    journal.owe("r-1", "b")
    journal.settle("r-1", "b")
    journal.commit_for_good()
    journal.close()
    with closing(Journal(path)) as successor:
        assert [("r-1", "a")] == successor.owed()


def test_a_journal_of_version_1_is_gone_on_with(path: Path) -> None:
    """It had no labels, and each run a report; one of a later version is refused."""
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as old, old:
        for statement in SCHEMA.split(";"):
            old.execute(statement)
        old.execute("INSERT INTO runs VALUES ('r-0', 'r', 'ada', 1, '', 1, 'a', 'b', 't', 1, 'done', 'ok', '', 1, 1)")
        old.execute("PRAGMA user_version = 1")
    with closing(Journal(path)) as journal:
        journal.add_run(entry("r-1"))
        assert [{"cc": "bbr"}, {}] == [found.labels for found in journal.runs(9)]
        assert [False, True] == [found.report for found in journal.runs(9)]
    with closing(sqlite3.connect(path)) as newer, newer:
        newer.execute("PRAGMA user_version = 99")
    with pytest.raises(UserError, match="is a journal of version 99"):
        Journal(path)


def test_what_was_submitted_is_kept_until_its_run_is_over_and_attempts_know_each_other(journal: Journal) -> None:
    """The one before and the one after; a run that may not be made again has nothing kept."""
    journal.add_run(entry("r", 1))
    journal.add_run(replace(entry("r-2", 0), retry_of="r"))
    journal.keep_submitted("r", b"asked")
    assert (b"asked", None) == (journal.submitted("r"), journal.submitted("r-2"))
    assert ("r-2", "") == (journal.run("r").retried_as, journal.run("r").retry_of)
    assert ("", "r") == (journal.run("r-2").retried_as, journal.run("r-2").retry_of)
    journal.end("r")
    assert journal.submitted("r") is None


def test_a_journal_has_one_user(journal: Journal, path: Path) -> None:
    """A second controller is refused while the first lives, and what is no journal is left alone."""
    with pytest.raises(BusyError, match=f"another controller uses the journal {path}"):
        Journal(path)
    journal.commit()
    other = path.with_name("other")
    other.write_text("this is no journal" * 100)
    with pytest.raises(UserError, match="is not a controller's journal"):
        Journal(other)
    assert "this is no journal" * 100 == other.read_text()


@pytest.mark.parametrize("left", [0.3, 0.6, 0.9])
def test_a_journal_that_was_cut_is_refused_when_it_is_opened(path: Path, left: float) -> None:
    """And not by the first agent that comes, or half a minute later."""
    with closing(Journal(path)) as journal:
        for number in range(300):
            journal.add_run(entry(f"r-{number}", number))
        journal.commit()
    pages = path.stat().st_size // 4096
    os.truncate(path, max(1, round(left * pages)) * 4096)
    with pytest.raises(
        UserError, match=r"damaged one: .*; restore a backup \(plctl controller restore\), or move it away"
    ):
        Journal(path)
