"""Shows how a study stands: a table and a bar that stay in place on a terminal, plain lines elsewhere.

What is shown is a pure function of a `StudyNow` and an instant (`render`, `summary`); only `StudyView` touches a
console.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from rich.console import Console, Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from plctl.common.base.printable import printable
from plctl.common.base.units import NS_PER_MS, NS_PER_S, format_duration
from plctl.controller.study.course import Standing
from plctl.controller.study.expansion import in_words
from plctl.controller.study_folder.attempts import Attempt
from plctl.controller.study_folder.journal import StudyEntry
from plctl.controller.study_folder.study_record import StudyRecord
from plctl.controller.view.screen import say
from plctl.controller.view.steady_view import SteadyView
from plctl.controller.view.study.study_now import CellNow, StudyNow, seconds_since, study_now
from plctl.controller.view.study.study_tally import StudyTally
from plctl.controller.view.summary import colour
from plctl.controller.view.tables import Cell

#: Between two plain lines where nothing happens, and between two pictures on a terminal.
LINES_EVERY_NS = 30 * NS_PER_S
PICTURE_EVERY_NS = 500 * NS_PER_MS
_CHROME_LINES = 8  #: of the picture that are no cells
_RUNNING_LINES = 4
#: Looking at all cells takes at most one part in so many of the time.
_SHARE = 50


class StudyView(SteadyView):
    """Follows the study of `record`, whose journal has `entries` so far, on `console`."""

    def __init__(
        self,
        console: Console,
        record: StudyRecord,
        entries: list[StudyEntry],
        *,
        again: bool = False,
        clock_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        super().__init__(console, clock_ns, picture_every_ns=PICTURE_EVERY_NS, lines_every_ns=LINES_EVERY_NS)
        self._record = record
        self._entries = entries
        self._again = again
        self._now = study_now(record, entries, goes_on=True, again=again)
        self._tally = self._now.tally
        self._stale = False
        self._look_again_ns = 0

    def note(self, entry: StudyEntry, standing: Standing | None = None) -> None:
        """Take in a line of the journal; see `StudyWatcher`."""
        self._entries.append(entry)
        self._tally.note(entry, standing)
        self._stale = True
        if self._has_picture:
            self._show()
        elif line := self._line(entry, standing):
            say(self._console, line)
            self._rest(self._clock_ns())

    def _look(self) -> StudyNow:
        """How the study stands, as of some seconds ago if it takes long to see: the runs need the CPU."""
        begun_ns = self._clock_ns()
        if self._stale and begun_ns >= self._look_again_ns:
            self._now = study_now(self._record, self._entries, goes_on=True, again=self._again)
            self._stale = False
            self._look_again_ns = begun_ns + _SHARE * (self._clock_ns() - begun_ns)
        return self._now

    def _picture(self, now_ns: int) -> RenderableType:  # noqa: ARG002  (how old it is, the wall clock says)
        return render(self._look(), datetime.now(UTC), self._console.height - _CHROME_LINES, self._tally)

    def _lines(self, now_ns: int) -> list[str]:  # noqa: ARG002  (likewise)
        return [summary(self._tally)]

    def _line(self, entry: StudyEntry, standing: Standing | None) -> str:
        """What happened, for a place without a terminal."""
        cell = self._tally.cells.get(entry.digest)
        if cell is None or entry.event not in ("ended", "left"):
            return ""
        what = f"{in_words(cell.values)} repetition {entry.repetition}"
        took = f" ({format_duration(entry.wall_ns // 10**7 * 10**7)})" if entry.wall_ns else ""
        cause = f": {entry.cause}" if entry.cause else ""
        again = "; it will be run again" if standing is Standing.WAITING else ""
        return f"{what}: {entry.verdict or 'left'}{took}{cause}{again}. {summary(self._tally)}"


class StudyGlances(SteadyView):
    """A study that another process carries; `now` is how it was at the last look."""

    def __init__(self, console: Console, now: StudyNow, *, clock_ns: Callable[[], int] = time.monotonic_ns) -> None:
        super().__init__(console, clock_ns, picture_every_ns=PICTURE_EVERY_NS, lines_every_ns=LINES_EVERY_NS)
        self.now = now

    def _picture(self, now_ns: int) -> RenderableType:  # noqa: ARG002  (how old it is, the wall clock says)
        return render(self.now, datetime.now(UTC), self._console.height - _CHROME_LINES)

    def _lines(self, now_ns: int) -> list[str]:  # noqa: ARG002  (likewise)
        return [summary(self.now.tally)]


def render(now: StudyNow, at: datetime, height: int, tally: StudyTally | None = None) -> RenderableType:
    """The picture of `now`: a bar, a table of at most `height` cells, and what runs; `tally` may know of more runs."""
    tally = tally or now.tally
    bar = ProgressBar(total=max(1, tally.total), completed=tally.done, width=40)
    head = Table.grid(padding=(0, 2))
    head.add_row(bar, Text(now.record.study, style="bold"))
    shown = _shown(now, max(1, height - min(_RUNNING_LINES, len(now.running))))
    hidden = len(now.cells) - len(shown)
    note = [Text(f"… and {hidden} more cells", style="dim")] if hidden else []
    running = [Text(printable(_running(now, each, at)), style="dim") for each in now.running[:_RUNNING_LINES]]
    return Group(head, Text(summary(tally, goes_on=now.goes_on)), Text(), _table(now, shown), *note, *running)


def cell_rows(now: StudyNow, cells: Sequence[CellNow]) -> tuple[tuple[str, ...], list[list[Cell]]]:
    """Headers and rows of a table of the `cells` of `now`; the first column is of numbers."""
    rows: list[list[Cell]] = []
    for cell in cells:
        counts = [str(cell.counts[each] or "–") for each in Standing]
        rows.append([str(cell.number), *cell.record.values.values(), *counts, _verdicts(cell)])
    return ("number", *now.record.factors, *map(str, Standing), "runs not ok"), rows


def _table(now: StudyNow, cells: Sequence[CellNow]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    headers, rows = cell_rows(now, cells)
    for name in headers:
        table.add_column(Text(name), justify="right" if name == headers[0] else "left", no_wrap=True)
    for row in rows:
        table.add_row(*(cell if isinstance(cell, Text) else Text(cell) for cell in row))
    return table


def summary(tally: StudyTally, *, goes_on: bool = True) -> str:
    """All of it in one line; of a study that `goes_on`, also the time that is left."""
    parts = [f"{count} {each}" for each in Standing if (count := tally.counts[each])]
    left_ns = tally.left_ns() if goes_on and tally.done < tally.total else 0
    left = f", {duration_in_words(left_ns)} left" if left_ns else ""
    return f"{tally.done} of {tally.total} runs done ({', '.join(parts)}){left}"


def duration_in_words(ns: int) -> str:
    """A time as somebody who waits wants it: about, and without fractions."""
    seconds = round(ns / NS_PER_S)
    if seconds < 90:
        return f"about {max(1, seconds)} s"
    minutes = round(seconds / 60)
    return f"about {minutes} min" if minutes < 120 else f"about {minutes // 60} h {minutes % 60} min"


def _shown(now: StudyNow, most: int) -> list[CellNow]:
    """All cells, or, if they are more than `most`, those that run or are not ok first."""
    if len(now.cells) <= most:
        return list(now.cells)
    return sorted(now.cells, key=lambda cell: (not cell.counts[Standing.RUNNING], not cell.not_ok, cell.number))[:most]


def _verdicts(cell: CellNow) -> Text:
    text = Text()
    for verdict, count in cell.not_ok.items():
        text.append(f"{', ' if text else ''}{count} {verdict}", style=colour(verdict))
    return text


def _running(now: StudyNow, attempt: Attempt, at: datetime) -> str:
    cell, _ = now.record.by_digest()[attempt.digest]
    seconds = seconds_since(attempt.begun_utc, at)
    state = f"for {seconds:.0f} s" if now.goes_on else "broken off"
    return f"{in_words(cell.values)} repetition {attempt.repetition}: {state}, {attempt.run}"
