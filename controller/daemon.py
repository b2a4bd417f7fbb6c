"""The controller as a daemon: many agents, many runs, many clients, for as long as it is left to live."""

from __future__ import annotations

import asyncio
from pathlib import Path

from plctl.common import requests as rq
from plctl.common.clock import Clock
from plctl.common.refusals import Refusals
from plctl.common.transport import Hub
from plctl.controller.agent_list import list_agents
from plctl.controller.front_desk import FrontDesk
from plctl.controller.switchboard import Switchboard


class Controller:
    """Serves the agents and clients that come to `hub`; results go below the folder `runs`."""

    def __init__(self, hub: Hub, clock: Clock, name: str, runs: Path, refusals: Refusals) -> None:
        self._runs = runs
        self._clock = clock
        self._board = Switchboard(hub, clock, name, refusals)
        self._desk = FrontDesk(reads={rq.ListAgents: self._list_agents}, acts={}, send=self._board.answer)
        self._board.attend(self._desk.take)
        self._stopped = asyncio.Event()

    def stop(self) -> None:
        """Leave soon; safe to call from a signal handler."""
        self._stopped.set()

    async def serve(self) -> None:
        """Serve until `stop`."""
        serving = asyncio.create_task(self._board.serve())
        stopped = asyncio.create_task(self._stopped.wait())
        try:
            await asyncio.wait({serving, stopped}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (serving, stopped):
                task.cancel()
            await asyncio.gather(serving, stopped, return_exceptions=True)
            await self._desk.close()
        if not serving.cancelled() and (error := serving.exception()):
            raise error

    def _list_agents(self, _: rq.ListAgents) -> rq.Agents:
        return list_agents(self._board, self._clock, lambda _host: {})
