"""A controller in this process with a simulated host: real messages and real time, no link, no root."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

from plctl.agent.service.daemon import Agent
from plctl.agent.simulated.site import SimulatedSite
from plctl.common.base.clock import RealClock
from plctl.common.base.log import Event, make_log
from plctl.common.base.units import NS_PER_MS, NS_PER_S
from plctl.common.plan.run_plan import LinkPlan, Workload
from plctl.common.plan.run_request import LinkRequest, RunRequest
from plctl.common.protocol import requests as rq
from plctl.common.scenario.schedule import Row, Schedule
from plctl.common.transport.hub_and_spoke import LocalHub
from plctl.common.transport.refusals import Refusals
from plctl.controller.hub.journal import Journal
from plctl.controller.service.daemon import Controller

_SCHEDULE = Schedule((Row(0, 0, 20 * NS_PER_MS, 10**7),))
_PATIENCE_S = 60.0


def request(duration_s: float, *links: str) -> RunRequest:
    """A run of such `links`."""
    plans = (LinkPlan(name, _SCHEDULE, _SCHEDULE, number, workloads=(_PROGRAM,)) for number, name in enumerate(links))
    return RunRequest("sim", 1, tuple(map(LinkRequest, plans)), round(duration_s * NS_PER_S))


_PROGRAM = Workload("client", "client", ("true",), start_ns=0)


class SimulatedController:
    """A controller to which one agent, called sim, has come."""

    def __init__(self, runs: Path, journal: Journal) -> None:
        hub, clock = LocalHub(), RealClock()
        self.log: list[Event] = []
        log = make_log(self.log.append, clock, host="c")
        self.controller = Controller(hub, clock, "c", runs=runs, journal=journal, refusals=Refusals(clock), log=log)
        self._agent = Agent("sim", hub.spoke("sim"), clock, SimulatedSite(1000))

    async def submit(self, wanted: RunRequest) -> str:
        """Begin a run; its id."""
        answer = await self.controller.ask("ada", rq.Submit(wanted, report=False))
        assert isinstance(answer, rq.Submitted)
        return answer.run

    async def over(self, run: str) -> rq.RunState:
        """How `run` is in the end."""
        async with asyncio.timeout(_PATIENCE_S):
            while True:
                state = await self.controller.ask("ada", rq.ReadRun(run))
                assert isinstance(state, rq.RunState)
                if state.info.verdict:
                    return state
                await asyncio.sleep(0.02)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Both serve within the block."""
        controller = asyncio.create_task(self.controller.serve())
        agent = asyncio.create_task(self._agent.serve())
        try:
            async with asyncio.timeout(_PATIENCE_S):
                while not any(each.connected and each.bound_ns >= 0 for each in self.controller.list_agents().agents):
                    await asyncio.sleep(0.02)
            yield
        finally:
            self._agent.stop()
            await agent
            self.controller.stop()
            await controller


@asynccontextmanager
async def simulated_controller(runs: Path) -> AsyncIterator[SimulatedController]:
    """One that serves."""
    with closing(Journal()) as journal:
        made = SimulatedController(runs, journal)
        async with made.serving():
            yield made
