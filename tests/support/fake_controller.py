"""A stand-in for a controller, for tests of clients: it gives prepared answers and remembers what it was asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from plctl.common.client.controller_client import Client, serving
from plctl.common.protocol import messages as m
from plctl.common.protocol.requests import ClientRequest
from plctl.common.protocol.roles import Role
from plctl.common.transport.hub_and_spoke import LocalHub, Peer

#: What a request is answered with; None: not at all.
Answer = Callable[[ClientRequest], m.Message | None]


class FakeController:
    """Hears clients on a hub within the process. It has no runs and no agents: `answer` decides all it says."""

    def __init__(self, answer: Answer) -> None:
        self.hub = LocalHub()
        self.answer = answer
        self.asked: list[m.Envelope] = []  #: every request that came, repeated ones too
        self.goodbyes = 0

    async def serve(self) -> None:
        """Answer, for ever."""
        while True:
            peer, data = await self.hub.receive()
            envelope = m.decode(data, peer.role)
            if isinstance(envelope.message, m.Goodbye):
                self.goodbyes += 1
                continue
            self.asked.append(envelope)
            assert isinstance(envelope.message, ClientRequest)
            if answer := self.answer(envelope.message):
                await self.say(peer, m.Envelope(answer, reply_to=envelope.id))

    async def say(self, peer: Peer, envelope: m.Envelope) -> None:
        """Send something to a client, asked for or not."""
        await self.hub.send(peer, m.encode(envelope))


@asynccontextmanager
async def served(controller: FakeController) -> AsyncIterator[None]:
    """Let `controller` answer within the block."""
    task = asyncio.create_task(controller.serve())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@asynccontextmanager
async def client_of(answer: Answer, role: Role = "operator") -> AsyncIterator[Client]:
    """A client of a controller that answers so."""
    controller = FakeController(answer)
    client = Client(controller.hub.spoke("ada", role), "ada", role, "tcp://there:7777")
    async with served(controller), serving(client):
        yield client
