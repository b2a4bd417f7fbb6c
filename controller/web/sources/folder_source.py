"""The runs in folders here, one of which may be written by another process right now."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from pathlib import Path
from typing import Literal

from plctl.common.base.errors import BusyError, PlctlError, UserError
from plctl.common.base.names import is_name
from plctl.common.protocol import requests as rq
from plctl.controller.results.run_reader import RUN_NAME, is_open
from plctl.controller.results.run_record import RunRecord
from plctl.controller.service.run_view import RunView
from plctl.controller.study_folder.study_reader import RUNS_NAME, is_study
from plctl.controller.view.local_runs import LocalRuns, run_info
from plctl.controller.web.monitoring.snapshot import Monitored
from plctl.controller.web.sources.folder_tail import FolderTail
from plctl.controller.web.sources.records import RecordCache

#: A run's id is the stamp of its time, up to 40 characters of its name, and four digits.
_RUN_NAME_MAX = 120
#: Records of listed runs that are kept.
_LISTED = 64


class FolderRuns(LocalRuns):
    """The runs below `base`, and those of the studies below `studies`: only what is inside of their folders is read."""

    def __init__(self, base: Path, studies: Path | None) -> None:
        super().__init__(base)
        self.records = RecordCache(_LISTED)
        self._studies = studies
        self._finished: dict[str, rq.RunState] = {}

    def folder(self, run: str) -> Path:
        """Where `run` is.

        :raises UserError: that is no run's name, or there is none.
        """
        if is_name(run, _RUN_NAME_MAX):
            for base in (self._base, *(study / RUNS_NAME for study in self.study_folders())):
                if (base / run / RUN_NAME).is_file():
                    return base / run
        raise UserError(f"no run in {self.place} is called {run!r:.80}")

    def study_folders(self) -> list[Path]:
        """The studies that are here."""
        return [path for path in sorted(self._studies.glob("*")) if is_study(path)] if self._studies else []

    async def runs(self, limit: int) -> tuple[rq.RunInfo, ...]:
        return await asyncio.to_thread(self._list, limit)

    def _list(self, limit: int) -> tuple[rq.RunInfo, ...]:
        found: list[rq.RunInfo] = []
        for path in sorted(self._base.glob(f"*/{RUN_NAME}"), reverse=True):  # an id begins with its time
            if len(found) == limit:
                break
            try:
                found.append(run_info(self.records.read(path.parent), path.parent))
            except PlctlError as error:
                found.append(rq.RunInfo(path.parent.name, "", "unreadable", "", "", 0, (), cause=str(error)))
        return tuple(found)

    async def state(self, run: str) -> rq.RunState:
        record = await self.records.get(self.folder(run))
        if record.verdict and run in self._finished:
            return self._finished[run]
        state = await super().state(run)
        if record.verdict:
            self._finished = {run: state}
        return state

    def open_state(self, record: RunRecord, folder: Path, view: RunView) -> rq.RunState:
        """How a run that goes on is, as its live view has it."""
        now_ns = time.monotonic_ns()
        return rq.RunState(
            info=run_info(record, folder),
            duration_ns=record.duration_ns,
            t0_ns=record.t0_ns or 0,
            now_ns=now_ns,
            links=view.links(),
            waits=view.waits(now_ns),
        )


class FolderSource:
    """Folders as a `WebSource`; of runs that go on in other processes the files are followed."""

    kind: Literal["folders"] = "folders"

    def __init__(self, base: Path, studies: Path | None = None) -> None:
        self.runs = _TailedRuns(base, studies)

    def path(self, run: str) -> Path:
        """The folder of `run`."""
        return self.runs.folder(run)

    def agents(self) -> None:
        """Folders have no agents."""

    async def watch(self, run: str) -> RunView | None:
        """The live view of a run that another process writes."""
        return await self.runs.advanced(run)

    def monitored(self) -> Monitored:
        """Nothing but the page itself: what goes on belongs to other processes."""
        return Monitored()

    def study_folders(self) -> list[Path]:
        """The studies that are here."""
        return self.runs.study_folders()

    async def cancel(self, run: str, by: str) -> str:  # noqa: ARG002  (as above)
        """Refuse: whoever writes the folder is another process."""
        raise BusyError(f"run {run} is only looked at here; it is ended where it was started")

    async def cancel_study(self, study: str, by: str) -> str:  # noqa: ARG002  (as above)
        """Refuse, likewise."""
        raise BusyError(f"study {study} is only looked at here; end it with: plctl study cancel {study}")

    def close(self) -> None:
        """Let go of all files."""
        self.runs.close()


class _TailedRuns(FolderRuns):
    """Those of which the state while they go on comes from what was appended to their files."""

    def __init__(self, base: Path, studies: Path | None) -> None:
        super().__init__(base, studies)
        self._tails: dict[str, FolderTail] = {}
        self._advancing = asyncio.Lock()

    async def state(self, run: str) -> rq.RunState:
        view = await self.advanced(run)
        folder = self.folder(run)
        return self.open_state(await self.records.get(folder), folder, view) if view else await super().state(run)

    async def link(self, run: str, link: str) -> rq.LinkState:
        view = await self.advanced(run)
        if view is None:
            return await super().link(run, link)
        for state in view.links():
            if state.link == link:
                return state
        raise UserError(f"{run} has no link {link!r:.80}")

    async def advanced(self, run: str) -> RunView | None:
        """The live view of a run that goes on, with all that its files say."""
        folder = self.folder(run)
        async with self._advancing:
            record = await self.records.get(folder)
            if record.verdict or not is_open(folder):
                self._drop(run)
                return None
            if run not in self._tails:
                self._close_others()
                self._tails[run] = FolderTail(folder, record)
            await asyncio.to_thread(self._tails[run].advance, record)
            return self._tails[run].view

    def close(self) -> None:
        """Let go of all files."""
        for run in list(self._tails):
            self._drop(run)

    def _drop(self, run: str) -> None:
        if tail := self._tails.pop(run, None):
            tail.close()

    def _close_others(self) -> None:
        """Few runs go on at a time on one machine; what is looked at no more is let go of."""
        while len(self._tails) >= _MOST_TAILS:
            with suppress(StopIteration):
                self._drop(next(iter(self._tails)))


#: Runs of other processes that are followed at a time.
_MOST_TAILS = 8
