"""What the controller can say of its runs to whoever asks: from the journal, a run's view, or its folder."""

from __future__ import annotations

from plctl.common.base.clock import Clock
from plctl.common.protocol import requests as rq
from plctl.controller.hub.journal import Journal, RunEntry
from plctl.controller.lifecycle.run_events import RunPhase
from plctl.controller.results.run_files import list_files, read_file
from plctl.controller.results.run_reader import read_record
from plctl.controller.service.run_manager import RunManager

#: Runs that one answer lists at most.
MAX_LISTED = 1000


class RunList:
    """Answers the reading requests about runs."""

    def __init__(self, run_manager: RunManager, journal: Journal, clock: Clock) -> None:
        self._run_manager = run_manager
        self._journal = journal
        self._clock = clock

    def runs(self, request: rq.ListRuns) -> rq.Runs:
        """The newest runs."""
        return rq.Runs(tuple(map(self._info, self._journal.runs(min(request.limit, MAX_LISTED)))))

    def run(self, request: rq.ReadRun) -> rq.RunState:
        """How a run is.

        :raises UserError: there is no such run, or its folder is gone.
        """
        entry = self._journal.run(request.run)
        now_ns = self._clock.monotonic_ns()
        if active := self._run_manager.active(entry.run):
            view = active.view
            return rq.RunState(
                self._info(entry), active.record.duration_ns, view.t0_ns, now_ns, view.links(), view.waits(now_ns)
            )
        record = read_record(self._run_manager.folder(entry.run))
        links = tuple(rq.LinkState(k.plan.name, k.host, k.verdict or "waiting", k.cause) for k in record.links)
        return rq.RunState(self._info(entry), record.duration_ns, record.t0_ns or 0, now_ns, links)

    def files(self, request: rq.ListFiles) -> rq.Files:
        """What a run has left so far.

        :raises UserError: there is no such run.
        """
        return list_files(self._run_manager.folder(request.run))

    def file(self, request: rq.ReadFile) -> rq.FilePart:
        """A part of one of its files.

        :raises UserError: there is no such run or file.
        """
        entry = self._journal.run(request.run)
        folder = self._run_manager.folder(entry.run)
        return read_file(folder, request.path, request.offset, request.length, over=entry.over)

    def _info(self, entry: RunEntry) -> rq.RunInfo:
        """A run is done, and its verdict is told, once its folder is complete."""
        releasing = entry.phase == RunPhase.DONE and not entry.over
        return rq.RunInfo(
            run=entry.run,
            name=entry.name,
            phase=RunPhase.DONE if entry.over else RunPhase.RELEASING if releasing else entry.phase,
            submitted_by=entry.client,
            submitted_utc=entry.submitted_utc,
            links=entry.links,
            hosts=entry.hosts,
            verdict=entry.verdict if entry.over else "",
            cause=entry.cause if entry.over else self._run_manager.waits(entry.run),
            labels=entry.labels,
            retry_of=entry.retry_of,
            retried_as=entry.retried_as,
        )
