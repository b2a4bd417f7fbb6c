"""Makes the runs of a study: expands every cell, validates all before anything runs, and names each."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from plctl.common.base.errors import InputError, Problem, UserError
from plctl.common.base.problems import Problems
from plctl.common.plan.run_request import RunRequest
from plctl.controller.results.run_record import software_versions
from plctl.controller.results.source_files import source_names
from plctl.controller.study.expansion import MAX_RUNS, Cell, cells_of, in_words
from plctl.controller.study.identity import cell_id, run_content, run_digest, seed_of
from plctl.controller.study.reading import ReadStudy, read_study_spec
from plctl.controller.study_folder.study_reader import (
    CELL_LABEL,
    DIGEST_LABEL,
    REPETITION_LABEL,
    STUDY_LABEL,
)
from plctl.controller.study_folder.study_record import CellRecord, RepetitionRecord, StudyRecord

#: Told with every cell: how many are read, and of how many.
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Study:
    """A study that can be run: its record, and for each digest in it what to run."""

    record: StudyRecord
    requests: dict[str, RunRequest]
    file: Path
    text: str  #: of the study's file
    sources: dict[str, str]  #: of each file in `record.sources` its text
    parallel: int  #: runs at once; 0: as many as hosts have room for

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """What the author should know of the cells, though it is legal; each once."""
        return tuple(dict.fromkeys(each for request in self.requests.values() for each in request.warnings))


def load_study(path: Path, progress: Progress = lambda _done, _total: None) -> Study:
    """The study in the file at `path`, every run of it validated.

    :raises InputError: everything that is wrong with it, with its run spec, or with a cell.
    """
    read = read_study_spec(path)
    cells = _combined(read)
    repetitions = read.spec.repetitions
    if len(cells) * repetitions > MAX_RUNS:
        text = f"{len(cells)} cells, {repetitions} times each, are more than {MAX_RUNS} runs"
        raise read.refuse(("repetitions",), text)
    made = _Made(read)
    for number, cell in enumerate(cells, 1):
        made.add(cell)
        progress(number, len(cells))
    made.check(len(cells))
    spec = read.spec
    record = StudyRecord(
        study=spec.study,
        seed=spec.seed,
        factors={factor.name: factor.all_levels for factor in read.factors},
        repetitions=repetitions,
        cells=tuple(made.cells),
        order=spec.order,
        retry=dict(spec.retry),
        retries=made.retries if spec.retries is None else spec.retries,
        metrics=dict(spec.metrics),
        sources=source_names([spec.base]),
        file=str(path),
        versions=software_versions(),
    )
    return Study(record, made.requests, path, read.text, {spec.base: read.base.text}, spec.parallel)


def _combined(read: ReadStudy) -> list[Cell]:
    try:
        return cells_of(read.factors, read.spec.zip, read.where, read.exclude)
    except UserError as error:
        at = "where" if read.where and str(error).startswith("where") else "factors"
        raise read.refuse((at,), str(error)) from None


class _Made:
    """The runs of the cells that were added, and what is wrong with them."""

    def __init__(self, read: ReadStudy) -> None:
        self.cells: list[CellRecord] = []
        self.requests: dict[str, RunRequest] = {}
        self._read = read
        self._wrong: dict[Problem, list[Cell]] = {}
        self._more = 0
        self._workloads: set[str] = set()
        self.retries = 0  #: of each run, as the run spec says; the study makes them, so that each is in its journal

    def add(self, cell: Cell) -> None:
        """Expand `cell`; what is wrong with it is told by `check`."""
        try:
            runs = list(self._runs(cell))
        except InputError as error:
            for problem in error.problems:
                self._wrong.setdefault(problem, []).append(cell)
            self._more += error.more
            return
        duration_ns = runs[0][1].duration_ns
        self.cells.append(CellRecord(cell_id(cell), cell, tuple(run for run, _ in runs), duration_ns))
        for run, request in runs:
            if run.digest in self.requests:
                other = self.requests[run.digest].labels
                text = (
                    f"the cells {in_words(cell)} and {in_words({name: other[name] for name in cell})} ask for the same"
                )
                raise self._read.refuse(("factors",), text)
            self.requests[run.digest] = request

    def check(self, cells: int) -> None:
        """Return if nothing is wrong.

        :raises InputError: everything that is wrong, each thing once, with the cells that have it.
        """
        if self._wrong:
            problems = Problems("")
            found = [replace(each, text=each.text + _where(wrong, cells)) for each, wrong in self._wrong.items()]
            problems.take(InputError(found, self._more))
            problems.check()
        self._check_metrics()

    def _runs(self, cell: Cell) -> Iterable[tuple[RepetitionRecord, RunRequest]]:
        read, spec = self._read, self._read.spec
        request, content = None, ""
        for repetition in range(1, spec.repetitions + 1):
            seed = seed_of(spec.seed, cell, repetition, spec.paired)
            if request is None or not read.base.is_alike:
                request = read.base.request(cell, name=spec.study, seed=seed, repetition=repetition)
                content = run_content(request)
                self.retries = max(self.retries, request.retries)
                request = replace(request, retries=0, on_failure=spec.on_failure or request.on_failure)
                self._workloads.update(each.name for link in request.links for each in link.plan.workloads)
            digest = run_digest(content, seed, repetition)
            labels = {
                **request.labels,
                **cell,
                STUDY_LABEL: spec.study,
                CELL_LABEL: cell_id(cell),
                REPETITION_LABEL: str(repetition),
                DIGEST_LABEL: digest,
            }
            yield RepetitionRecord(repetition, seed, digest), replace(request, seed=seed, labels=labels)

    def _check_metrics(self) -> None:
        for workload in self._read.spec.metrics:
            if workload not in self._workloads:
                known = ", ".join(sorted(self._workloads)) or "none"
                text = f"metrics: no link has a workload {workload!r}; there are: {known}"
                raise self._read.refuse(("metrics", workload), text)


def _where(wrong: list[Cell], cells: int) -> str:
    """The cells that have a problem, for the end of its sentence; nothing if all have it."""
    if len(wrong) == cells:
        return ""
    more = f" and {len(wrong) - 1} more" if len(wrong) > 1 else ""
    return f" (in the cell {in_words(wrong[0])}{more})"
