"""The controller's end of its agents: who is listened to, what is acknowledged, who counts as lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from plctl.common.base.clock import ClockIdentity, FakeClock
from plctl.common.base.errors import WorldError
from plctl.common.plan.run_plan import LinkPlan, RunPlan
from plctl.common.plan.run_request import LinkRequest, RunRequest
from plctl.common.protocol import messages as m
from plctl.common.protocol import presence as ps
from plctl.common.protocol import requests as rq
from plctl.common.protocol import wire
from plctl.common.protocol.older import OLDER
from plctl.common.scenario.schedule import Row, Schedule
from plctl.common.transport.hub_and_spoke import LocalHub, LocalSpoke, Peer
from plctl.common.transport.refusals import Refusal
from plctl.controller.hub.agent_hub import CHECK_NS, LARGE_BYTES, SILENCE_NS, AgentHub
from plctl.controller.hub.presence import AgentLost, AgentReturned, AgentSilent, ReportsForgotten

HELLO = m.Hello("edge-1", "0.1.0", 11, ClockIdentity("b", "t"))


class Fixture:
    """An agent hub, an agent's end, and what run `r` was told."""

    def __init__(self) -> None:
        self.hub = LocalHub()
        self.clock = FakeClock()
        self.agent_hub = AgentHub(self.hub, self.clock, "c")
        self.spoke: LocalSpoke = self.hub.spoke("edge-1")
        self.heard: list[tuple[str, object]] = []
        self.serving: asyncio.Task[None]
        self.agent_hub.listen("r", ["edge-1"], self._hear)
        self.changes: list[tuple[str, ...]] = []
        self.agent_hub.set_presence_listener(lambda *change: self.changes.append(change))

    def _hear(self, host: str, message: object, _reply_to: int) -> None:
        self.heard.append((host, message))

    async def say(self, message: m.Message, epoch: str = "r") -> None:
        """What the agent sends."""
        await self.spoke.send(m.encode(m.Envelope(message, epoch=epoch)))

    async def answer(self) -> m.Message:
        """What the agent gets."""
        data = await asyncio.wait_for(self.spoke.receive(), 10)
        return m.decode(data, "controller").message


@pytest.fixture
async def stage() -> AsyncIterator[Fixture]:
    """A running agent hub."""
    fixture = Fixture()
    fixture.serving = asyncio.create_task(fixture.agent_hub.serve())
    yield fixture
    fixture.serving.cancel()
    await asyncio.gather(fixture.serving, return_exceptions=True)


async def test_a_stranger_is_not_heard(stage: Fixture) -> None:
    """Before HELLO nothing an agent says reaches a run; after it everything does."""
    await stage.say(m.Released())
    await stage.say(HELLO)
    assert isinstance(await stage.answer(), m.Welcome)
    await stage.say(m.Events(1, ()))
    assert await stage.answer() == m.Ack(1)
    assert stage.heard == [("edge-1", m.Events(1, ()))]


async def test_reports_are_taken_once_and_in_order(stage: Fixture) -> None:
    """One that comes twice has one effect and is acknowledged again; one that comes too early has none."""
    await stage.say(HELLO)
    await stage.answer()
    for number, acknowledged in ((1, 1), (1, 1), (4, 1), (2, 2), (3, 3), (4, 4)):
        await stage.say(m.Events(number, ()))
        assert m.Ack(acknowledged) == await stage.answer()
    assert [1, 2, 3, 4] == [message.number for _, message in stage.heard if isinstance(message, m.Events)]
    assert 0 == stage.agent_hub.agents["edge-1"].missing


async def test_what_an_agent_let_go_is_known(stage: Fixture) -> None:
    """A gap skips the numbers that it names, once, and counts them; one further on skips nothing."""
    await stage.say(HELLO)
    await stage.answer()
    for gap, acknowledged in ((m.Gap(9, 5), 0), (m.Gap(3, 1), 3), (m.Gap(4, 2), 4), (m.Gap(4, 2), 4)):
        await stage.say(gap)
        assert m.Ack(acknowledged) == await stage.answer()
    assert 4 == stage.agent_hub.agents["edge-1"].missing


async def test_a_run_hears_of_reports_that_were_acknowledged_and_are_not_known(stage: Fixture) -> None:
    """What an agent let go it has told its runs itself; that a journal has lost something nobody else can tell."""
    await stage.say(HELLO)
    await stage.answer()
    for gap in (m.Gap(2, 1), m.Gap(5, 3, forgotten=True), m.Gap(5, 3, forgotten=True)):
        await stage.say(gap)
        await stage.answer()
    (told,) = [message for _, message in stage.heard]
    assert isinstance(told, ReportsForgotten)
    assert "3 reports of edge-1 were acknowledged once, and the controller's journal has lost them" == told.cause


