"""A whole controller on TCP, at work for an honest agent and an honest operator while it is under attack."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from support.hostile import Site, Storm, until

from plctl.common.base.clock import FakeClock, clock_identity
from plctl.common.base.log import Event, make_log
from plctl.common.protocol import messages as m
from plctl.common.protocol import requests as rq
from plctl.common.transport.hub_and_spoke import ZmqSpoke
from plctl.common.transport.refusals import Refusals
from plctl.controller.hub.journal import Journal
from plctl.controller.service.daemon import Controller


class ControllerSite(Site):
    """A controller with an agent `edge-1` and the operator `bob`."""

    def __init__(self, folder: Path) -> None:
        self.clock = FakeClock()
        self.log: list[Event] = []
        log = make_log(self.log.append, self.clock, host="controller")
        super().__init__(folder / "keys", Refusals(self.clock, log))
        self.runs = folder / "runs"
        self.journal = Journal()
        self.controller = Controller(
            self.hub, self.clock, "c", runs=self.runs, journal=self.journal, refusals=self.refusals, log=log
        )

    async def withstand(self, messages: int) -> None:
        """Let a storm of so many messages rage, and check that it changed nothing, and that honest work went on."""
        edge = self.spoke(self.enroll("edge-1"))
        bob = self.spoke(self.enroll("bob", "operator"))
        await edge.send(m.encode(m.Envelope(m.Hello("edge-1", "0.1.0", 1, clock_identity()))))
        assert isinstance(await answer(edge), m.Welcome)
        storm = Storm(self, messages)
        working = asyncio.create_task(self._work(edge, bob, 200))
        expected = await storm.rage()
        await working
        honest = Counter({"unknown_run": 1})  # edge-1 has a run that nobody knows, until it is told to release it
        await until(lambda: self.refusals.counts.total() >= expected.total() + honest.total())
        assert expected + honest == self.refusals.counts
        assert [] == self.journal.runs(10)
        assert not self.runs.exists()
        assert ["edge-1"] == [agent.name for agent in self.journal.agents()]
        said = [event for event in self.log if event["event"] == "peer.refused"]
        assert len({(event["peer"], event["address"]) for event in said}) == len(said), "twice within a minute"

    async def _work(self, edge: ZmqSpoke, bob: ZmqSpoke, rounds: int) -> None:
        """Report and be acknowledged, ask and be answered."""
        for number in range(1, rounds + 1):
            await edge.send(m.encode(m.Envelope(m.Events(number, ()), epoch="r")))
            if number == 1:  # nobody knows that run: what its agent has of it is to go
                assert await answer(edge) == m.Release()
            assert await answer(edge) == m.Ack(number)
            await bob.send(m.encode(m.Envelope(rq.ListAgents(), id=number)))
            agents = await answer(bob)
            assert isinstance(agents, rq.Agents)
            assert ["edge-1"] == [agent.name for agent in agents.agents if agent.connected]


async def answer(spoke: ZmqSpoke) -> m.Message:
    """What the controller says next."""
    return m.decode(await asyncio.wait_for(spoke.receive(), 60), "controller").message


@asynccontextmanager
async def controller_site(folder: Path) -> AsyncIterator[ControllerSite]:
    """A site whose controller serves."""
    site = ControllerSite(folder)
    serving = asyncio.create_task(site.controller.serve())
    try:
        yield site
    finally:
        site.controller.stop()
        await serving
        site.close()
        site.journal.close()
