"""How bytes get from one process to another: one interface, over ZeroMQ sockets or within the process for tests.

A `Hub` is the controller's end and knows its peers by name; a `Spoke` is an agent's end and knows one hub.
Connections come and go underneath; both ends only see messages, whole and in order per peer, or their absence.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Protocol

import zmq
import zmq.asyncio

from plctl.common.errors import UserError, WorldError
from plctl.common.wire import MAX_MESSAGE_BYTES

#: How long closing a socket may wait for messages that are still on their way out.
LINGER_MS = 500


class Hub(Protocol):
    """The controller's end."""

    async def receive(self) -> tuple[bytes, bytes]:
        """The next (peer, message)."""

    async def send(self, peer: bytes, message: bytes) -> None:
        """Hand `message` to `peer`.

        :raises WorldError: there is no such peer now, or it has not read for long.
        """

    def close(self) -> None:
        """Let go of the socket; idempotent."""


class Spoke(Protocol):
    """An agent's end."""

    async def receive(self) -> bytes:
        """The next message."""

    async def send(self, message: bytes) -> None:
        """Hand `message` to the hub, now or when it is there again."""

    def close(self) -> None:
        """Let go of the socket; idempotent."""


class _Socket:
    """What both ZeroMQ ends share: limits set before the first byte, and an orderly end."""

    def __init__(self, kind: int) -> None:
        self._context: zmq.asyncio.Context | None = zmq.asyncio.Context()
        self._socket = self._context.socket(kind)
        self._socket.setsockopt(zmq.LINGER, LINGER_MS)
        self._socket.setsockopt(zmq.MAXMSGSIZE, MAX_MESSAGE_BYTES)
        self._socket.setsockopt(zmq.SNDHWM, 10_000)
        self._socket.setsockopt(zmq.RCVHWM, 10_000)

    def close(self) -> None:
        if self._context is not None:
            self._socket.close()
            self._context.term()
            self._context = None


class ZmqHub(_Socket):
    """A ROUTER bound to `address`. Peers name themselves; a name that is taken over goes to the newcomer."""

    def __init__(self, address: str) -> None:
        super().__init__(zmq.ROUTER)
        self._socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
        self._socket.setsockopt(zmq.ROUTER_HANDOVER, 1)
        try:
            self._socket.bind(address)
        except zmq.ZMQError as error:
            self.close()
            raise WorldError(f"cannot listen on {address}: {error.strerror}") from None
        if address.startswith("ipc://"):
            Path(address.removeprefix("ipc://")).chmod(0o600)

    async def receive(self) -> tuple[bytes, bytes]:
        while True:
            parts = await self._socket.recv_multipart()
            if len(parts) == 2:  # whatever else a peer sends is not ours
                return parts[0], parts[1]

    async def send(self, peer: bytes, message: bytes) -> None:
        try:
            await self._socket.send_multipart([peer, message])
        except zmq.ZMQError as error:
            raise WorldError(f"cannot reach {peer.decode(errors='replace')}: {error.strerror}") from None


class ZmqSpoke(_Socket):
    """A DEALER that calls itself `name` and connects to `address`, again and again with growing pauses."""

    def __init__(self, address: str, name: str) -> None:
        super().__init__(zmq.DEALER)
        self._socket.setsockopt(zmq.IDENTITY, name.encode())
        self._socket.setsockopt(zmq.RECONNECT_IVL, 100)
        self._socket.setsockopt(zmq.RECONNECT_IVL_MAX, 5_000)
        try:
            self._socket.connect(address)
        except zmq.ZMQError as error:
            self.close()
            raise UserError(f"cannot use {address!r} as a controller's address: {error.strerror}") from None

    async def receive(self) -> bytes:
        message: bytes = await self._socket.recv()
        return message

    async def send(self, message: bytes) -> None:
        await self._socket.send(message)


class LocalHub:
    """A hub within this process; `spoke(name)` makes its agents' ends."""

    def __init__(self) -> None:
        self._inbox: asyncio.Queue[tuple[bytes, bytes]] = asyncio.Queue()
        self._spokes: dict[bytes, LocalSpoke] = {}

    def spoke(self, name: str) -> LocalSpoke:
        """The end of an agent called `name`; it takes the place of an earlier one."""
        spoke = LocalSpoke(name.encode(), self._inbox)
        self._spokes[name.encode()] = spoke
        return spoke

    async def receive(self) -> tuple[bytes, bytes]:
        return await self._inbox.get()

    async def send(self, peer: bytes, message: bytes) -> None:
        if peer not in self._spokes:
            raise WorldError(f"cannot reach {peer.decode(errors='replace')}: no such peer")
        self._spokes[peer].inbox.put_nowait(message)

    def close(self) -> None:
        self._spokes.clear()


class LocalSpoke:
    """An agent's end within this process; made by `LocalHub.spoke`."""

    def __init__(self, name: bytes, hub_inbox: asyncio.Queue[tuple[bytes, bytes]]) -> None:
        self._name = name
        self._hub_inbox = hub_inbox
        self.inbox: asyncio.Queue[bytes] = asyncio.Queue()

    async def receive(self) -> bytes:
        return await self.inbox.get()

    async def send(self, message: bytes) -> None:
        self._hub_inbox.put_nowait((self._name, message))

    def close(self) -> None:
        """Nothing to let go of."""