async def test_nonsense_is_refused_and_counted(stage: Fixture) -> None:
    """Bytes that are no message, and messages that an agent may not send, change nothing but a counter."""
    await stage.say(HELLO)
    await stage.answer()
    await stage.spoke.send(b"\xc1")
    await stage.say(m.Release())
    await stage.say(m.Events(1, ()))
    await stage.answer()
    assert {Refusal.MALFORMED: 1, Refusal.FORBIDDEN: 1} == stage.agent_hub.refusals.counts


async def test_a_reconnecting_agent_learns_what_arrived(stage: Fixture) -> None:
    """HELLO from the same process is answered with the last number, so that it sends only the rest."""
    await stage.say(HELLO)
    await stage.answer()
    await stage.say(m.Events(1, ()))
    await stage.answer()
    await stage.say(HELLO)
    welcome = await stage.answer()
    assert isinstance(welcome, m.Welcome)
    assert welcome.acknowledged == 1
    assert [m.Events(1, ()), AgentReturned()] == [message for _, message in stage.heard]


async def test_another_process_of_the_same_name_has_lost_the_run(stage: Fixture) -> None:
    """An agent that was started again cannot hold what its predecessor built: the run hears of the loss, and since when
    nothing was heard; also that it was the whole host, whose boot id is then another."""
    await stage.say(HELLO)
    await stage.answer()
    await stage.say(m.Hello("edge-1", "0.1.0", 12, HELLO.clock))
    await stage.answer()
    again = "edge-1 was started again; last heard 0 ns before it came back"
    assert stage.heard == [("edge-1", AgentLost(again))]
    await stage.say(m.Hello("edge-1", "0.1.0", 13, ClockIdentity("another boot", HELLO.clock.time_namespace)))
    await stage.answer()
    again = "the host of edge-1 was started again; last heard 0 ns before it came back"
    assert stage.heard[1:] == [("edge-1", AgentLost(again))]


async def test_silence_is_told_and_so_is_return(stage: Fixture) -> None:
    """An agent that says nothing for the whole silence cannot be told anything, until a word of it is heard."""
    await stage.say(HELLO)
    await stage.answer()
    said_ns = stage.clock.monotonic_ns()
    while not stage.heard:
        stage.clock.advance(CHECK_NS)
        await asyncio.sleep(0)
    assert stage.clock.monotonic_ns() - said_ns <= SILENCE_NS + 2 * CHECK_NS
    with pytest.raises(WorldError, match="cannot reach edge-1: it is not here"):
        await stage.agent_hub.send_command("edge-1", m.Release(), "r", 1)
    await stage.say(m.Events(1, ()))
    assert m.Ack(1) == await stage.answer()
    expected = [AgentSilent("edge-1 has sent nothing for 10 s"), AgentReturned(), m.Events(1, ())]
    assert expected == [message for _, message in stage.heard]
    silent = ("silent", "edge-1", "local", "edge-1 has sent nothing for 10 s")
    assert [("connected", "edge-1", "local", ""), silent, ("returned", "edge-1", "local", "")] == stage.changes


async def test_a_controller_that_was_stopped_blames_nobody(stage: Fixture) -> None:
    """Agents cannot be heard while the controller itself does not run: that is no silence of theirs."""
    await stage.say(HELLO)
    await stage.answer()
    for _ in range(5):
        stage.clock.advance(10 * SILENCE_NS)
        await asyncio.sleep(0)
        stage.clock.advance(CHECK_NS)
        await asyncio.sleep(0)
    assert [] == stage.heard
    assert stage.agent_hub.agents["edge-1"].here


async def test_who_speaks_is_not_silent_however_long_his_words_must_wait(stage: Fixture) -> None:
    """A controller that lags behind what it has read knows that its agents are there."""
    await stage.say(HELLO)
    await stage.answer()
    turns = 3 * SILENCE_NS // CHECK_NS
    for number in range(1, 100 * turns):
        await stage.say(m.Events(number, ()))
    for number in range(100 * turns, 101 * turns):
        await stage.say(m.Events(number, ()))
        stage.clock.advance(CHECK_NS)
        await asyncio.sleep(0)
    assert 1 < len(stage.heard) < 100 * turns, "nothing had to wait"
    assert not any(isinstance(message, AgentSilent | AgentReturned) for _, message in stage.heard)


