"""The run of this process, beside the folders that earlier ones left."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal

from plctl.common.base.errors import BusyError, UserError
from plctl.common.protocol import requests as rq
from plctl.common.telemetry.samples import Samples
from plctl.controller.lifecycle.run_events import RunPhase
from plctl.controller.results.run_folder import RunFolder
from plctl.controller.service.run_view import RunView
from plctl.controller.web.monitoring.snapshot import Monitored
from plctl.controller.web.sources.folder_source import FolderRuns
from plctl.controller.web.sources.source import monitored_runs


class EmbeddedSource:
    """A run as a `WebSource`, until its folder is complete and then as well."""

    kind: Literal["run"] = "run"

    def __init__(self, folder: RunFolder) -> None:
        """Of the run that writes `folder`, whose plan is recorded. It is an observer of that run."""
        assert folder.record is not None
        self.view: RunView | None = RunView(folder.record)
        self.now = RunPhase.NEW
        self._run = folder.run
        self._cancel: Callable[[str], object] | None = None
        self.runs = _EmbeddedRuns(folder.path.parent, self)

    def begin(self, cancel: Callable[[str], object]) -> None:
        """The run can be ended from now on, for the cause that `cancel` is told."""
        self._cancel = cancel

    def phase(self, phase: RunPhase, t0_ns: int) -> None:
        """As `Observer` has it."""
        self.now = phase
        if self.view:
            self.view.phase(phase, t0_ns)

    def samples(self, host: str, samples: Samples) -> None:
        """As `Observer` has it."""
        if self.view:
            self.view.samples(host, samples)

    def note(self, event: str, host: str, link: str, facts: Mapping[str, object]) -> None:
        """As `Observer` has it."""
        if self.view:
            self.view.note(event, host, link, facts)

    def complete(self) -> None:
        """The folder is complete: the run is one like the others."""
        self.view = None

    def owns(self, run: str) -> bool:
        """Whether `run` is the one that goes on."""
        return self.view is not None and run == self._run

    def path(self, run: str) -> Path:
        """The folder of `run`."""
        return self.runs.folder(run)

    def agents(self) -> None:
        """The one agent is this run's own."""

    async def watch(self, run: str) -> RunView | None:
        """The run's live view, while it goes on."""
        return self.view if self.owns(run) else None

    def monitored(self) -> Monitored:
        """The run, while it goes on."""
        return Monitored(runs=monitored_runs({self._run: self.view} if self.view else {}))

    def study_folders(self) -> list[Path]:
        """None: only the run is shown, and those beside it."""
        return []

    async def cancel(self, run: str, by: str) -> str:
        """End the run as Ctrl-C does."""
        if not self.owns(run):
            raise BusyError(f"run {run} is over")
        if self._cancel is None:
            raise BusyError(f"run {run} has not begun yet; try again in a moment")
        self._cancel(f"asked for on the page ({by})")
        return f"run {run} is being ended"


class _EmbeddedRuns(FolderRuns):
    """Those below a folder, one of which goes on in this process."""

    def __init__(self, base: Path, source: EmbeddedSource) -> None:
        super().__init__(base, None)
        self._source = source

    async def runs(self, limit: int) -> tuple[rq.RunInfo, ...]:
        return tuple(self._now(info) for info in await super().runs(limit))

    async def state(self, run: str) -> rq.RunState:
        view = self._source.view
        if view is None or not self._source.owns(run):
            return await super().state(run)
        folder = self.folder(run)
        state = self.open_state(await self.records.get(folder), folder, view)
        return replace(state, info=self._now(state.info), t0_ns=view.t0_ns or state.t0_ns)

    async def link(self, run: str, link: str) -> rq.LinkState:
        if not self._source.owns(run):
            return await super().link(run, link)
        for state in (await self.state(run)).links:
            if state.link == link:
                return state
        raise UserError(f"{run} has no link {link!r:.80}")

    def _now(self, info: rq.RunInfo) -> rq.RunInfo:
        """Of the run that goes on the phase; its verdict is told once the folder is complete."""
        if not self._source.owns(info.run):
            return info
        return replace(info, phase=RunPhase.RELEASING if info.verdict else self._source.now, verdict="", cause="")
