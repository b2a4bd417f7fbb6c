"""An agent hub on TCP, under attack: nothing hostile has an effect, all is counted, honest agents notice nothing."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.hostile import Site, Storm, until

from plctl.common.base.clock import FakeClock, clock_identity
from plctl.common.base.log import Event, make_log
from plctl.common.protocol import messages as m
from plctl.common.protocol import presence as ps
from plctl.common.protocol import wire
from plctl.common.transport.hub_and_spoke import ZmqSpoke
from plctl.common.transport.refusals import Refusal, Refusals
from plctl.controller.hub.agent_hub import AgentHub
from plctl.controller.hub.second_agent import ANSWER_NS, ASK_NS

MESSAGES = 20_000


class Battlefield(Site):
    """An agent hub with run `r` on edge-1, and its log."""

    def __init__(self, folder: Path) -> None:
        self.clock = FakeClock()
        self.log: list[Event] = []
        super().__init__(folder, Refusals(self.clock, make_log(self.log.append, self.clock, host="controller")))
        self.agent_hub = AgentHub(self.hub, self.clock, "c", self.refusals)
        self.heard: list[tuple[str, object]] = []
        self.agent_hub.listen("r", ["edge-1"], self._hear)

    def _hear(self, host: str, message: object, _reply_to: int) -> None:
        self.heard.append((host, message))

    async def join(self, name: str, pid: int = 1) -> ZmqSpoke:
        """The end of the agent `name` after HELLO and WELCOME."""
        spoke = self.spoke(self.enroll(name))
        await say(spoke, m.Hello(name, "0.1.0", pid, clock_identity()))
        assert isinstance(await answer(spoke), m.Welcome)
        return spoke


@pytest.fixture
async def field(tmp_path: Path) -> AsyncIterator[Battlefield]:
    """A serving agent hub on TCP."""
    field = Battlefield(tmp_path / "keys")
    serving = asyncio.create_task(field.agent_hub.serve())
    yield field
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
    field.close()


async def say(spoke: ZmqSpoke, message: m.Message, epoch: str = "r") -> None:
    """Send `message` as an agent would."""
    await spoke.send(m.encode(m.Envelope(message, epoch=epoch)))


async def answer(spoke: ZmqSpoke) -> m.Message:
    """What the controller says next."""
    return m.decode(await asyncio.wait_for(spoke.receive(), 60), "controller").message


async def test_another_version_is_answered_by_both_versions(field: Battlefield) -> None:
    """An agent of another version is not left in silence."""
    spoke = field.spoke(field.enroll("edge-1"))
    await spoke.send(wire.pack({"v": 9, "type": "hello", "body": {}}))
    refused = await answer(spoke)
    assert isinstance(refused, m.Refused)
    assert f"protocol version 9; this side speaks {m.PROTOCOL_VERSION}" in refused.cause
    assert {Refusal.VERSION: 1} == field.refusals.counts


async def test_hello_must_be_under_ones_own_name(field: Battlefield) -> None:
    """HELLO with another's name is refused by both names, and nobody joins."""
    spoke = field.spoke(field.enroll("mallory"))
    await say(spoke, m.Hello("edge-1", "0.1.0", 1, clock_identity()))
    assert await answer(spoke) == m.Refused("HELLO says 'edge-1', but the key is for mallory")
    assert not field.agent_hub.agents


async def test_only_the_agents_of_a_run_have_a_say_in_it(field: Battlefield) -> None:
    """What another enrolled agent says of a run, or any of a run that is over, reaches no run."""
    mallory, edge = await field.join("mallory"), await field.join("edge-1")
    await say(mallory, m.Prepared(()))
    await say(edge, m.Prepared(()), epoch="over")
    await until(lambda: field.refusals.counts[Refusal.EPOCH] == 2)
    assert field.heard == []


async def test_a_replaced_connection_is_heard_no_more(field: Battlefield) -> None:
    """Of two processes with one key the second is the agent once the first does not answer, which then learns of it."""
    first = await field.join("edge-1")
    second = field.spoke(field.keys("edge-1"))
    await say(second, m.Hello("edge-1", "0.1.0", 2, clock_identity()))
    for _ in range(ANSWER_NS // ASK_NS):
        assert await answer(first) == ps.Heartbeat(answer=True)
        field.clock.advance(ASK_NS)
    assert isinstance(await answer(second), m.Welcome)
    await say(first, m.Prepared(()))
    said = await answer(first)
    assert isinstance(said, m.Refused)
    assert "while this agent could not be reached, another with the key of edge-1 took its place" in said.cause
    assert 1 == field.refusals.counts[Refusal.STRANGER]
    assert ["AgentLost"] == [type(message).__name__ for _, message in field.heard]


async def test_a_storm_of_hostile_messages_changes_nothing(field: Battlefield) -> None:
    """20 000 messages of all kinds and connections of all kinds: each is counted, and honest work goes on."""
    edge = await field.join("edge-1")
    storm = Storm(field, MESSAGES)
    working = asyncio.create_task(_work(edge, 200))
    expected = await storm.rage()
    await working
    await until(lambda: field.refusals.counts.total() >= expected.total())
    assert expected == field.refusals.counts
    assert [("edge-1", m.Events(n, ())) for n in range(1, 201)] == field.heard
    assert {"edge-1"} == field.agent_hub.agents.keys()
    assert 0 == field.agent_hub.agents["edge-1"].missing
    who = Counter((event["peer"], event["address"]) for event in field.log)
    assert who.total() == len(who), "a peer was logged twice within a minute"


async def _work(edge: ZmqSpoke, reports: int) -> None:
    """Report and wait for each acknowledgement."""
    for number in range(1, reports + 1):
        await say(edge, m.Events(number, ()))
        assert await answer(edge) == m.Ack(number)
