"""The controller as a daemon: many agents, many runs, many clients, for as long as it is left to live."""

from __future__ import annotations

import asyncio
from pathlib import Path

from plctl.common.base.clock import Clock
from plctl.common.base.log import EventLog
from plctl.common.protocol import requests as rq
from plctl.common.transport.hub_and_spoke import Hub
from plctl.common.transport.refusals import Refusals
from plctl.controller.hub.agent_hub import Switchboard
from plctl.controller.hub.journal import Journal
from plctl.controller.service.agent_list import list_agents
from plctl.controller.service.dispatcher import FrontDesk
from plctl.controller.service.run_list import RunList
from plctl.controller.service.run_manager import Office


class Controller:
    """Serves the agents and clients that come to `hub`; results go below the folder `runs`."""

    def __init__(
        self, hub: Hub, clock: Clock, name: str, *, runs: Path, journal: Journal, refusals: Refusals, log: EventLog
    ) -> None:
        """`refusals` are the hub's own; what `journal` has of a life before this one is gone on with by `serve`."""
        self._clock = clock
        self._board = Switchboard(hub, clock, name, refusals, journal)
        self._office = Office(self._board, clock, runs, log)
        listed = RunList(self._office, journal, clock)
        self._desk = FrontDesk(
            reads={
                rq.ListAgents: self._list_agents,
                rq.ListRuns: listed.runs,
                rq.ReadRun: listed.run,
                rq.ListFiles: listed.files,
                rq.ReadFile: listed.file,
            },
            acts={rq.Submit: self._office.submit, rq.Cancel: self._office.cancel, rq.Clean: self._office.clean},
            send=self._board.answer,
        )
        self._board.attend(self._desk.take)
        self._stopped = asyncio.Event()

    def stop(self) -> None:
        """Leave soon; safe to call from a signal handler."""
        self._stopped.set()

    async def serve(self) -> None:
        """Serve until `stop`; runs that go on are left to their agents and to whoever opens the journal next.

        :raises WorldError: the journal cannot be written.
        """
        self._office.take_up()
        serving = asyncio.create_task(self._board.serve())
        stopped = asyncio.create_task(self._stopped.wait())
        try:
            await asyncio.wait({serving, stopped}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (serving, stopped):
                task.cancel()
            await asyncio.gather(serving, stopped, return_exceptions=True)
            await self._desk.close()
            await self._office.close()
        if not serving.cancelled() and (error := serving.exception()):
            raise error

    def _list_agents(self, _: rq.ListAgents) -> rq.Agents:
        return list_agents(self._board, self._clock, self._office.occupancy)
