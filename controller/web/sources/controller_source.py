"""The runs of the controller in this process: asked as its clients ask, without the wire between."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Literal, TypeVar

from plctl.common.base.errors import ProtocolError, UserError
from plctl.common.protocol import requests as rq
from plctl.controller.results.run_reader import read_record
from plctl.controller.service.daemon import Controller
from plctl.controller.service.run_view import RunView
from plctl.controller.verdict.verdict import Verdict
from plctl.controller.view.live_samples import read_live
from plctl.controller.view.remote_runs import RemoteRuns
from plctl.controller.web.monitoring.snapshot import Monitored
from plctl.controller.web.sources.source import monitored_runs

A = TypeVar("A", bound=rq.ClientAnswer)

#: States of runs that are over, which do not change, that are kept.
_KEPT = 16


class ControllerSource:
    """A controller as a `WebSource`."""

    kind: Literal["controller"] = "controller"

    def __init__(self, controller: Controller, place: str) -> None:
        """`place` says for people where it is."""
        self.runs = _ControllerRuns(controller, place)
        self._controller = controller

    def path(self, run: str) -> Path:
        """The folder of `run`."""
        return self._controller.folder(run)

    def agents(self) -> rq.Agents:
        """Its agents."""
        return self._controller.list_agents()

    async def watch(self, run: str) -> RunView | None:
        """The live view of a run that goes on."""
        return self._controller.view(run)

    def monitored(self) -> Monitored:
        """Its agents, its runs, and what it refused."""
        controller = self._controller
        runs = monitored_runs(controller.views())
        verdicts = dict.fromkeys(Verdict, 0) | controller.verdicts()  # Prometheus counts only from what it has seen on
        return Monitored(controller.list_agents().agents, runs, verdicts, controller.refused())

    def study_folders(self) -> list[Path]:
        """None: who runs a study has its folder."""
        return []

    async def cancel(self, run: str, by: str) -> str:
        """End `run` as `plctl cancel` does."""
        answer = await _Asker(self._controller, by).ask(rq.Cancel(run, "asked for on the page"), rq.Done)
        return answer.what

    async def cancel_study(self, study: str, by: str) -> str:  # noqa: ARG002  (as `WebSource` has it)
        """Refuse: whoever runs a study is another process, and has its folder."""
        raise UserError(f"there is no study {study!r:.80} here")


class _Asker:
    """Gets answers in the name of somebody who is known to this process."""

    def __init__(self, controller: Controller, name: str) -> None:
        self._controller = controller
        self._name = name

    async def ask(self, request: rq.ClientRequest, answer: type[A]) -> A:
        """What the controller answers."""
        found = await self._controller.ask(self._name, request)
        if not isinstance(found, answer):
            raise ProtocolError(f"{type(request).__name__} is answered with {type(found).__name__}")
        return found


class _ControllerRuns(RemoteRuns):
    """The same, with the folders at hand; what a run that is over looks like is worked out once."""

    def __init__(self, controller: Controller, place: str) -> None:
        super().__init__(_Asker(controller, "the page"), place)
        self._controller = controller
        self._over: dict[str, rq.RunState] = {}

    async def state(self, run: str) -> rq.RunState:
        if known := self._over.get(run):
            return known
        state = await super().state(run)
        if state.info.verdict and not self._controller.view(run):
            self._over[run] = state
            while len(self._over) > _KEPT:
                del self._over[next(iter(self._over))]
        return state

    async def link(self, run: str, link: str) -> rq.LinkState:
        for state in (await self.state(run)).links:
            if state.link == link:
                return state if state.up or state.down else await asyncio.to_thread(self._read, run, state)
        raise UserError(f"{run} has no link {link!r:.80}")

    def _read(self, run: str, state: rq.LinkState) -> rq.LinkState:
        folder = self._controller.folder(run)
        live = read_live(folder, read_record(folder), [state.link])
        return replace(state, up=live.get((state.link, "up"), ()), down=live.get((state.link, "down"), ()))
