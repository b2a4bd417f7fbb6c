"""Runs of this process, beside the folders that earlier ones left: one, or those of a study."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal

from plctl.common.base.errors import BusyError, UserError
from plctl.common.protocol import requests as rq
from plctl.controller.lifecycle.run_events import RunPhase
from plctl.controller.results.run_folder import RunFolder
from plctl.controller.service.run_view import RunView
from plctl.controller.study_folder.study_reader import RUNS_NAME
from plctl.controller.web.monitoring.snapshot import Monitored
from plctl.controller.web.sources.embedded_run import EmbeddedRun
from plctl.controller.web.sources.folder_source import FolderRuns
from plctl.controller.web.sources.source import monitored_runs


class EmbeddedSource:
    """Runs that go on here as a `WebSource`, each until its folder is complete and then as well."""

    def __init__(self, base: Path, study: Path | None = None) -> None:
        """Of runs below `base`, or those of the study in the folder `study`; see `add`."""
        self.kind: Literal["run", "study"] = "study" if study else "run"
        self._study = study
        self._going_on: dict[str, EmbeddedRun] = {}
        self._end_study: Callable[[str], object] | None = None
        self.runs = _EmbeddedRuns(study / RUNS_NAME if study else base, self)

    def add(self, folder: RunFolder) -> EmbeddedRun:
        """The run that writes `folder`, whose plan is recorded, begins."""
        added = self._going_on[folder.run] = EmbeddedRun(folder, lambda: self._going_on.pop(folder.run, None))
        return added

    def begin_study(self, end: Callable[[str], object]) -> None:
        """The study can be ended from now on, for the cause that `end` is told."""
        self._end_study = end

    def going_on(self, run: str) -> EmbeddedRun | None:
        """The run of that name, while it goes on."""
        return self._going_on.get(run)

    def path(self, run: str) -> Path:
        """The folder of `run`."""
        return self.runs.folder(run)

    def agents(self) -> None:
        """The one agent is this process's own."""

    async def watch(self, run: str) -> RunView | None:
        """The run's live view, while it goes on."""
        return found.view if (found := self.going_on(run)) else None

    def monitored(self) -> Monitored:
        """The runs that go on."""
        return Monitored(runs=monitored_runs({run: each.view for run, each in self._going_on.items()}))

    def study_folders(self) -> list[Path]:
        """The study whose runs these are, if there is one."""
        return [self._study] if self._study else []

    async def cancel(self, run: str, by: str) -> str:
        """End the run: a run alone as Ctrl-C does; one of a study is begun anew, for its repetition waits on."""
        if not (found := self.going_on(run)):
            raise BusyError(f"run {run} is over")
        found.cancel(f"asked for on the page ({by})")
        return f"run {run} is being ended"

    async def cancel_study(self, study: str, by: str) -> str:
        """End the study as Ctrl-C does."""
        if self._end_study is None:
            raise BusyError(f"study {study} has not begun yet, or is over")
        self._end_study(f"the page ({by})")
        return f"study {study} is being ended"


class _EmbeddedRuns(FolderRuns):
    """Those below a folder, some of which go on in this process."""

    def __init__(self, base: Path, source: EmbeddedSource) -> None:
        super().__init__(base, None)
        self._source = source

    async def runs(self, limit: int) -> tuple[rq.RunInfo, ...]:
        return tuple(self._now(info) for info in await super().runs(limit))

    async def state(self, run: str) -> rq.RunState:
        if not (found := self._source.going_on(run)):
            return await super().state(run)
        folder = self.folder(run)
        state = self.open_state(await self.records.get(folder), folder, found.view)
        return replace(state, info=self._now(state.info), t0_ns=found.view.t0_ns or state.t0_ns)

    async def link(self, run: str, link: str) -> rq.LinkState:
        if not self._source.going_on(run):
            return await super().link(run, link)
        for state in (await self.state(run)).links:
            if state.link == link:
                return state
        raise UserError(f"{run} has no link {link!r:.80}")

    def _now(self, info: rq.RunInfo) -> rq.RunInfo:
        """Of a run that goes on the phase; its verdict is told once the folder is complete."""
        if not (found := self._source.going_on(info.run)):
            return info
        return replace(info, phase=RunPhase.RELEASING if info.verdict else found.now, verdict="", cause="")
