"""Connects runs with agents: knows who is there, acknowledges reports once they are kept, and tells each run."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from plctl.common.base.clock import Clock, clock_identity
from plctl.common.base.errors import ForbiddenError, ProtocolError, VersionError, WorldError
from plctl.common.base.log import format_wall
from plctl.common.base.units import NS_PER_S, format_duration
from plctl.common.clocks.wall_watch import WallWatch
from plctl.common.clocks.watch import ClockWatch
from plctl.common.protocol import messages as m
from plctl.common.protocol import presence as ps
from plctl.common.transport.hub_and_spoke import Hub, Peer
from plctl.common.transport.refusals import Refusal, Refusals
from plctl.controller.hub.backlog import Backlog, Heard
from plctl.controller.hub.journal import AgentEntry, Journal
from plctl.controller.lifecycle.patience import exchange_gap_ns

#: An agent that has said nothing for so long cannot be heard.
SILENCE_NS = 10 * NS_PER_S
#: What is acknowledged together is kept together: so not one by one, and not so many that requests would notice.
HEARD_A_TURN = 4
#: Requests from this size on are decoded beside everything else: a run of ten thousand links takes a second.
LARGE_BYTES = 2**18
#: How often silence is looked for.
CHECK_NS = 1 * NS_PER_S


@dataclass(frozen=True, slots=True)
class Lost:
    """An agent is gone, and what it held with it; why."""

    cause: str


@dataclass(frozen=True, slots=True)
class Silent:
    """An agent cannot be heard now; why."""

    cause: str


@dataclass(frozen=True, slots=True)
class Returned:
    """An agent is heard again over a new connection or after silence; what it was told may not have reached it."""


Sign = Lost | Silent | Returned
#: What a run is told: (host, message or a sign of the switchboard's own, id of the command that the message answers).
Listener = Callable[[str, m.Message | Sign, int], None]
#: `silent`: it cannot be heard now, but may go on with what it holds; `gone`: so is all that it held.
Presence = Literal["here", "silent", "gone"]
#: What answers the requests of clients.
Desk = Callable[[Peer, m.Envelope], Awaitable[None]]


@dataclass(slots=True)
class AgentRecord:
    """What is known of an agent, whether it is here or not."""

    hello: m.Hello
    peer: Peer  #: the connection that said hello last; no other speaks for the agent
    heard_ns: int
    acknowledged: int = 0  #: last number of its stream that was handled
    missing: int = 0  #: numbers that never came
    status: ps.Status | None = None  #: the last; None until the first
    presence: Presence = "here"

    @property
    def here(self) -> bool:
        """Whether it can be heard."""
        return self.presence == "here"


class Switchboard:
    """One controller's end of all its agents. Run `serve` in the background."""

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
        self._desk: Desk | None = None
        self._large: asyncio.Task[None] | None = None  #: the large request that is being decoded
        self._clock_watch = ClockWatch()
        self._wall = WallWatch(clock)

    def attend(self, desk: Desk) -> None:
        """Hand what operators and viewers ask to `desk`."""
        self._desk = desk

    def listen(self, epoch: str, hosts: Collection[str], listener: Listener) -> None:
        """Hand everything that the agents of `hosts` say of run `epoch` to `listener`; no other has a say in it."""
        self._listeners[epoch] = listener
        self._hosts[epoch] = frozenset(hosts)

    def forget(self, epoch: str) -> None:
        """Run `epoch` is over."""
        self._listeners.pop(epoch, None)
        self._hosts.pop(epoch, None)

    async def tell(self, host: str, message: m.Message, epoch: str, command: int, expires_ns: int = 0) -> None:
        """Send a command under the id `command`; agents carry it out once per id.

        :raises WorldError: the agent is not here.
        """
        await self._send(host, m.Envelope(message, id=command, epoch=epoch, expires_ns=expires_ns))

    async def answer(self, peer: Peer, envelope: m.Envelope) -> None:
        """Send a client the answer to its request.

        :raises WorldError: it is gone, or does not read.
        """
        await self._hub.send(peer, m.encode(envelope))

    async def wait_for(self, host: str) -> AgentRecord:
        """The record of agent `host`, once it is here."""
        async with self._joined:
            await self._joined.wait_for(lambda: host in self.agents and self.agents[host].here)
        return self.agents[host]

    async def serve(self) -> None:
        """Handle what agents and clients say, for ever.

        :raises WorldError: the journal cannot be written, so that nothing may be acknowledged any more.
        """
        works = (self._receive(), self._hear(), self._watch(), self._wall.keep(), self._acknowledge())
        tasks = [asyncio.create_task(work) for work in works]
        try:
            await asyncio.gather(*tasks)
        finally:
            tasks += [self._large] if self._large else []
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def lose(self, host: str, cause: str) -> None:
        """Agent `host` is gone, with all that it held: tell its runs."""
        record = self.agents.get(host)
        if record:
            record.presence = "gone"
            self._sign(host, Lost(cause))

    # --- what comes in

    async def _receive(self) -> None:
        """Clients are answered at once; what agents say waits its turn, or requests would wait behind all of it.

        Of large requests one is taken at a time, so that no client fills the memory with them.
        """
        while True:
            peer, data = await self._hub.receive()
            heard = Heard(peer, data, self._clock.monotonic_ns())  # as early as can be: it is t2 of a clock exchange
            if peer.role == "agent":
                self._hears_from(peer, heard.at_ns)
                await self._backlog.put(heard)
            elif len(data) < LARGE_BYTES:
                await self._take(heard)
            else:
                if self._large:
                    await self._large
                self._large = asyncio.create_task(self._take_large(heard))

    def _hears_from(self, peer: Peer, now_ns: int) -> None:
        """Who speaks is not silent, however long what it says must wait its turn."""
        record = self.agents.get(peer.name)
        if record is None or record.peer.route != peer.route or record.presence == "gone":
            return
        record.heard_ns = now_ns
        if record.presence == "silent":
            record.presence = "here"
            self._sign(peer.name, Returned())

    async def _hear(self) -> None:
        """A few messages of agents in every turn of the event loop: more are read in each, so reading gets ahead."""
        while True:
            for _ in range(HEARD_A_TURN):
                await self._take(await self._backlog.take())
            await asyncio.sleep(0)

    async def _take(self, heard: Heard) -> None:
        try:
            await self._handle(heard.peer, m.decode(heard.data, heard.peer.role), heard.at_ns)
        except ProtocolError as error:
            await self._refuse(heard.peer, error)

    async def _take_large(self, heard: Heard) -> None:
        try:
            envelope = await asyncio.to_thread(m.decode, heard.data, heard.peer.role)
            await self._handle(heard.peer, envelope, heard.at_ns)
        except ProtocolError as error:
            await self._refuse(heard.peer, error)

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

    async def _handle(self, peer: Peer, envelope: m.Envelope, heard_ns: int) -> None:
        if peer.role == "agent":
            await self._hear_agent(peer, envelope, heard_ns)
        elif isinstance(envelope.message, m.Goodbye):
            self._hub.left(peer)
        elif not 0 < envelope.id < 2**63:
            self._count(peer, Refusal.MALFORMED, "a request without an id that it could be answered by")
        elif self._desk:
            await self._desk(peer, envelope)

    async def _hear_agent(self, peer: Peer, envelope: m.Envelope, heard_ns: int) -> None:
        if isinstance(envelope.message, m.Hello):
            await self._welcome(peer, envelope.message)
        record = self.agents.get(peer.name)
        if record is None or record.peer.route != peer.route or record.presence == "gone":
            if not isinstance(envelope.message, m.Hello):
                self._count(peer, Refusal.STRANGER, "a message from a connection that has not said HELLO")
            return
        match envelope.message:
            case m.Hello():
                pass
            case ps.ClockQuery(t1_ns):
                await self._tell_time(peer, t1_ns, heard_ns)
            case ps.Status():
                record.status = envelope.message
            case m.Goodbye(cause):
                self._hub.left(peer)
                self.lose(peer.name, f"{peer.name} left" + (f": {cause}" if cause else ""))
            case message if isinstance(message, m.Numbered):
                self._take_report(record, envelope)
            case _:
                self._forward(peer, envelope)

    async def _welcome(self, peer: Peer, hello: m.Hello) -> None:
        if hello.agent != peer.name:
            cause = f"HELLO says {hello.agent!r:.80}, but the key is for {peer.name}"
            self._count(peer, Refusal.NAME, cause)
            await self._turn_away(peer, cause)
            return
        known = self.agents.get(peer.name)
        if known and (known.peer.route, known.hello.pid) != (peer.route, hello.pid):
            self.lose(peer.name, f"{peer.name} was started again")
            known = None
        self.journal.saw_agent(peer.name, peer.route, hello, format_wall(self._clock.wall_ns()))
        async with self._joined:
            record = self.agents[peer.name] = known or AgentRecord(hello, peer, self._clock.monotonic_ns())
            record.hello, record.peer, record.presence = hello, peer, "here"
            self._joined.notify_all()
        self.journal.commit()  # WELCOME acknowledges, too: what a connection sent before HELLO may be handled already
        gap_ns = exchange_gap_ns(len(self.agents))
        welcome = m.Welcome(self.name, clock_identity(), record.acknowledged, gap_ns)
        await self._try_to_send(peer.name, m.Envelope(welcome))
        if known:
            self._sign(peer.name, Returned())

    async def _tell_time(self, peer: Peer, t1_ns: int, t2_ns: int) -> None:
        unsettled, wall = self._clock_watch.trouble(), self._wall.reading()
        reply = ps.ClockReply(t1_ns, t2_ns, self._clock.monotonic_ns(), unsettled, wall)
        await self._try_to_send(peer.name, m.Envelope(reply))

    def _take_report(self, record: AgentRecord, envelope: m.Envelope) -> None:
        """Handle a numbered report once and in order; one that comes too early will come again after WELCOME."""
        message, host = envelope.message, record.peer.name
        assert isinstance(message, m.Numbered)
        expected = record.acknowledged + 1
        if isinstance(message, m.Gap):
            if message.first <= expected <= message.number:
                record.missing += message.number - record.acknowledged
                record.acknowledged = message.number
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
            self._count(peer, Refusal.EPOCH, f"a message of run {envelope.epoch!r:.80}, in which it has no part now")

    def _sign(self, host: str, sign: Sign) -> None:
        for epoch, listener in list(self._listeners.items()):
            if host in self._hosts[epoch]:
                listener(host, sign, 0)

    async def _watch(self) -> None:
        """Notice who has fallen silent. While this process is stopped, or reads nothing, nobody is silent."""
        while True:
            due_ns = self._clock.monotonic_ns() + CHECK_NS
            await self._clock.sleep_until(due_ns)
            now = self._clock.monotonic_ns()
            late_ns = now - due_ns
            deaf_ns = CHECK_NS + late_ns if self._backlog.full else late_ns if late_ns > CHECK_NS else 0
            for record in self.agents.values():
                record.heard_ns += deaf_ns
            for host, record in self.agents.items():
                if record.here and now - record.heard_ns > SILENCE_NS:
                    record.presence = "silent"
                    self._sign(host, Silent(f"{host} has said nothing for {format_duration(SILENCE_NS)}"))

    async def _try_to_send(self, host: str, envelope: m.Envelope) -> None:
        """Send what an agent that does not get it will learn from WELCOME or ask for again."""
        with suppress(WorldError):
            await self._send(host, envelope)

    async def _send(self, host: str, envelope: m.Envelope) -> None:
        record = self.agents.get(host)
        if record is None or not record.here:
            raise WorldError(f"cannot reach {host}: it is not here")
        await self._hub.send(record.peer, m.encode(envelope))


def _expected(entry: AgentEntry, now_ns: int) -> AgentRecord:
    """The record of an agent that was here before this controller was started."""
    peer = Peer(entry.name, route=entry.route)
    return AgentRecord(entry.hello, peer, now_ns, entry.acknowledged, presence="silent")
