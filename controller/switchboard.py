"""Connects runs with agents: knows who is there, numbers commands, acknowledges reports, and tells each run."""

from __future__ import annotations

import asyncio
import itertools
import secrets
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from dataclasses import dataclass

from plctl.common import messages as m
from plctl.common import presence as ps
from plctl.common.clock import Clock, clock_identity
from plctl.common.clock_watch import ClockWatch
from plctl.common.errors import ForbiddenError, ProtocolError, VersionError, WorldError
from plctl.common.refusals import Refusal, Refusals
from plctl.common.transport import Hub, Peer
from plctl.common.units import NS_PER_S, format_duration
from plctl.common.wall_watch import WallWatch

#: An agent that has said nothing for so long is taken for lost.
SILENCE_NS = 10 * NS_PER_S
#: How often silence is looked for.
CHECK_NS = 1 * NS_PER_S

#: What a run is told: (host, message); `Lost` is a message of the switchboard's own.
Listener = Callable[[str, "m.Message | Lost"], Awaitable[None]]
#: What answers the requests of clients.
Desk = Callable[[Peer, m.Envelope], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Lost:
    """An agent is gone; why."""

    cause: str


@dataclass(slots=True)
class AgentRecord:
    """What is known of an agent."""

    hello: m.Hello
    peer: Peer  #: the connection that said hello last; no other speaks for the agent
    heard_ns: int
    acknowledged: int = 0  #: last number of its stream that was handled
    missing: int = 0  #: numbers that never came
    status: ps.Status | None = None  #: the last; None until the first


class Switchboard:
    """One controller's end of all its agents. Run `serve` in the background."""

    def __init__(self, hub: Hub, clock: Clock, name: str, refusals: Refusals | None = None) -> None:
        """`refusals` are best the hub's own, so that all that had no effect is counted in one place."""
        self.agents: dict[str, AgentRecord] = {}
        self.refusals = refusals or Refusals(clock)
        self._hub = hub
        self._clock = clock
        self.name = name
        # Agents carry a command out once per id, also across the lives of their controller.
        self._ids = itertools.count(1 + secrets.randbits(62))
        self._listeners: dict[str, Listener] = {}
        self._hosts: dict[str, frozenset[str]] = {}
        self._joined = asyncio.Condition()
        self._desk: Desk | None = None
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

    async def tell(self, host: str, message: m.Message, epoch: str, expires_ns: int = 0) -> None:
        """Send a command.

        :raises WorldError: the agent is not connected.
        """
        await self._send(host, m.Envelope(message, id=next(self._ids), epoch=epoch, expires_ns=expires_ns))

    async def wait_for(self, host: str) -> AgentRecord:
        """The record of agent `host`, once it has said hello."""
        async with self._joined:
            await self._joined.wait_for(lambda: host in self.agents)
        return self.agents[host]

    async def serve(self) -> None:
        """Handle what agents say, for ever."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._receive())
            group.create_task(self._watch())
            group.create_task(self._wall.keep())

    async def lose(self, host: str, cause: str) -> None:
        """Agent `host` is gone: tell every run."""
        if self.agents.pop(host, None):
            for listener in list(self._listeners.values()):
                await listener(host, Lost(cause))

    # --- what comes in

    async def _receive(self) -> None:
        while True:
            peer, data = await self._hub.receive()
            heard_ns = self._clock.monotonic_ns()  # as early as can be: it is t2 of an exchange of clock readings
            try:
                await self._handle(peer, m.decode(data, peer.role), heard_ns)
            except ProtocolError as error:
                await self._refuse(peer, error)
            except WorldError as error:
                await self.lose(peer.name, str(error))

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
        elif envelope.id <= 0:
            self._count(peer, Refusal.MALFORMED, "a request without an id")
        elif self._desk:
            await self._desk(peer, envelope)

    async def _hear_agent(self, peer: Peer, envelope: m.Envelope, heard_ns: int) -> None:
        if isinstance(envelope.message, m.Hello):
            await self._welcome(peer, envelope.message)
        record = self.agents.get(peer.name)
        if record is None or record.peer.route != peer.route:
            if not isinstance(envelope.message, m.Hello):
                self._count(peer, Refusal.STRANGER, "a message from a connection that has not said HELLO")
            return
        record.heard_ns = heard_ns
        match envelope.message:
            case m.Hello():
                pass
            case ps.ClockQuery(t1_ns):
                await self._tell_time(peer, t1_ns, heard_ns)
            case ps.Status():
                record.status = envelope.message
            case m.Goodbye(cause):
                self._hub.left(peer)
                await self.lose(peer.name, f"{peer.name} left" + (f": {cause}" if cause else ""))
            case m.Telemetry() | m.Events() | m.Artifact() | m.Packets() | m.Report():
                await self._take_report(record, envelope)
            case _:
                await self._forward(peer, envelope)

    async def _welcome(self, peer: Peer, hello: m.Hello) -> None:
        if hello.agent != peer.name:
            cause = f"HELLO says {hello.agent!r:.80}, but the key is for {peer.name}"
            self._count(peer, Refusal.NAME, cause)
            await self._turn_away(peer, cause)
            return
        known = self.agents.get(peer.name)
        if known and known.hello.pid != hello.pid:
            await self.lose(peer.name, f"{peer.name} was started again")
        async with self._joined:
            record = self.agents.setdefault(peer.name, AgentRecord(hello, peer, self._clock.monotonic_ns()))
            record.peer = peer
            self._joined.notify_all()
        await self._send(peer.name, m.Envelope(m.Welcome(self.name, clock_identity(), record.acknowledged)))

    async def _tell_time(self, peer: Peer, t1_ns: int, t2_ns: int) -> None:
        unsettled, wall = self._clock_watch.trouble(), self._wall.reading()
        reply = ps.ClockReply(t1_ns, t2_ns, self._clock.monotonic_ns(), unsettled, wall)
        await self._send(peer.name, m.Envelope(reply))

    async def _take_report(self, record: AgentRecord, envelope: m.Envelope) -> None:
        """Handle a numbered report once, in order, and acknowledge it when it has been handled."""
        message = envelope.message
        assert isinstance(message, m.Telemetry | m.Events | m.Artifact | m.Packets | m.Report)
        if message.number > record.acknowledged:
            record.missing += message.number - record.acknowledged - 1
            record.acknowledged = message.number
            await self._forward(record.peer, envelope)
        await self._send(record.peer.name, m.Envelope(m.Ack(record.acknowledged)))

    async def _forward(self, peer: Peer, envelope: m.Envelope) -> None:
        if peer.name in self._hosts.get(envelope.epoch, ()):
            await self._listeners[envelope.epoch](peer.name, envelope.message)
        else:
            self._count(peer, Refusal.EPOCH, f"a message of run {envelope.epoch!r:.80}, in which it has no part now")

    async def _watch(self) -> None:
        """Take agents for lost that have fallen silent. While this process is stopped itself, nobody is silent."""
        while True:
            due_ns = self._clock.monotonic_ns() + CHECK_NS
            await self._clock.sleep_until(due_ns)
            now = self._clock.monotonic_ns()
            if (late_ns := now - due_ns) > CHECK_NS:
                for record in self.agents.values():
                    record.heard_ns += late_ns
            for host, record in list(self.agents.items()):
                if now - record.heard_ns > SILENCE_NS:
                    await self.lose(host, f"{host} has said nothing for {format_duration(SILENCE_NS)}")

    async def answer(self, peer: Peer, envelope: m.Envelope) -> None:
        """Send a client the answer to its request.

        :raises WorldError: it is gone, or does not read.
        """
        await self._hub.send(peer, m.encode(envelope))

    async def _send(self, host: str, envelope: m.Envelope) -> None:
        record = self.agents.get(host)
        if record is None:
            raise WorldError(f"cannot reach {host}: it is not connected")
        await self._hub.send(record.peer, m.encode(envelope))
