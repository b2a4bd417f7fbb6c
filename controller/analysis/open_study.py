"""Opens a study's folder on any machine, while the study goes on or after it: its runs, one tidy table of them all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa

from plctl.common.base.errors import UserError
from plctl.controller.analysis.columns import levels_of, table_of
from plctl.controller.analysis.open_run import RunResults
from plctl.controller.analysis.tidy import Metrics, tidy_rows
from plctl.controller.study_folder.attempts import Attempt, by_digest, counting
from plctl.controller.study_folder.journal import read_journal
from plctl.controller.study_folder.study_reader import RUNS_NAME, read_study
from plctl.controller.study_folder.study_record import StudyRecord

#: Told how much is done, and of how much.
Progress = Callable[[int, int], None]


def open_study(path: str | Path) -> StudyResults:
    """The study in the folder `path`, one below `studies/`.

    :raises UserError: that is no folder of a study.
    """
    return StudyResults(path)


class StudyResults:
    """A study's folder. Its journal is read anew with each call, so that a study that goes on can be followed."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.record  # noqa: B018  # a folder without a study is refused here, not at the first question

    def __repr__(self) -> str:
        return f"<study {self.name}: {len(self.record.cells)} cells × {self.record.repetitions}>"

    @cached_property
    def record(self) -> StudyRecord:
        """All that study.json says, as dataclasses: factors, cells, repetitions."""
        return read_study(self.path)

    @property
    def name(self) -> str:
        """The study's name."""
        return self.record.study

    @property
    def factors(self) -> Mapping[str, tuple[str, ...]]:
        """Factor → its levels, as written."""
        return self.record.factors

    def typed(self, values: Mapping[str, str]) -> dict[str, Any]:
        """`values`, factor → level as written, with the levels as they stand in tables: see `levels_of`."""
        known = {name: dict(zip(written, levels_of(written), strict=True)) for name, written in self.factors.items()}
        return {name: known.get(name, {}).get(level, level) for name, level in values.items()}

    def runs(self, *, all_attempts: bool = False) -> list[RunResults]:
        """The run that stands for each repetition that was carried out: the first that is `ok`, else the last.

        :param all_attempts: every run with a verdict that the study as it is now asks for, also if it was retried.
        """
        return [RunResults(self._folder(each)) for each, counts in self._attempts() if counts or all_attempts]

    def repetitions(self) -> pa.Table:
        """A row for each repetition that is asked for: cell, levels, seed, and the run that stands for it, if any."""
        known = by_digest(read_journal(self.path))
        rows = []
        for cell in self.record.cells:
            for each in cell.repetitions:
                found = counting(known.get(each.digest, ()))
                state = {"run": found.run, "verdict": found.verdict, "cause": found.cause or None} if found else {}
                empty = {"run": None, "verdict": None, "cause": None}
                attempts = len(known.get(each.digest, ()))
                head = {"cell": cell.cell, **cell.values, "repetition": each.repetition, "seed": each.seed}
                rows.append(head | empty | state | {"attempts": attempts})
        return table_of(rows)

    def table(self, metrics: Metrics | None = None, progress: Progress = lambda _done, _total: None) -> pa.Table:
        """One tidy row for each run, link and flow, of every run with a verdict: factors first, then `cell` and so on.

        `counts` is true for the run that stands for its repetition. Summaries use rows that count and are `ok`.

        :param metrics: what to read from which workload's output (see `tidy_rows`), if not as study.yaml says.
        :param progress: called with how many runs are read, of how many.
        :raises UserError: no such reader, or nothing was run yet.
        """
        chosen = self.record.metrics if metrics is None else metrics
        rows = list(self._rows(chosen, progress))
        if not rows:
            raise UserError(f"{self.path}: no run of this study is over yet; look at it: plctl study status")
        return table_of(rows)

    def _rows(self, metrics: Metrics, progress: Progress) -> Iterator[dict[str, Any]]:
        levels = {cell.cell: cell.values for cell in self.record.cells}
        attempts = list(self._attempts())
        for number, (attempt, counts) in enumerate(attempts):
            progress(number, len(attempts))
            head = self.typed(levels[attempt.cell])
            head |= {"cell": attempt.cell, "repetition": attempt.repetition, "counts": counts}
            for row in tidy_rows(RunResults(self._folder(attempt)), metrics):
                yield head | row | head  # factors first, and as all levels of a factor are written

    def _attempts(self) -> Iterator[tuple[Attempt, bool]]:
        """Every judged run that is asked for now, and whether it stands for its repetition; in the cells' order."""
        known = by_digest(read_journal(self.path))
        for digest in self.record.by_digest():
            stands = counting(known.get(digest, ()))
            for each in known.get(digest, ()):
                if each.is_judged and self._folder(each).is_dir():
                    yield each, each is stands

    def _folder(self, attempt: Attempt) -> Path:
        return self.path / RUNS_NAME / attempt.run
