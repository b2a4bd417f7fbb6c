"""The agent hub: the controller's end of all agents. It knows which are there, and passes their messages on to runs."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from dataclasses import replace
from typing import Any

from plctl.common.base.background import background, by_itself
from plctl.common.base.clock import Clock, clock_identity, format_wall
from plctl.common.base.errors import ForbiddenError, ProtocolError, VersionError, WorldError
from plctl.common.base.units import NS_PER_S, format_duration, three_digits
from plctl.common.clocks.wall_watch import WallWatch
from plctl.common.clocks.watch import ClockWatch
from plctl.common.protocol import messages as m
from plctl.common.protocol import presence as ps
from plctl.common.protocol.older import OLDER
from plctl.common.transport.hub_and_spoke import Hub, Peer
from plctl.common.transport.refusals import Refusal, Refusals
from plctl.controller.hub import second_agent
from plctl.controller.hub.backlog import Backlog, Received
from plctl.controller.hub.journal import AgentEntry, Journal
from plctl.controller.hub.presence import (
    AgentLost,
    AgentRecord,
    AgentReturned,
    AgentSilent,
    PresenceChange,
    ReportsForgotten,
)
from plctl.controller.lifecycle.patience import exchange_gap_ns

#: An agent from which no message came for so long is silent.
SILENCE_NS = 10 * NS_PER_S
#: Messages of agents handled in one turn of the event loop. Those are acknowledged and committed together, so not one
#: by one, and not so many that requests would be delayed.
MESSAGES_A_TURN = 4
#: Requests from this size on are decoded beside everything else: a run of ten thousand links takes a second.
LARGE_BYTES = 2**18
#: The longest messages of kinds that are short, in bytes: what they say is kept, or shown.
_LONGEST: dict[type[Any], int] = {
    m.Hello: 2**18, ps.Status: 2**14, ps.ClockQuery: 2**10, m.Armed: 2**12, m.NotArmed: 2**16, m.Released: 2**12,
    m.Refused: 2**18, m.Goodbye: 2**16, m.Gap: 2**12,
}  # fmt: skip
#: Connections whose older version of the protocol is remembered; of more than so many the first speak again first.
_OLDER_MOST = 10_000
#: How often silence is looked for.
CHECK_NS = 1 * NS_PER_S
_CHANGES = {AgentReturned: "returned", AgentSilent: "silent", AgentLost: "gone", ReportsForgotten: "forgotten"}
#: What a run is told: (host, message or change of its presence, id of the command that the message answers).
Listener = Callable[[str, m.Message | PresenceChange, int], None]
#: Hears of an agent what changed (`connected`, `returned`, `silent`, `gone`, `forgotten`), its name, its address, and
#: the cause.
PresenceListener = Callable[[str, str, str, str], None]
#: What answers the requests of clients.
RequestHandler = Callable[[Peer, m.Envelope], Awaitable[None]]


class AgentHub:
    """All agents of one controller, and the connections that they share with clients. Run `serve` in the background."""

    def __init__(
        self, hub: Hub, clock: Clock, name: str, refusals: Refusals | None = None, journal: Journal | None = None
    ) -> None:
        """`refusals` are best the hub's own, so that all that had no effect is counted in one place.

        Agents that `journal` knows are expected back: what they hold, and what of their streams was handled, counts on.
        """
        self.journal = journal or Journal()
        self.agents = {entry.name: _expected(entry, clock.monotonic_ns()) for entry in self.journal.agents()}
        self.refusals = refusals or Refusals(clock)
        self._hub = hub
        self._clock = clock
        self.name = name
        self._listeners: dict[str, Listener] = {}
        self._hosts: dict[str, frozenset[str]] = {}
        self._joined = asyncio.Condition()
        self._unacknowledged: set[str] = set()  #: agents whose reports were handled but may not be kept yet
        self._handled = asyncio.Event()
        self._backlog = Backlog()
        self._request_handler: RequestHandler | None = None
        self._stray_listener: Callable[[str, str], None] = lambda _run, _host: None
        self._presence_listener: PresenceListener = lambda _what, _agent, _address, _cause: None
        self._large: asyncio.Task[None] | None = None  #: the large request that is being decoded
        self._clock_watch = ClockWatch()
        self._tasks: asyncio.TaskGroup  #: while it serves
        self._introducing: dict[str, asyncio.Lock] = {}  #: one at a time of each name
        self._let_in: set[str] = set()  #: routes of those whose predecessor did not answer
        self._wall = WallWatch(clock)
        self._older: OrderedDict[str, int] = OrderedDict()  #: routes of those who speak an older version, and which

    def set_request_handler(self, handler: RequestHandler) -> None:
        """Pass the requests of operators and viewers to `handler`."""
        self._request_handler = handler

    def set_stray_listener(self, listener: Callable[[str, str], None]) -> None:
        """`listener` hears of a run, and of a host that has it and no part in it that this hub knows of."""
        self._stray_listener = listener

    def set_presence_listener(self, listener: PresenceListener) -> None:
        """Tell `listener` of agents that come and go."""
        self._presence_listener = listener

    def listen(self, epoch: str, hosts: Collection[str], listener: Listener) -> None:
        """Pass the messages of the agents of `hosts` for run `epoch` to `listener`; others' are refused."""
        self._listeners[epoch] = listener
        self._hosts[epoch] = frozenset(hosts)

    def forget(self, epoch: str) -> None:
        """Run `epoch` is over."""
        self._listeners.pop(epoch, None)
        self._hosts.pop(epoch, None)

    async def send_command(self, host: str, message: m.Message, epoch: str, command: int, expires_ns: int = 0) -> None:
        """Send a command under the id `command`; agents carry it out once per id.

        :raises WorldError: the agent is not here.
        """
        await self._send(host, m.Envelope(message, id=command, epoch=epoch, expires_ns=expires_ns))

    async def answer(self, peer: Peer, envelope: m.Envelope) -> None:
        """Send a client the answer to its request.

        :raises WorldError: it is gone, or does not read.
        """
        await self._hub.send(peer, self._said(peer, envelope))

    async def wait_for(self, host: str) -> AgentRecord:
        """The record of agent `host`, once it is here."""
        async with self._joined:
            await self._joined.wait_for(lambda: host in self.agents and self.agents[host].here)
        return self.agents[host]

    async def serve(self) -> None:
        """Handle the messages of agents and clients, for ever.

        :raises WorldError: the journal cannot be written, so that nothing may be acknowledged any more.
        """
        works = (self._receive(), self._handle_backlog(), self._watch(), self._wall.keep(), self._acknowledge())
        async with background() as self._tasks:
            for work in works:
                self._tasks.create_task(work)
            await asyncio.Event().wait()  # for ever

    def refuse(self, host: str, why: Refusal, cause: str) -> None:
        """Count something that agent `host` said and that had no effect."""
        record = self.agents.get(host)
        self.refusals.add(why, record.peer.address if record else "", cause, host)

    def mark_gone(self, host: str, cause: str) -> None:
        """Agent `host` is gone, with all that it held: tell its runs."""
        record = self.agents.get(host)
        if record:
            record.presence = "gone"
            self._notify(host, AgentLost(cause))

    # --- what comes in

    async def _receive(self) -> None:
        """Requests are handled at once; messages of agents wait in the backlog, or requests would wait behind them.

        Of large requests one is taken at a time, so that no client fills the memory with them.
        """
        while True:
            peer, data = await self._hub.receive()
            received = Received(
                peer, data, self._clock.monotonic_ns()
            )  # as early as can be: it is t2 of a clock exchange
            self._note_version(peer, m.version_of(data))
            if peer.role == "agent":
                self._note_heartbeat(peer, received.at_ns)
                if not await self._backlog.put(received):
                    self._count(peer, Refusal.FLOOD, "more than an agent sends ahead of what is acknowledged")
            elif len(data) < LARGE_BYTES:
                await self._handle_received(received)
            else:
                if self._large:
                    await self._large
                self._large = self._tasks.create_task(self._handle_large(received))

    def _note_heartbeat(self, peer: Peer, now_ns: int) -> None:
        """Any message counts as a heartbeat, however long it must wait to be handled."""
        record = self.agents.get(peer.name)
        if record is None or record.peer.route != peer.route or record.presence == "gone":
            return
        record.received_ns = now_ns
        record.messages += 1
        if record.presence == "silent":
            record.presence = "here"
            self._notify(peer.name, AgentReturned())

    async def _handle_backlog(self) -> None:
        """A few messages in every turn of the event loop: more are read in each, so reading gets ahead."""
        while True:
            for _ in range(MESSAGES_A_TURN):
                await self._handle_received(await self._backlog.take())
            await asyncio.sleep(0)

    async def _handle_received(self, received: Received) -> None:
        try:
            envelope = m.decode(received.data, received.peer.role)
            if len(received.data) > _LONGEST.get(type(envelope.message), len(received.data)):
                raise ProtocolError(f"{type(envelope.message).__name__} of {len(received.data)} bytes")
            await self._handle(received.peer, envelope, received.at_ns)
        except ProtocolError as error:
            await self._refuse(received.peer, error)

    async def _handle_large(self, received: Received) -> None:
        try:
            envelope = await asyncio.to_thread(m.decode, received.data, received.peer.role)
            await self._handle(received.peer, envelope, received.at_ns)
        except ProtocolError as error:
            await self._refuse(received.peer, error)

    async def _refuse(self, peer: Peer, error: ProtocolError) -> None:
        """Count what the protocol does not allow; only who speaks another version of it is answered."""
        match error:
            case VersionError():
                self._count(peer, Refusal.VERSION, str(error))
                await self._turn_away(peer, str(error))
            case ForbiddenError():
                self._count(peer, Refusal.FORBIDDEN, str(error))
            case _:
                self._count(peer, Refusal.MALFORMED, str(error))

    async def _turn_away(self, peer: Peer, cause: str) -> None:
        with suppress(WorldError):
            await self._hub.send(peer, m.encode(m.Envelope(m.Refused(cause))))

    def _count(self, peer: Peer, why: Refusal, cause: str) -> None:
        self.refusals.add(why, peer.address, cause, peer.name)

    async def _handle(self, peer: Peer, envelope: m.Envelope, received_ns: int) -> None:
        if peer.role == "agent":
            await self._handle_agent(peer, envelope, received_ns)
        elif isinstance(envelope.message, m.Goodbye):
            self._hub.left(peer)
        elif not 0 < envelope.id < 2**63:
            self._count(peer, Refusal.MALFORMED, "a request without an id that it could be answered by")
        elif self._request_handler:
            await self._request_handler(peer, envelope)

    async def _handle_agent(self, peer: Peer, envelope: m.Envelope, received_ns: int) -> None:
        if isinstance(envelope.message, m.Hello):
            await self._introduce(peer, envelope.message)
        record = self.agents.get(peer.name)
        if record is None or record.peer.route != peer.route or record.presence == "gone":
            if not isinstance(envelope.message, m.Hello):
                await self._refuse_stranger(peer, record)
            return
        match envelope.message:
            case m.Hello():
                pass
            case ps.ClockQuery(t1_ns):
                await self._answer_clock_query(peer, t1_ns, received_ns)
            case ps.Status():
                record.status = envelope.message
            case m.Goodbye(cause):
                self._hub.left(peer)
                self.mark_gone(peer.name, f"{peer.name} left" + (f": {cause}" if cause else ""))
            case message if isinstance(message, m.Numbered):
                self._handle_report(record, envelope)
            case _:
                self._forward(peer, envelope)

    async def _refuse_stranger(self, peer: Peer, record: AgentRecord | None) -> None:
        self._count(peer, Refusal.STRANGER, "a message from a connection that has not said HELLO")
        if record and record.here and peer.route == record.replaced:
            second = second_agent.describe(record.peer, record.hello)
            await self._turn_away(peer, second_agent.replaced(peer.name, second))

    async def _introduce(self, peer: Peer, hello: m.Hello) -> None:
        """Welcome an agent; if it may be a second one with the same key, once the first does not answer."""
        known = self.agents.get(peer.name)
        may_be_second = known is not None and known.here and known.peer.route != peer.route
        if hello.agent != peer.name or not may_be_second or peer.route in self._let_in:
            self._let_in.discard(peer.route)
            await self._welcome(peer, hello)
        else:
            self._tasks.create_task(by_itself(self._introduce_second(peer, hello), "the introduction of an agent"))

    async def _introduce_second(self, peer: Peer, hello: m.Hello) -> None:
        async with self._introducing.setdefault(peer.name, asyncio.Lock()):
            known = self.agents[peer.name]
            if await self._answers(known):
                await self._refuse_second(known, peer, hello)
            else:
                self._let_in.add(peer.route)
                await self._backlog.put(Received(peer, m.encode(m.Envelope(hello)), self._clock.monotonic_ns()))

    async def _answers(self, known: AgentRecord) -> bool:
        async def ask() -> None:
            if self.agents[known.peer.name] is not known or not known.here:
                raise WorldError(f"{known.peer.name} has left")
            await self._hub.send(known.peer, m.encode(m.Envelope(ps.Heartbeat(answer=True))))

        return await second_agent.answers(ask, lambda: known.messages, self._clock)

    async def _refuse_second(self, known: AgentRecord, peer: Peer, hello: m.Hello) -> None:
        second = second_agent.describe(peer, hello)
        cause = second_agent.refusal(peer.name, second_agent.describe(known.peer, known.hello), second)
        self._count(peer, Refusal.SECOND, cause)
        await self._turn_away(peer, cause)
        notice = ps.Heartbeat(notice=second_agent.notice(peer.name, second))
        await self._try_to_send(peer.name, m.Envelope(notice))

    async def _welcome(self, peer: Peer, hello: m.Hello) -> None:
        if hello.agent != peer.name:
            cause = f"HELLO says {hello.agent!r:.80}, but the key is for {peer.name}"
            self._count(peer, Refusal.NAME, cause)
            await self._turn_away(peer, cause)
            return
        known, replaced = self.agents.get(peer.name), ""
        if known and (known.peer.route, known.hello.pid) != (peer.route, hello.pid):
            self.mark_gone(peer.name, _why_gone(known, hello, self._clock.monotonic_ns()))
            replaced, known = known.peer.route, None
        self.journal.saw_agent(peer.name, peer.route, hello, format_wall(self._clock.wall_ns()))
        async with self._joined:
            record = self.agents[peer.name] = known or AgentRecord(
                hello, peer, self._clock.monotonic_ns(), replaced=replaced
            )
            record.hello, record.peer, record.presence = hello, peer, "here"
            self._joined.notify_all()
        self.journal.commit()  # WELCOME acknowledges, too: what a connection sent before HELLO may be handled already
        gap_ns = exchange_gap_ns(len(self.agents))
        welcome = m.Welcome(self.name, clock_identity(), record.acknowledged, gap_ns)
        await self._try_to_send(peer.name, m.Envelope(welcome))
        if known:
            self._notify(peer.name, AgentReturned())
        else:
            self._presence_listener("connected", peer.name, peer.address, "")

    async def _answer_clock_query(self, peer: Peer, t1_ns: int, t2_ns: int) -> None:
        unsettled, wall = self._clock_watch.trouble(), self._wall.reading()
        reply = ps.ClockReply(t1_ns, t2_ns, self._clock.monotonic_ns(), unsettled, wall)
        await self._try_to_send(peer.name, m.Envelope(reply))

    def _handle_report(self, record: AgentRecord, envelope: m.Envelope) -> None:
        """Handle a numbered report once and in order; one that comes too early will come again after WELCOME."""
        message, host = envelope.message, record.peer.name
        assert isinstance(message, m.Numbered)
        expected = record.acknowledged + 1
        if isinstance(message, m.Gap):
            if message.first <= expected <= message.number:
                missing = message.number - record.acknowledged
                record.missing += missing
                record.acknowledged = message.number
                if message.forgotten:
                    self._notify(host, ReportsForgotten(_forgotten(host, missing)))
        elif message.number == expected:
            record.acknowledged = message.number
            self._forward(record.peer, envelope)
        self.journal.acknowledge(host, record.acknowledged)
        self._unacknowledged.add(host)
        self._handled.set()

    async def _acknowledge(self) -> None:
        """Acknowledge what was handled, once it is kept: all that came in one turn of the event loop together."""
        while True:
            await self._handled.wait()
            self._handled.clear()
            hosts, self._unacknowledged = self._unacknowledged, set()
            self.journal.commit()
            for host in hosts:
                await self._try_to_send(host, m.Envelope(m.Ack(self.agents[host].acknowledged)))

    def _forward(self, peer: Peer, envelope: m.Envelope) -> None:
        if peer.name in self._hosts.get(envelope.epoch, ()):
            self._listeners[envelope.epoch](peer.name, envelope.message, envelope.reply_to)
        else:
            self._stray_listener(envelope.epoch, peer.name)
            self._count(peer, Refusal.EPOCH, f"a message of run {envelope.epoch!r:.80}, in which it has no part now")

    def _notify(self, host: str, change: PresenceChange) -> None:
        what = _CHANGES[type(change)]
        cause = "" if isinstance(change, AgentReturned) else change.cause
        self._presence_listener(what, host, self.agents[host].peer.address, cause)
        for epoch, listener in list(self._listeners.items()):
            if host in self._hosts[epoch]:
                listener(host, change, 0)

    async def _watch(self) -> None:
        """Notice agents that have fallen silent. While this process was stopped or read nothing, no time counts."""
        while True:
            due_ns = self._clock.monotonic_ns() + CHECK_NS
            await self._clock.sleep_until(due_ns)
            now = self._clock.monotonic_ns()
            late_ns = now - due_ns
            not_reading_ns = CHECK_NS + late_ns if self._backlog.full else late_ns if late_ns > CHECK_NS else 0
            for record in self.agents.values():
                record.received_ns += not_reading_ns
            for host, record in self.agents.items():
                if record.here and now - record.received_ns > SILENCE_NS:
                    record.presence = "silent"
                    self._notify(host, AgentSilent(f"{host} has sent nothing for {format_duration(SILENCE_NS)}"))

    async def _try_to_send(self, host: str, envelope: m.Envelope) -> None:
        """Send what an agent that does not get it will learn from WELCOME or ask for again."""
        with suppress(WorldError):
            await self._send(host, envelope)

    async def _send(self, host: str, envelope: m.Envelope) -> None:
        record = self.agents.get(host)
        if record is None or not record.here:
            raise WorldError(f"cannot reach {host}: it is not here")
        await self._hub.send(record.peer, self._said(record.peer, envelope))

    def _note_version(self, peer: Peer, version: int | None) -> None:
        """Whoever speaks the version of the protocol before this is answered in that, from the first word on."""
        if version == OLDER:
            self._older[peer.route] = version
            self._older.move_to_end(peer.route)
            if len(self._older) > _OLDER_MOST:
                self._older.popitem(last=False)
        elif version is not None:
            self._older.pop(peer.route, None)

    def _said(self, peer: Peer, envelope: m.Envelope) -> bytes:
        version = self._older.get(peer.route, m.PROTOCOL_VERSION)
        try:
            return m.encode(replace(envelope, version=version))
        except VersionError as error:
            known = self.agents.get(peer.name)
            plctl = f"plctl {known.hello.version}" if known else "an older plctl"
            raise WorldError(f"{peer.name} runs {plctl}, which {error}; upgrade it, or ask for less") from None


def _forgotten(host: str, count: int) -> str:
    reports = f"{count} report{'s' if count != 1 else ''}"
    return f"{reports} of {host} were acknowledged once, and the controller's journal has lost them"


def _why_gone(known: AgentRecord, hello: m.Hello, now_ns: int) -> str:
    """Why the agent that said HELLO before is no more, and since when nothing of it was heard."""
    rebooted = known.hello.clock.boot_id != hello.clock.boot_id
    what = f"the host of {hello.agent} was started again" if rebooted else f"{hello.agent} was started again"
    return f"{what}; last heard {format_duration(three_digits(now_ns - known.received_ns))} before it came back"


def _expected(entry: AgentEntry, now_ns: int) -> AgentRecord:
    """The record of an agent that was here before this controller was started."""
    peer = Peer(entry.name, route=entry.route)
    return AgentRecord(entry.hello, peer, now_ns, entry.acknowledged, presence="silent")
