"""Connects runs with agents: knows who is there, numbers commands, acknowledges reports, and tells each run."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from plctl.common import messages as m
from plctl.common.clock import Clock, clock_identity
from plctl.common.errors import ProtocolError, WorldError
from plctl.common.transport import Hub
from plctl.common.units import NS_PER_S, format_duration

#: An agent that has said nothing for so long is taken for lost.
SILENCE_NS = 10 * NS_PER_S
#: How often silence is looked for.
CHECK_NS = 1 * NS_PER_S

#: What a run is told: (host, message); `Lost` is a message of the switchboard's own.
Listener = Callable[[str, "m.Message | Lost"], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Lost:
    """An agent is gone; why."""

    cause: str


@dataclass(slots=True)
class AgentRecord:
    """What is known of an agent."""

    hello: m.Hello
    heard_ns: int
    acknowledged: int = 0  #: last number of its stream that was handled
    missing: int = 0  #: numbers that never came
    refused: int = 0  #: messages that the protocol does not allow


class Switchboard:
    """One controller's end of all its agents. Run `serve` in the background."""

    def __init__(self, hub: Hub, clock: Clock, name: str) -> None:
        self.agents: dict[str, AgentRecord] = {}
        self._hub = hub
        self._clock = clock
        self._name = name
        self._ids = itertools.count(1)
        self._listeners: dict[str, Listener] = {}
        self._joined = asyncio.Condition()

    def listen(self, epoch: str, listener: Listener) -> None:
        """Hand everything that agents say of run `epoch` to `listener`."""
        self._listeners[epoch] = listener

    def forget(self, epoch: str) -> None:
        """Run `epoch` is over."""
        self._listeners.pop(epoch, None)

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

    async def lose(self, host: str, cause: str) -> None:
        """Agent `host` is gone: tell every run."""
        if self.agents.pop(host, None):
            for listener in list(self._listeners.values()):
                await listener(host, Lost(cause))

    # --- what comes in

    async def _receive(self) -> None:
        while True:
            peer, data = await self._hub.receive()
            host = peer.decode(errors="replace")
            try:
                await self._handle(host, m.decode(data, m.FROM_AGENT))
            except ProtocolError:
                if record := self.agents.get(host):
                    record.refused += 1
            except WorldError as error:
                await self.lose(host, str(error))

    async def _handle(self, host: str, envelope: m.Envelope) -> None:
        if isinstance(envelope.message, m.Hello):
            await self._welcome(host, envelope.message)
        record = self.agents.get(host)
        if record is None:
            return  # whoever has not introduced himself is not listened to
        record.heard_ns = self._clock.monotonic_ns()
        match envelope.message:
            case m.Hello() | m.Heartbeat():
                pass
            case m.Goodbye(cause):
                await self.lose(host, f"{host} left" + (f": {cause}" if cause else ""))
            case m.Telemetry() | m.Events() | m.Artifact() | m.Packets() | m.Report():
                await self._take_report(host, record, envelope)
            case _:
                await self._forward(host, envelope)

    async def _welcome(self, host: str, hello: m.Hello) -> None:
        known = self.agents.get(host)
        if known and known.hello.pid != hello.pid:
            await self.lose(host, f"{host} was started again")
        async with self._joined:
            self.agents.setdefault(host, AgentRecord(hello, self._clock.monotonic_ns()))
            self._joined.notify_all()
        await self._send(host, m.Envelope(m.Welcome(self._name, clock_identity(), self.agents[host].acknowledged)))

    async def _take_report(self, host: str, record: AgentRecord, envelope: m.Envelope) -> None:
        """Handle a numbered report once, in order, and acknowledge it when it has been handled."""
        message = envelope.message
        assert isinstance(message, m.Telemetry | m.Events | m.Artifact | m.Packets | m.Report)
        if message.number > record.acknowledged:
            record.missing += message.number - record.acknowledged - 1
            record.acknowledged = message.number
            await self._forward(host, envelope)
        await self._send(host, m.Envelope(m.Ack(record.acknowledged)))

    async def _forward(self, host: str, envelope: m.Envelope) -> None:
        if listener := self._listeners.get(envelope.epoch):
            await listener(host, envelope.message)

    async def _watch(self) -> None:
        """Take agents for lost that have fallen silent."""
        while True:
            await self._clock.sleep_until(self._clock.monotonic_ns() + CHECK_NS)
            now = self._clock.monotonic_ns()
            for host, record in list(self.agents.items()):
                if now - record.heard_ns > SILENCE_NS:
                    await self.lose(host, f"{host} has said nothing for {format_duration(SILENCE_NS)}")

    async def _send(self, host: str, envelope: m.Envelope) -> None:
        await self._hub.send(host.encode(), m.encode(envelope))