async def test_a_query_is_answered_with_the_clock(stage: Fixture) -> None:
    """The answer quotes the query and holds the controller's clock when it came and when the answer left."""
    await stage.say(HELLO)
    await stage.answer()
    await stage.say(ps.ClockQuery(7), epoch="")
    now_ns = stage.clock.monotonic_ns()
    assert ps.ClockReply(7, now_ns, now_ns) == await stage.answer()


async def test_the_last_status_is_kept(stage: Fixture) -> None:
    """How an agent is, is what it said last."""
    await stage.say(HELLO)
    await stage.answer()
    for waiting in (1, 2):
        await stage.say(ps.Status(-5, 6, "exchanges", 7, waiting, 8), epoch="")
    await stage.say(m.Events(1, ()))
    await stage.answer()
    assert ps.Status(-5, 6, "exchanges", 7, 2, 8) == stage.agent_hub.agents["edge-1"].status


async def test_who_left_is_not_heard_until_it_says_hello(stage: Fixture) -> None:
    """After GOODBYE a connection has nothing to say."""
    for message in (HELLO, m.Goodbye(), m.Events(1, ()), HELLO, m.Events(1, ())):
        await stage.say(message)
    assert [m.Welcome, m.Welcome, m.Ack] == [type(await stage.answer()) for _ in range(3)]
    assert {Refusal.STRANGER: 1} == stage.agent_hub.refusals.counts


