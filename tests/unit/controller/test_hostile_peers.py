"""A switchboard on TCP, under attack: nothing hostile has an effect, all is counted, honest agents notice nothing."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import zmq.asyncio
from hostile import GIGABYTE, GREETING, Injector, Site, say_raw, until

from plctl.common import messages as m
from plctl.common import wire
from plctl.common.clock import FakeClock, clock_identity
from plctl.common.keys import KeyPair
from plctl.common.log import Event, make_log
from plctl.common.refusals import Refusal, Refusals
from plctl.common.transport import ZmqSpoke
from plctl.controller.switchboard import Switchboard

MESSAGES = 20_000
CONNECTIONS = 20  #: of each hostile kind
CUTS = 3  #: connections in which 1 GB is claimed; each takes a second to be judged


class Battlefield(Site):
    """A switchboard with run `r` on edge-1, and its log."""

    def __init__(self, folder: Path) -> None:
        self.clock = FakeClock()
        self.log: list[Event] = []
        super().__init__(folder, Refusals(self.clock, make_log(self.log.append, self.clock, host="controller")))
        self.board = Switchboard(self.hub, self.clock, "c", self.refusals)
        self.heard: list[tuple[str, object]] = []
        self.board.listen("r", ["edge-1"], self._hear)

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
    """A serving switchboard on TCP."""
    field = Battlefield(tmp_path / "keys")
    serving = asyncio.create_task(field.board.serve())
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
    await spoke.send(wire.pack({"v": 2, "type": "hello", "body": {}}))
    refused = await answer(spoke)
    assert isinstance(refused, m.Refused)
    assert "protocol version 2; this side speaks 1" in refused.cause
    assert {Refusal.VERSION: 1} == field.refusals.counts


async def test_hello_must_be_under_ones_own_name(field: Battlefield) -> None:
    """HELLO with another's name is refused by both names, and nobody joins."""
    spoke = field.spoke(field.enroll("mallory"))
    await say(spoke, m.Hello("edge-1", "0.1.0", 1, clock_identity()))
    assert await answer(spoke) == m.Refused("HELLO says 'edge-1', but the key is for mallory")
    assert not field.board.agents


async def test_only_the_agents_of_a_run_have_a_say_in_it(field: Battlefield) -> None:
    """What another enrolled agent says of a run, or any of a run that is over, reaches no run."""
    mallory, edge = await field.join("mallory"), await field.join("edge-1")
    await say(mallory, m.Prepared(()))
    await say(edge, m.Prepared(()), epoch="over")
    await until(lambda: field.refusals.counts[Refusal.EPOCH] == 2)
    assert field.heard == []


async def test_a_replaced_connection_is_heard_no_more(field: Battlefield) -> None:
    """Of two processes with one key the one that said HELLO last is the agent."""
    first = await field.join("edge-1")
    second = field.spoke(field.keys("edge-1"))
    await say(second, m.Hello("edge-1", "0.1.0", 2, clock_identity()))
    await answer(second)
    await say(first, m.Prepared(()))
    await until(lambda: field.refusals.counts[Refusal.STRANGER] == 1)
    assert ["Lost"] == [type(message).__name__ for _, message in field.heard]


async def test_a_storm_of_hostile_messages_changes_nothing(field: Battlefield) -> None:
    """20 000 messages of all kinds and connections of all kinds: each is counted, and honest work goes on."""
    edge = await field.join("edge-1")
    storm = Storm(field)
    working = asyncio.create_task(_work(edge, 200))
    expected = await storm.rage()
    await working
    await until(lambda: field.refusals.counts.total() >= expected.total())
    assert expected == field.refusals.counts
    assert [("edge-1", m.Events(n, ())) for n in range(1, 201)] == field.heard
    assert {"edge-1"} == field.board.agents.keys()
    assert 0 == field.board.agents["edge-1"].missing
    who = Counter((event["peer"], event["address"]) for event in field.log)
    assert who.total() == len(who), "a peer was logged twice within a minute"


async def _work(edge: ZmqSpoke, reports: int) -> None:
    """Report and wait for each acknowledgement."""
    for number in range(1, reports + 1):
        await say(edge, m.Events(number, ()))
        assert await answer(edge) == m.Ack(number)


