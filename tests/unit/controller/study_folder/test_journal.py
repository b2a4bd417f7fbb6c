"""The journal of a study survives what kills its writer, and tells everybody the same."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plctl.common.base.errors import BusyError, ProtocolError
from plctl.controller.study_folder.attempts import Attempt, attempts, by_digest, counting
from plctl.controller.study_folder.journal import (
    JOURNAL_NAME,
    StudyEntry,
    is_going_on,
    open_journal,
    read_journal,
    to_line,
)

T = "2026-11-28T05:00:00.000000Z"
BEGUN = StudyEntry(T, "begun", "run-1", "d1", "c1", 1)
ENDED = StudyEntry(T, "ended", "run-1", "d1", "c1", 1, verdict="late", cause="slow", wall_ns=5, disk_bytes=7)


def test_what_was_added_is_read_in_order(tmp_path: Path) -> None:
    """Also by somebody else, while the journal is open."""
    with open_journal(tmp_path) as journal:
        journal.add(BEGUN)
        assert [BEGUN] == read_journal(tmp_path)
        journal.add(ENDED)
    assert [BEGUN, ENDED] == read_journal(tmp_path)


def test_a_line_that_was_cut_off_is_not_read_and_not_written_to(tmp_path: Path) -> None:
    """Whatever byte it was cut at."""
    line = to_line(ENDED)
    for cut in range(len(line)):
        (tmp_path / JOURNAL_NAME).write_text(to_line(BEGUN) + line[:cut])
        assert [BEGUN] == read_journal(tmp_path)
        with open_journal(tmp_path) as journal:
            journal.add(ENDED)
        assert [BEGUN, ENDED] == read_journal(tmp_path)


def test_a_line_of_something_else_is_refused_with_its_place(tmp_path: Path) -> None:
    """A journal that somebody edited is not half read."""
    (tmp_path / JOURNAL_NAME).write_text(to_line(BEGUN) + "hello\n")
    with pytest.raises(ProtocolError, match=r"journal\.jsonl:2: not a line of a study's journal: 'hello'"):
        read_journal(tmp_path)


def test_only_one_writes_at_a_time(tmp_path: Path) -> None:
    """A second `plctl study run` is refused, and everybody can see that one goes on."""
    assert not is_going_on(tmp_path)
    with open_journal(tmp_path):
        assert is_going_on(tmp_path)
        with pytest.raises(BusyError, match="another plctl study run goes on"), open_journal(tmp_path):
            pass
    assert not is_going_on(tmp_path)


def test_who_looks_keeps_nobody_from_writing(tmp_path: Path) -> None:
    """However often: `plctl study status` beside the beginning of `plctl study run`."""
    (tmp_path / JOURNAL_NAME).touch()
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            is_going_on(tmp_path)

    lookers = [threading.Thread(target=look) for _ in range(2)]
    for looker in lookers:
        looker.start()
    try:
        for _ in range(50):
            with open_journal(tmp_path):
                assert is_going_on(tmp_path)
    finally:
        over.set()
        for looker in lookers:
            looker.join()


def test_a_study_that_was_never_run_has_an_empty_journal(tmp_path: Path) -> None:
    """Looking at it makes nothing."""
    assert [] == read_journal(tmp_path)
    assert [] == list(tmp_path.iterdir())


def test_a_run_is_open_until_it_ended_or_was_left() -> None:
    """Then it says something of its cell only if it has a verdict of its own."""
    (begun,) = attempts([BEGUN])
    (ended,) = attempts([BEGUN, ENDED])
    (left,) = attempts([BEGUN, StudyEntry(T, "left", "run-1", cause="killed")])
    assert (True, False, False) == (begun.is_open, ended.is_open, left.is_open)
    assert (False, True, False) == (begun.is_judged, ended.is_judged, left.is_judged)
    assert ("late", "slow", 5, 7) == (ended.verdict, ended.cause, ended.wall_ns, ended.disk_bytes)


def test_runs_of_a_repetition_stay_together() -> None:
    """In the order in which they began, whatever ran in between."""
    entries = [StudyEntry(T, "begun", run, digest) for run, digest in (("a", "x"), ("b", "y"), ("c", "x"))]
    found = {digest: [each.run for each in runs] for digest, runs in by_digest(entries).items()}
    assert {"x": ["a", "c"], "y": ["b"]} == found


@given(st.lists(st.sampled_from(["", "ok", "late", "failed", "cancelled"])))
def test_the_first_ok_counts_or_else_the_last_that_was_judged(verdicts: list[str]) -> None:
    """A late run before an ok one is never taken for the cell, nor is one that was cancelled."""
    runs = [Attempt(str(number), "d", "c", 1, T, verdict=verdict) for number, verdict in enumerate(verdicts)]
    judged = [each for each in runs if each.verdict not in ("", "cancelled")]
    oks = [each for each in judged if each.verdict == "ok"]
    assert (oks[:1] or judged[-1:] or [None])[0] == counting(runs)


def test_a_line_whose_run_lies_elsewhere_is_none_of_ours(tmp_path: Path) -> None:
    """A study's folder may be anybody's, and the name of a run is that of a folder in it."""
    (tmp_path / JOURNAL_NAME).write_text(to_line(BEGUN) + to_line(replace(BEGUN, run="../../elsewhere")))
    with pytest.raises(ProtocolError, match=r":2: '../../elsewhere' is not the name of a run's folder"):
        read_journal(tmp_path)