async def test_what_was_not_committed_is_not_acknowledged(stage: Fixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """An agent hub whose journal cannot be written ends, and the agent keeps what it has."""

    def refuse() -> None:
        raise WorldError("the disk is full")

    await stage.say(HELLO)
    await stage.answer()
    monkeypatch.setattr(stage.agent_hub.journal, "commit", refuse)
    await stage.say(m.Events(1, ()))
    with pytest.raises(WorldError, match="the disk is full"):
        await asyncio.wait_for(stage.serving, 10)
    assert stage.spoke.inbox.empty()


async def test_a_welcome_acknowledges_only_what_was_committed(stage: Fixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """A report and a HELLO of one moment: WELCOME names the report's number, and the journal has kept it by then."""
    kept = [0]
    commit = stage.agent_hub.journal.commit

    def committed() -> None:
        commit()
        kept.append(stage.agent_hub.journal.agents()[0].acknowledged)

    async def check(peer: Peer, data: bytes) -> None:
        message = m.decode(data, "controller").message
        if isinstance(message, m.Welcome):
            assert kept[-1] == message.acknowledged
        await send(peer, data)

    await stage.say(HELLO)
    await stage.answer()
    send = stage.hub.send
    monkeypatch.setattr(stage.agent_hub.journal, "commit", committed)
    monkeypatch.setattr(stage.hub, "send", check)
    await stage.say(m.Events(1, ()))
    await stage.say(HELLO)
    answers = [await stage.answer() for _ in range(2)]
    assert [1] == [answer.acknowledged for answer in answers if isinstance(answer, m.Welcome)]


async def test_a_new_agent_hub_knows_what_the_last_one_acknowledged(stage: Fixture) -> None:
    """With the same journal: the same process of the agent goes on, and sends only what was not acknowledged."""
    await stage.say(HELLO)
    await stage.answer()
    for number in (1, 2, 3):
        await stage.say(m.Events(number, ()))
        assert m.Ack(number) == await stage.answer()
    successor = AgentHub(stage.hub, stage.clock, "c", journal=stage.agent_hub.journal)
    assert [("edge-1", 3, False)] == [(n, a.acknowledged, a.here) for n, a in successor.agents.items()]
    assert successor.agents["edge-1"].hello == HELLO
    stranger = Peer("edge-1", route="edge-1/other")
    stage.agent_hub.journal.saw_agent("edge-1", stranger.route, HELLO, "now")
    assert 0 == stage.agent_hub.journal.agents()[0].acknowledged


async def test_goodbye_is_loss_with_a_cause(stage: Fixture) -> None:
    """An agent that leaves says why, and the run hears it."""
    await stage.say(HELLO)
    await stage.answer()
    await stage.say(m.Goodbye("SIGTERM"))
    while not stage.heard:
        await asyncio.sleep(0)
    assert stage.heard == [("edge-1", AgentLost("edge-1 left: SIGTERM"))]
    assert ("gone", "edge-1", "local", "edge-1 left: SIGTERM") == stage.changes[-1]


async def test_telling_nobody_is_an_error(stage: Fixture) -> None:
    """A command to an agent that is not there is an error for the caller, not silence."""
    with pytest.raises(WorldError, match="cannot reach edge-9"):
        await stage.agent_hub.send_command("edge-9", m.Release(), "r", 1)


async def test_a_request_does_not_wait_behind_what_agents_said(stage: Fixture) -> None:
    """However much of it there is: the request is read at once, and answered before most of that is handled."""
    requested: list[int] = []

    async def handler(_peer: Peer, _envelope: m.Envelope) -> None:
        requested.append(len(stage.heard))

    stage.agent_hub.set_request_handler(handler)
    client = stage.hub.spoke("ada", "operator")
    await stage.say(HELLO)
    for number in range(1, 1001):
        await stage.say(m.Events(number, ()))
    await client.send(m.encode(m.Envelope(rq.ListAgents(), id=1)))
    async with asyncio.timeout(10):
        while len(stage.heard) < 1000:
            await asyncio.sleep(0)
    assert [True] == [heard < 10 for heard in requested]


async def test_a_large_request_holds_up_no_small_one(stage: Fixture) -> None:
    """It is decoded beside everything else, and refused as any other where it is nonsense."""
    requested: asyncio.Queue[str] = asyncio.Queue()

    async def handler(_peer: Peer, envelope: m.Envelope) -> None:
        requested.put_nowait(type(envelope.message).__name__)

    stage.agent_hub.set_request_handler(handler)
    client = stage.hub.spoke("ada", "operator")
    schedule = Schedule((Row(0, 0, 1, 10**6),))
    links = tuple(LinkRequest(LinkPlan(f"l{number}", schedule, schedule)) for number in range(3_000))
    large = m.encode(m.Envelope(rq.Submit(RunRequest("r", 1, links, 1)), id=1))
    assert len(large) >= LARGE_BYTES
    await client.send(large)
    await client.send(b"\xc1" * LARGE_BYTES)
    await client.send(m.encode(m.Envelope(rq.ListAgents(), id=2)))
    await client.send(large)
    await client.send(m.encode(m.Envelope(rq.ListAgents(), id=3)))
    async with asyncio.timeout(30):
        assert ["Submit", "ListAgents", "ListAgents", "Submit"] == [await requested.get() for _ in range(4)]
    assert {Refusal.MALFORMED: 1} == stage.agent_hub.refusals.counts


async def test_an_agent_of_the_version_before_is_served_in_its_words(stage: Fixture) -> None:
    """Welcome, acknowledgements and commands come in version 2; one that has no words for a command is named."""
    older = m.Envelope(HELLO, version=OLDER)
    await stage.spoke.send(m.encode(older))
    plain = wire.unpack(await stage.spoke.receive())
    assert isinstance(plain, dict)
    assert (OLDER, "welcome") == (plain["v"], plain["type"])
    schedule = Schedule((Row(0, 0, 1, 1),))
    plan = RunPlan("r", 1, (LinkPlan("x", schedule, schedule, packets=True, capture_bytes=64),))
    with pytest.raises(WorldError, match=r"edge-1 runs plctl 0\.1\.0, which does not know LinkPlan\.capture_bytes"):
        await stage.agent_hub.send_command("edge-1", m.Prepare(plan), "r", 5)
    await stage.say(HELLO)
    plain = wire.unpack(await stage.spoke.receive())
    assert isinstance(plain, dict)
    assert m.PROTOCOL_VERSION == plain["v"], "it was upgraded"


async def test_an_agent_of_the_version_before_is_known_as_such_from_its_first_word(stage: Fixture) -> None:
    """A controller that was started again is heard to by agents before they say HELLO; what it tells them must suit."""
    await stage.spoke.send(m.encode(m.Envelope(HELLO, version=OLDER)))
    await stage.spoke.receive()
    stage.agent_hub._older.clear()  # as after a new start
    stage.agent_hub.agents["edge-1"].presence = "silent"
    await stage.spoke.send(m.encode(m.Envelope(ps.Status(0, 0, "", 0, 0, 0), version=OLDER)))
    while not stage.heard:
        await asyncio.sleep(0)
    await stage.agent_hub.send_command("edge-1", m.Release(), "r", 5)
    assert OLDER == m.version_of(await stage.spoke.receive())
