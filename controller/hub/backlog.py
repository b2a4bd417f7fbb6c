"""Messages of agents that were not handled yet: they are read at once, so that no client's request waits behind it."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass

from plctl.common.transport.hub_and_spoke import Peer

#: Once so many bytes wait, reading waits, too, and requests with it. A thousand agents, which send only so much ahead
#: of what is acknowledged (`plctl.agent.service.outbox`), do not get there: it is for one that keeps to nothing.
FULL_BYTES = 2**30


@dataclass(frozen=True, slots=True)
class Received:
    """A message as it came, who sent it, and when it was read."""

    peer: Peer
    data: bytes
    at_ns: int


class Backlog:
    """First in, first out; for one task that puts and one that takes."""

    def __init__(self, full_bytes: int = FULL_BYTES) -> None:
        self._full_bytes = full_bytes
        self._bytes = 0
        self._messages: deque[Received] = deque()
        self._changed = asyncio.Event()

    @property
    def full(self) -> bool:
        """Whether nothing more is read for now."""
        return self._bytes >= self._full_bytes

    async def put(self, received: Received) -> None:
        """Add a message, once fewer than `full_bytes` wait."""
        while self.full:
            await self._change()
        self._messages.append(received)
        self._bytes += len(received.data)
        self._changed.set()

    async def take(self) -> Received:
        """The oldest message, once there is one."""
        while not self._messages:
            await self._change()
        received = self._messages.popleft()
        self._bytes -= len(received.data)
        self._changed.set()
        return received

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()
