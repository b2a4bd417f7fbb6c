"""Messages of agents that were not handled yet: they are read at once, so that no client's request waits behind it."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass

from plctl.common.transport.hub_and_spoke import Peer

#: Once so many bytes wait, reading waits, too, and requests with it. A thousand agents, which send only so much ahead
#: of what is acknowledged (`plctl.agent.service.outbox`), do not get there.
FULL_BYTES = 2**30
#: Of one agent no more waits: some times what an honest one sends ahead, and its longest message. The rest is let go.
SHARE_BYTES = 160 * 2**20
#: What a message costs beside its bytes, about: many empty ones are much, too.
_MESSAGE_BYTES = 512


@dataclass(frozen=True, slots=True)
class Received:
    """A message as it came, who sent it, and when it was read."""

    peer: Peer
    data: bytes
    at_ns: int

    @property
    def size(self) -> int:
        """About how many bytes of memory it takes."""
        return len(self.data) + _MESSAGE_BYTES


class Backlog:
    """First in, first out for each agent, and the agents in turn; for one task that puts and one that takes."""

    def __init__(self, full_bytes: int = FULL_BYTES, share_bytes: int = SHARE_BYTES) -> None:
        self._full_bytes = full_bytes
        self._share_bytes = share_bytes
        self._bytes = 0
        self._shares: dict[str, int] = {}  #: bytes that wait of each agent
        self._messages: dict[str, deque[Received]] = {}  #: of agents of which some wait
        self._turns: deque[str] = deque()  #: these agents, the next in front
        self._changed = asyncio.Event()

    @property
    def full(self) -> bool:
        """Whether nothing more is read for now."""
        return self._bytes >= self._full_bytes

    async def put(self, received: Received) -> bool:
        """Add a message, once fewer than `full_bytes` wait. False: its agent has its share waiting; it is let go."""
        name = received.peer.name
        if self._shares.get(name, 0) >= self._share_bytes:
            return False
        while self.full:
            await self._change()
        if name not in self._messages:
            self._messages[name] = deque()
            self._turns.append(name)
        self._messages[name].append(received)
        self._shares[name] = self._shares.get(name, 0) + received.size
        self._bytes += len(received.data)
        self._changed.set()
        return True

    async def take(self) -> Received:
        """The oldest message of the agent whose turn it is, once there is one."""
        while not self._turns:
            await self._change()
        name = self._turns.popleft()
        received = self._messages[name].popleft()
        self._shares[name] -= received.size
        if self._messages[name]:
            self._turns.append(name)
        else:
            del self._messages[name], self._shares[name]
        self._bytes -= len(received.data)
        self._changed.set()
        return received

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()
