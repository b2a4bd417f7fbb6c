"""A study that goes on is shown in place on a terminal, and by plain lines elsewhere."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime

from rich.console import Console

from plctl.common.base.units import NS_PER_S
from plctl.controller.study.course import Standing
from plctl.controller.study_folder.journal import StudyEntry
from plctl.controller.study_folder.study_record import CellRecord, RepetitionRecord, StudyRecord
from plctl.controller.view.study.study_now import study_now
from plctl.controller.view.study.study_view import LINES_EVERY_NS, StudyGlances, StudyView, duration_in_words, render

T = "2026-11-28T05:00:00.000000Z"
NOW = datetime(2026, 11, 28, 5, 0, 7, tzinfo=UTC)
CELLS = tuple(CellRecord(f"c{n}", {"cc": f"cc{n}"}, (RepetitionRecord(1, 0, f"d{n}"),), 10**9) for n in range(30))
RECORD = StudyRecord("s", 1, {"cc": tuple(f"cc{n}" for n in range(30))}, 1, CELLS, retry={"late": 1})
ENTRIES = [
    StudyEntry(T, "begun", "run-20", "d20", "c20", 1),
    StudyEntry(T, "ended", "run-20", "d20", "c20", 1, verdict="late", cause="slow", wall_ns=2 * 10**9),
    StudyEntry(T, "begun", "run-25", "d25", "c25", 1),
]


def drawn(height: int) -> list[str]:
    """The picture's lines on a terminal of 100 columns."""
    console = Console(file=io.StringIO(), force_terminal=True, width=100, color_system=None)
    console.print(render(study_now(RECORD, ENTRIES, goes_on=True), NOW, height))
    assert isinstance(console.file, io.StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def test_the_picture_has_what_runs_and_what_is_not_ok_first() -> None:
    """Where there is no room for all cells."""
    lines = drawn(6)
    assert "0 of 30 runs done (29 waiting, 1 running), about 60 s left" == lines[1]
    cells = [line.split()[1] for line in lines if line.split()[1:] and line.split()[1].startswith("cc")]
    assert ["cc25", "cc20"] == [name for name in cells if name != "cc"][:2]
    assert "… and 25 more cells" in lines
    assert "cc=cc25 repetition 1: for 7 s, run-25" in lines[-1]


def test_all_cells_stand_in_order_where_there_is_room() -> None:
    """Nothing is left out then."""
    lines = drawn(60)
    assert [f"cc{n}" for n in range(30)] == [line.split()[1] for line in lines if " cc" in line and "=" not in line][1:]


def test_without_a_terminal_each_end_is_a_line() -> None:
    """With its cause, whether it is run again, and how far the study is; else a line now and then."""
    clock = [0]
    console = Console(file=io.StringIO(), width=10_000)
    with StudyView(console, RECORD, list(ENTRIES), clock_ns=lambda: clock[0]) as view:
        view.tick()
        view.note(StudyEntry(T, "ended", "run-25", "d25", "c25", 1, verdict="ok", wall_ns=1_234_567_890), Standing.OK)
        view.note(StudyEntry(T, "begun", "run-26", "d20", "c20", 1))
        view.note(StudyEntry(T, "ended", "run-26", "d20", "c20", 1, verdict="late", cause="slow"), Standing.NOT_OK)
        view.note(StudyEntry(T, "begun", "run-27", "d21", "c21", 1))
        view.note(StudyEntry(T, "ended", "run-27", "d21", "c21", 1, verdict="late"), Standing.WAITING)
        clock[0] = LINES_EVERY_NS + 1
        view.tick()
    assert isinstance(console.file, io.StringIO)
    first, ok, late, again, last = console.file.getvalue().splitlines()
    assert "0 of 30 runs done (29 waiting, 1 running), about 60 s left" == first
    # Two runs were measured: 1 s and 0.23 s beyond their second.
    assert "cc=cc25 repetition 1: ok (1.23 s). 1 of 30 runs done (29 waiting, 1 ok), about 47 s left" == ok
    assert late.startswith("cc=cc20 repetition 1: late: slow. 2 of 30 runs done (28 waiting, 1 ok, 1 not ok), about ")
    assert again.startswith("cc=cc21 repetition 1: late; it will be run again. 2 of 30 runs done (28 waiting, ")
    assert last.startswith("2 of 30 runs done (28 waiting, 1 ok, 1 not ok), about ")


def test_a_study_of_ten_thousand_runs_is_shown_without_looking_at_all_of_it_each_time() -> None:
    """A picture that takes long to make is made seldom: what it shows of progress is new all the same."""
    clock = [0]

    def slow() -> int:
        clock[0] += NS_PER_S
        return clock[0]

    console = Console(file=io.StringIO(), force_terminal=True, width=100, height=20, color_system=None)
    with StudyView(console, RECORD, list(ENTRIES), clock_ns=slow) as view:
        for number in range(10):
            view.note(StudyEntry(T, "begun", f"r{number}", f"d{number}", f"c{number}", 1))
            view.note(StudyEntry(T, "ended", f"r{number}", f"d{number}", f"c{number}", 1, verdict="ok"), Standing.OK)
    assert isinstance(console.file, io.StringIO)
    shown = console.file.getvalue()
    assert "10 of 30 runs done" in shown
    assert 1 == len(set(re.findall(r"run-25|r9", shown)))


def test_what_ended_not_ok_waits_where_it_is_run_again() -> None:
    """Until it was run since the study was opened last."""
    entries = [
        StudyEntry(T, "begun", "run-1", "d1", "c1", 1),
        StudyEntry(T, "ended", "run-1", "d1", "c1", 1, verdict="failed"),
        StudyEntry(T, "opened"),
    ]
    counts = study_now(RECORD, entries, goes_on=True, again=True).tally.counts
    assert (30, 0) == (counts[Standing.WAITING], counts[Standing.NOT_OK])
    more = [
        StudyEntry(T, "begun", "run-2", "d1", "c1", 1),
        StudyEntry(T, "ended", "run-2", "d1", "c1", 1, verdict="failed"),
    ]
    assert 1 == study_now(RECORD, entries + more, goes_on=True, again=True).tally.counts[Standing.NOT_OK]
    assert 1 == study_now(RECORD, entries, goes_on=True).tally.counts[Standing.NOT_OK]


def test_times_are_those_of_somebody_who_waits() -> None:
    """No fractions, no seconds beside hours."""
    words = [duration_in_words(seconds * 10**9) for seconds in (0, 42, 600, 7140, 9000)]
    assert ["about 1 s", "about 42 s", "about 10 min", "about 119 min", "about 2 h 30 min"] == words


def test_a_study_that_another_process_carries_is_shown_as_it_was_at_the_last_look() -> None:
    """By the same lines, and as often."""
    clock = [0]
    console = Console(file=io.StringIO(), width=10_000)
    with StudyGlances(console, study_now(RECORD, ENTRIES, goes_on=True), clock_ns=lambda: clock[0]) as view:
        ended = StudyEntry(T, "ended", "run-25", "d25", "c25", 1, verdict="ok", wall_ns=10**9)
        view.now = study_now(RECORD, [*ENTRIES, ended], goes_on=True)
        view.tick()
        clock[0] = LINES_EVERY_NS
        view.tick()
    assert isinstance(console.file, io.StringIO)
    first, second = console.file.getvalue().splitlines()
    assert first.startswith("0 of 30 runs done (29 waiting, 1 running)")
    assert second.startswith("1 of 30 runs done (29 waiting, 1 ok)")
