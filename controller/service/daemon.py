"""The controller as a daemon: many agents, many runs, many clients, for as long as it is left to live."""

from __future__ import annotations

import asyncio
from pathlib import Path

from plctl.common.base.background import background
from plctl.common.base.clock import Clock
from plctl.common.base.log import EventLog
from plctl.common.protocol import requests as rq
from plctl.common.transport.hub_and_spoke import Hub
from plctl.common.transport.refusals import Refusal, Refusals
from plctl.controller.hub.agent_hub import AgentHub
from plctl.controller.hub.journal import Journal
from plctl.controller.results import run_columns  # noqa: F401  # now, and not while agents wait for an answer
from plctl.controller.run import books  # noqa: F401  # likewise
from plctl.controller.service.agent_list import list_agents
from plctl.controller.service.disk import keep_on_disk
from plctl.controller.service.dispatcher import RequestDispatcher, Requester
from plctl.controller.service.run_list import RunList
from plctl.controller.service.run_manager import RunManager
from plctl.controller.service.run_view import RunView


class Controller:
    """Serves the agents and clients that come to `hub`; results go below the folder `runs`."""

    def __init__(
        self, hub: Hub, clock: Clock, name: str, *, runs: Path, journal: Journal, refusals: Refusals, log: EventLog
    ) -> None:
        """`refusals` are the hub's own; what `journal` has of a life before this one is gone on with by `serve`."""
        self._clock = clock
        self._journal = journal
        self._log = log
        self._places = [runs, *([journal.folder] if journal.folder else [])]
        self._agent_hub = AgentHub(hub, clock, name, refusals, journal)
        self._run_manager = RunManager(self._agent_hub, clock, runs, log)
        listed = RunList(self._run_manager, journal, clock)
        self._dispatcher = RequestDispatcher(
            reads={
                rq.ListAgents: lambda _: self.list_agents(),
                rq.ListRuns: listed.runs,
                rq.ReadRun: listed.run,
                rq.ListFiles: listed.files,
                rq.ReadFile: listed.file,
            },
            acts={
                rq.Submit: self._run_manager.submit,
                rq.Cancel: self._run_manager.cancel,
                rq.Clean: self._run_manager.clean,
                rq.ChangeLink: self._run_manager.change,
            },
            send=self._agent_hub.answer,
        )
        self._agent_hub.set_request_handler(self._dispatcher.dispatch)
        self._agent_hub.set_presence_listener(
            lambda what, agent, address, cause: log.emit(f"agent.{what}", agent=agent, address=address, cause=cause)
        )
        self._stopped = asyncio.Event()

    async def ask(self, name: str, request: rq.ClientRequest) -> rq.ClientAnswer:
        """What `name`, who is known to this process, is answered.

        :raises PlctlError: the request is refused.
        """
        return await self._dispatcher.ask(Requester(name, 0), request)

    def list_agents(self) -> rq.Agents:
        """All agents, as `plctl agents` lists them."""
        return list_agents(self._agent_hub, self._clock, self._run_manager.occupancy)

    def folder(self, run: str) -> Path:
        """Where the results of `run` are.

        :raises UserError: there is no such run.
        """
        return self._run_manager.folder(run)

    def views(self) -> dict[str, RunView]:
        """The live views of all runs that go on."""
        return self._run_manager.views()

    def verdicts(self) -> dict[str, int]:
        """How many runs that are over have which verdict."""
        return self._journal.verdicts()

    def refused(self) -> dict[str, int]:
        """How many messages had no effect, by why; also those that had none so far."""
        return {str(why): self._agent_hub.refusals.counts[why] for why in Refusal}

    def view(self, run: str) -> RunView | None:
        """The live view of a run that goes on."""
        active = self._run_manager.active(run)
        return active.view if active else None

    def stop(self) -> None:
        """Leave soon; safe to call from a signal handler."""
        self._stopped.set()

    async def serve(self) -> None:
        """Serve until `stop`; runs that go on are left to their agents and to whoever opens the journal next.

        :raises WorldError: the journal cannot be written.
        """
        try:
            async with background() as tasks:
                self._dispatcher.begin(tasks)
                self._run_manager.begin(tasks)
                tasks.create_task(keep_on_disk(self._journal, self._places, self._clock, self._log))
                async with background() as hub:  # which ends first: else it would acknowledge what no run gets any more
                    hub.create_task(self._agent_hub.serve())
                    await self._stopped.wait()
        finally:
            self._journal.commit_for_good()
