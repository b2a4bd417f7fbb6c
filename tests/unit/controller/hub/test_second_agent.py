"""Of two agents with one key, as on a cloned host, the second is refused by name; one that came again is welcome."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from support.hostile import Injector, Site, until

from plctl.agent.service.daemon import Agent
from plctl.agent.simulated.site import SimulatedSite
from plctl.common.base.clock import FakeClock, RealClock
from plctl.common.base.errors import WorldError
from plctl.common.transport.hub_and_spoke import ZmqSpoke
from plctl.common.transport.refusals import Refusal, Refusals
from plctl.controller.hub.agent_hub import AgentHub
from plctl.controller.hub.presence import AgentReturned
from plctl.controller.hub.second_agent import ANSWER_NS, ASK_NS, UNDER_WAY_NS, answers

CLOCK = RealClock()


class Stage(Site):
    """A serving agent hub on TCP, and agents that are called edge-1."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, Refusals(CLOCK))
        self.agent_hub = AgentHub(self.hub, CLOCK, "c", self.refusals)
        self.heard: list[object] = []
        self.agent_hub.listen("r", ["edge-1"], lambda _host, message, _reply_to: self.heard.append(message))
        self.agent_keys = self.enroll("edge-1")
        self.notices: list[str] = []
        self.serving: list[asyncio.Task[None]] = [asyncio.create_task(self.agent_hub.serve())]

    def agent(self, spoke: ZmqSpoke | None = None) -> tuple[ZmqSpoke, asyncio.Task[None]]:
        """One more agent with the key, and its work."""
        spoke = spoke or self.spoke(self.agent_keys)
        agent = Agent("edge-1", spoke, CLOCK, SimulatedSite(1), self.notices.append)
        task = asyncio.create_task(agent.serve())
        self.serving.append(task)
        return spoke, task

    @property
    def route(self) -> str:
        """Of the connection that speaks for edge-1; empty if none does."""
        record = self.agent_hub.agents.get("edge-1")
        return record.peer.route if record and record.here else ""


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """A stage; whoever serves on it is ended with the test."""
    made = Stage(tmp_path / "keys")
    yield made
    for task in reversed(made.serving):
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    made.close()


async def test_a_second_agent_with_one_key_is_refused_and_both_are_told(stage: Stage) -> None:
    """The one that was there keeps its name and its runs, and learns of the other; the other learns why, and leaves."""
    stage.agent()
    await until(lambda: bool(stage.route))
    first = stage.route
    _, second = stage.agent()
    with pytest.raises(WorldError, match=r"another agent with the key of edge-1 is connected \(127.0.0.1, pid \d+"):
        await asyncio.wait_for(second, 30)
    await until(lambda: bool(stage.notices))
    assert "a second agent with the key of edge-1 wanted to connect (127.0.0.1, pid" in stage.notices[0]
    assert (first, [], 1) == (stage.route, stage.heard, stage.refusals.counts[Refusal.SECOND])


async def test_an_agent_that_was_killed_and_started_again_is_welcome_at_once(stage: Stage) -> None:
    """Its predecessor's connection has ended: nobody waits for an answer of it."""
    spoke, killed = stage.agent()
    await until(lambda: bool(stage.route))
    killed.cancel()
    await asyncio.gather(killed, return_exceptions=True)
    spoke.close()
    before, began_ns = stage.route, CLOCK.monotonic_ns()
    stage.agent()
    await until(lambda: stage.route not in ("", before))
    assert CLOCK.monotonic_ns() - began_ns < ANSWER_NS
    assert ["edge-1 was started again"] == [getattr(message, "cause", "").split(";")[0] for message in stage.heard]
    assert 0 == stage.refusals.counts[Refusal.SECOND]


async def test_an_agent_that_connects_again_is_welcome_at_once(stage: Stage) -> None:
    """A network that was cut and is whole again changes nothing: it is the same process, which goes on."""
    async with Injector().before(stage.place) as network:
        spoke = ZmqSpoke(network.address, "edge-1", stage.agent_keys)
        _, serving = stage.agent(spoke)
        await until(lambda: bool(stage.route))
        before, began_ns = stage.route, CLOCK.monotonic_ns()
        network.cut()
        await until(lambda: AgentReturned() in stage.heard)
        assert CLOCK.monotonic_ns() - began_ns < ANSWER_NS
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
        spoke.close()
    assert (before, [AgentReturned()], 0) == (stage.route, stage.heard, stage.refusals.counts[Refusal.SECOND])


class Asked:
    """An agent as `answers` sees it: asked so often, with so many messages sent."""

    def __init__(self, sends: Callable[[int], int], gone_after: int = 1000) -> None:
        """`sends` tells how many messages have come by a time since the first question."""
        self.clock = FakeClock()
        self._began_ns = self.clock.monotonic_ns()
        self._sends = sends
        self._gone_after = gone_after
        self.asked = 0

    async def ask(self) -> None:
        """Count; once asked often enough its connection is gone."""
        self.asked += 1
        if self.asked > self._gone_after:
            raise WorldError("no such peer")

    def heard(self) -> int:
        """What has come."""
        return self._sends(self.clock.monotonic_ns() - self._began_ns)

    async def answers(self) -> tuple[bool, int]:
        """Whether it does, and how long that took to find out."""
        task = asyncio.create_task(answers(self.ask, self.heard, self.clock))
        await asyncio.sleep(0)
        while not task.done():
            self.clock.advance(ASK_NS)
            await asyncio.sleep(0)
        return task.result(), self.clock.monotonic_ns() - self._began_ns


async def test_an_agent_that_answers_is_known_to_live_soon() -> None:
    """It is believed once what it sent cannot have been on its way before it was asked."""
    lives, took_ns = await Asked(lambda ns: ns // ASK_NS).answers()
    assert lives
    assert UNDER_WAY_NS < took_ns <= UNDER_WAY_NS + 2 * ASK_NS


async def test_what_was_under_way_is_no_sign_of_life() -> None:
    """A killed agent's last words come after its death; when its connection has ended it is known to be gone."""
    assert (False, 2 * ASK_NS) == await Asked(lambda ns: min(2, ns // ASK_NS), gone_after=2).answers()


async def test_an_agent_that_says_nothing_is_waited_for() -> None:
    """A host that lost its power ends no connection: its successor waits so long and no longer."""
    assert (False, ANSWER_NS) == await Asked(lambda _ns: 0).answers()
