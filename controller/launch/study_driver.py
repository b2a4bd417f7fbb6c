"""Drives a study: begins what is next where there is room, writes down what came of it, and stops in good order."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Protocol

from plctl.common.base.clock import Clock
from plctl.common.base.errors import PlctlError, UserError
from plctl.common.plan.run_request import RunRequest
from plctl.controller.launch.study_carriers import Begun, Carrier
from plctl.controller.launch.study_recovery import leave
from plctl.controller.results.run_record import RunRecord
from plctl.controller.study.course import Standing, StudyCourse
from plctl.controller.study_folder.attempts import CANCELLED, Attempt
from plctl.controller.study_folder.journal import StudyEntry, StudyJournal
from plctl.controller.study_folder.study_reader import CELL_LABEL, REPETITION_LABEL, RUNS_NAME
from plctl.controller.study_folder.study_writer import now_utc, size_of

#: How often it is looked whether others have made room.
_LOOK_S = 3.0
NOT_ASKED_FOR = "the study does not ask for it any more"


class StudyWatcher(Protocol):
    """Hears of every line of the journal."""

    def note(self, entry: StudyEntry, standing: Standing | None = None) -> None:
        """`entry` was written; after an end, the repetition has this `standing`."""


@dataclass(slots=True)
class _Task:
    """A run that goes on."""

    digest: str
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    begun_ns: int = 0
    run: str = ""
    adopted: bool = False  #: an earlier process began it


class StudyDriver:
    """The runs of one study, by digest in `requests`; `journal` is that of the study in `folder`."""

    def __init__(
        self,
        requests: Mapping[str, RunRequest],
        course: StudyCourse,
        folder: Path,
        journal: StudyJournal,
        *,
        carrier: Carrier,
        watcher: StudyWatcher,
        clock: Clock,
        parallel: int = 0,
    ) -> None:
        """`parallel` runs at once; 0: as many as the carrier has room for."""
        self._requests = requests
        self._course = course
        self._folder = folder
        self._journal = journal
        self._carrier = carrier
        self._watcher = watcher
        self._clock = clock
        self._most = parallel or carrier.most
        self._tasks: dict[asyncio.Task[RunRecord], _Task] = {}
        self._stop = asyncio.Event()
        self._cancel = False
        self._failure: PlctlError | None = None

    def stop(self, *, cancel: bool = False) -> None:
        """Begin nothing more, and leave what goes on; `cancel` what would go on without us."""
        self._cancel = self._cancel or cancel
        self._stop.set()

    async def adopt(self, going_on: list[Attempt], study: str) -> None:
        """Go on with runs that an earlier process began and a controller carries: those in the journal, and those
        that it was killed before it could enter.

        :raises WorldError: the controller is lost.
        """
        for attempt in going_on:
            if attempt.digest in self._requests and self._course.adopt(attempt.digest):
                self._begin(attempt.digest, attempt.run)
            else:
                await self._cancel_run(attempt.run)
                leave(self._folder, self._journal, attempt, NOT_ASKED_FOR)
        known = {attempt.run for attempt in going_on}
        for digest, run in await self._carrier.going_on(study):
            if run not in known and digest in self._requests and self._course.adopt(digest):
                self._enter(self._entry("begun", digest, run=run, controller=self._carrier.controller))
                self._begin(digest, run)

    async def drive(self) -> None:
        """Run until nothing is left to run, or `stop`.

        :raises PlctlError: a run could not be made at all; those that went on beside it have ended.
        """
        stopping = asyncio.create_task(self._stop.wait())
        try:
            while True:
                await self._unless_stopped(self._fill(), stopping)
                if not self._tasks:
                    break
                look = _LOOK_S if self._course.next() and len(self._tasks) < self._most else None
                await asyncio.wait({*self._tasks, stopping}, timeout=look, return_when=asyncio.FIRST_COMPLETED)
                if self._stop.is_set():
                    break
                self._take_ended()
        finally:
            stopping.cancel()
            await self._end_all()
        if self._failure:
            raise self._failure

    @staticmethod
    async def _unless_stopped(work: Coroutine[Any, Any, None], stopping: asyncio.Task[Any]) -> None:
        """Do `work`, which may wait for a controller that is away, but give it up to stop."""
        task = asyncio.create_task(work)
        try:
            await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _fill(self) -> None:
        while not (self._failure or self._stop.is_set()) and len(self._tasks) < self._most:
            digest = self._course.next()
            if digest is None or (self._tasks and not await self._carrier.has_room(self._requests[digest])):
                return
            self._course.begin(digest)
            task, state = self._begin(digest)
            begun = asyncio.create_task(state.begun.wait())
            try:  # the next one has to reckon with this one's share of the hosts
                await asyncio.wait({task, begun}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                begun.cancel()

    def _begin(self, digest: str, run: str = "") -> tuple[asyncio.Task[RunRecord], _Task]:
        """Carry a run of `digest`, or follow `run`, which goes on."""
        state = _Task(digest, begun_ns=self._clock.monotonic_ns(), run=run, adopted=bool(run))
        work = (
            self._carrier.follow(run) if run else self._carrier.carry(self._requests[digest], self._note_begun(state))
        )
        task = asyncio.create_task(work)
        self._tasks[task] = state
        return task, state

    def _note_begun(self, state: _Task) -> Begun:
        def note(run: str) -> None:
            state.run = run
            self._enter(self._entry("begun", state.digest, run=run, controller=self._carrier.controller))
            state.begun.set()

        return note

    def _take_ended(self) -> None:
        for task in [each for each in self._tasks if each.done()]:
            state = self._tasks.pop(task)
            try:
                self._note_ended(state, task.result())
            except PlctlError as error:
                if state.adopted and isinstance(error, UserError):  # whoever carried it knows nothing of it any more
                    self._give_up(state, str(error))
                else:
                    self._failure = self._failure or error

    def _give_up(self, state: _Task, cause: str) -> None:
        self._course.end(state.digest, CANCELLED)
        self._enter(self._entry("left", state.digest, run=state.run, cause=cause))

    def _note_ended(self, state: _Task, record: RunRecord) -> None:
        standing = self._course.end(state.digest, record.verdict, record.setback)
        entry = self._entry(
            "ended",
            state.digest,
            run=record.run,
            verdict=record.verdict,
            cause=record.cause,
            setback=record.setback,
            wall_ns=0 if state.adopted else self._clock.monotonic_ns() - state.begun_ns,
            disk_bytes=size_of(self._folder / RUNS_NAME / record.run),
        )
        self._enter(entry, standing)

    async def _end_all(self) -> None:
        """Let go of what goes on: on this machine it is cancelled, a controller's goes on unless it is to be ended."""
        self._take_ended()
        for task, state in self._tasks.items():
            if self._cancel and state.run:
                await self._cancel_run(state.run)
            if not (self._cancel and self._carrier.controller and state.run):
                task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        ended = {task: state for task, state in self._tasks.items() if not task.cancelled()}
        self._tasks = ended
        self._take_ended()

    async def _cancel_run(self, run: str) -> None:
        try:
            await self._carrier.cancel(run)
        except PlctlError:  # it is over, or unknown: as good
            return

    def _enter(self, entry: StudyEntry, standing: Standing | None = None) -> None:
        self._journal.add(entry)
        self._watcher.note(entry, standing)

    def _entry(self, event: Literal["begun", "ended", "left"], digest: str, **facts: Any) -> StudyEntry:
        labels = self._requests[digest].labels
        cell, repetition = labels[CELL_LABEL], int(labels[REPETITION_LABEL])
        return replace(StudyEntry(now_utc(), event, "", digest, cell, repetition), **facts)