class Storm:
    """Everything hostile at once; mallory is an enrolled agent, eve a viewer."""

    def __init__(self, field: Battlefield) -> None:
        self._field = field
        self._random = random.Random(7)
        self._mallory, self._eve = field.enroll("mallory").pair, field.enroll("eve", "viewer").pair
        self._expected: Counter[Refusal] = Counter()

    async def rage(self) -> Counter[Refusal]:
        """Send it all; what must be counted."""
        await asyncio.gather(self._messages(), self._connections(), self._too_long())
        return self._expected

    def _kinds(self) -> list[tuple[Refusal, zmq.asyncio.Socket, list[bytes]]]:
        mallory = self._field.dealer(self._mallory, b"mallory/1")
        thief = self._field.dealer(self._mallory, b"edge-1/" + b"0" * 32)
        eve = self._field.dealer(self._eve, b"eve/1")
        events = m.encode(m.Envelope(m.Events(10**9, ()), epoch="r"))
        release = m.encode(m.Envelope(m.Release(), id=1, epoch="r"))
        plain = wire.unpack(events)
        assert isinstance(plain, dict)
        return [
            (Refusal.MALFORMED, mallory, [self._random.randbytes(50) + b"\xc1"]),
            (Refusal.MALFORMED, mallory, [b"\xdd\xff\xff\xff\xff"]),  # a list of 4 billion items
            (Refusal.MALFORMED, mallory, [b"\xc6\x3b\x9a\xca\x00"]),  # bytes of 1 GB
            (Refusal.MALFORMED, mallory, [b"\x91" * 5000]),  # deep nesting
            (Refusal.MALFORMED, mallory, [wire.pack({**plain, "more": 1})]),
            (Refusal.MALFORMED, mallory, [wire.pack({**plain, "body": {"number": "1", "events": []}})]),
            (Refusal.FORBIDDEN, mallory, [release]),
            (Refusal.FORBIDDEN, mallory, [wire.pack({**plain, "type": "__class__"})]),
            (Refusal.FORBIDDEN, eve, [events]),
            (Refusal.FORBIDDEN, eve, [release]),
            (Refusal.VERSION, mallory, [wire.pack({**plain, "v": 0})]),
            (Refusal.STRANGER, mallory, [events]),
            (Refusal.FRAMES, mallory, [events, events]),
            (Refusal.NAME, thief, [events]),
        ]

    async def _messages(self) -> None:
        kinds = self._kinds()
        for _ in range(MESSAGES):
            why, sender, frames = self._random.choice(kinds)
            self._expected[why] += 1
            await sender.send_multipart(frames)

    async def _connections(self) -> None:
        field = self._field
        for n in range(CONNECTIONS):
            field.dealer(KeyPair.generate("edge-1", "agent"), b"edge-1/%d" % n)
            field.dealer(None, b"edge-1/%d" % n)
            field.dealer(self._mallory, b"mallory/%d" % n, KeyPair.generate("c", "controller").public)
            await asyncio.to_thread(say_raw, field.place, GREETING + GIGABYTE)
            await asyncio.to_thread(say_raw, field.place, b"GET / HTTP/1.1\r\n\r\n" * 10)
        self._expected[Refusal.KEY] += CONNECTIONS
        self._expected[Refusal.HANDSHAKE] += 4 * CONNECTIONS

    async def _too_long(self) -> None:
        """1 GB claimed inside an authenticated connection, once that has been heard."""
        counts = self._field.refusals.counts
        for n in range(CUTS):
            async with Injector().before(self._field.place) as injector:
                dealer = self._field.dealer(self._eve, b"eve/cut%d" % n, address=injector.address)
                await dealer.send(wire.pack({"v": 7}))
                self._expected[Refusal.VERSION] += 1
                await asyncio.wait_for(dealer.recv(), 60)  # heard and answered
                injector.inject(GIGABYTE)
                self._expected[Refusal.CUT] += 1
                await until(lambda: counts[Refusal.CUT] == self._expected[Refusal.CUT])
                dealer.close()
