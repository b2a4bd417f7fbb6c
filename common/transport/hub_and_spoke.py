"""How bytes get from one process to another: one interface, over ZeroMQ sockets or within the process for tests.

A `Hub` is the controller's end and knows who each of its peers is; a `Spoke` is the end of an agent or of a client, and
knows one hub. Connections come and go underneath; both ends only see messages, whole and in order per peer, or their
absence. Over TCP all is encrypted and peers are who their keys say (see zap.py); over ipc the file's mode decides.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import zmq
import zmq.asyncio

from plctl.common.base.clock import RealClock
from plctl.common.base.errors import UserError, WorldError
from plctl.common.protocol.roles import Role
from plctl.common.security.allow_list import AllowList
from plctl.common.security.keys import KeyPair, SpokeKeys
from plctl.common.transport import socket_options
from plctl.common.transport.connections import ConnectionWatch, DialWatch
from plctl.common.transport.refusals import Refusal, Refusals
from plctl.common.transport.zap import DOMAIN, ZapResponder

#: After so many messages the event loop gets a turn. While messages are queued, awaiting the next one gives it none,
#: and a flood would keep it from answering handshakes and from its timers.
YIELD_EVERY = 32


@dataclass(frozen=True, slots=True)
class Peer:
    """Who sent a message, as the transport knows it and not as the message claims. An answer goes to its `route`."""

    name: str
    role: Role = "agent"
    address: str = "local"  #: IP address
    route: str = ""  #: the name and a random part that only this peer knows: nobody else can take its place


@dataclass(frozen=True, slots=True)
class HubKeys:
    """What a hub needs to listen on TCP."""

    pair: KeyPair
    allowed: AllowList


class Hub(Protocol):
    """The controller's end."""

    async def receive(self) -> tuple[Peer, bytes]:
        """The next message and who sent it."""

    async def send(self, peer: Peer, message: bytes) -> None:
        """Hand `message` to `peer`.

        :raises WorldError: there is no such peer now, or it has not read for long.
        """

    def left(self, peer: Peer) -> None:
        """`peer` said goodbye; the end of its connection is no surprise."""

    def close(self) -> None:
        """Let go of the socket; idempotent."""


class Spoke(Protocol):
    """An agent's end."""

    async def connected(self) -> None:
        """Return once there is a new connection to the hub, the first one too: it is to begin with an introduction."""

    async def receive(self) -> bytes:
        """The next message."""

    async def send(self, message: bytes) -> None:
        """Hand `message` to the hub, now or when it is there again."""

    def close(self) -> None:
        """Let go of the socket; idempotent."""


class _Socket:
    """What both ZeroMQ ends share: limits set before the first byte, helpers in the background, and an orderly end."""

    def __init__(self, kind: int, context: zmq.asyncio.Context | None = None) -> None:
        self._shared = context is not None
        self._context: zmq.asyncio.Context | None = context or zmq.asyncio.Context()
        self._socket = self._context.socket(kind)
        self._helpers: list[asyncio.Task[None]] = []
        self._closers: list[Callable[[], None]] = []
        socket_options.limit(self._socket)

    def close(self) -> None:
        if self._context is not None:
            for helper in self._helpers:
                helper.cancel()
            for close in self._closers:
                close()
            self._socket.close()
            if not self._shared:
                self._context.term()
            self._context = None


class ZmqHub(_Socket):
    """A ROUTER that listens on `address` (ipc://… or tcp://HOST:PORT). On TCP it needs `keys` and a running event loop.

    A process that comes again takes the place of its old connection, which may look alive for long.
    """

    def __init__(self, address: str, keys: HubKeys | None = None, refusals: Refusals | None = None) -> None:
        """Listen.

        :raises UserError: on TCP without keys.
        :raises WorldError: the address cannot be listened on.
        """
        secure = _is_tcp(address)
        if secure and keys is None:
            raise UserError(f"cannot listen on {address} without keys; make them with: plctl controller init")
        super().__init__(zmq.ROUTER)
        self._allowed = keys.allowed if keys and secure else None
        self._refusals = refusals or Refusals(RealClock())
        self._watch: ConnectionWatch | None = None
        self._received = 0
        self._at_once: zmq.Socket[bytes] = zmq.Socket.shadow(self._socket.underlying)
        self._socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
        self._socket.setsockopt(zmq.ROUTER_HANDOVER, 1)
        if keys and secure:
            self._secure(keys)
        try:
            self._socket.bind(address)
        except zmq.ZMQError as error:
            self.close()
            raise WorldError(f"cannot listen on {address}: {error.strerror}") from None
        self.address = self._socket.getsockopt_string(zmq.LAST_ENDPOINT)  #: with the port, where the system chose it
        if not secure:
            Path(address.removeprefix("ipc://")).chmod(0o600)

    async def receive(self) -> tuple[Peer, bytes]:
        while True:
            frames = await self._next_frames()
            self._received += 1
            if self._received % YIELD_EVERY == 0:
                await asyncio.sleep(0)
            if peer := self._identify(frames):
                return peer, frames[1].bytes

    async def _next_frames(self) -> list[zmq.Frame]:
        """A future for each message would cost as much as its handling: only what is not here yet is waited for."""
        try:
            return self._at_once.recv_multipart(zmq.NOBLOCK, copy=False)
        except zmq.Again:
            frames: list[zmq.Frame] = await self._socket.recv_multipart(copy=False)
            return frames

    async def send(self, peer: Peer, message: bytes) -> None:
        try:
            # Never wait: whoever does not read must not keep the others from being answered.
            await self._socket.send_multipart([peer.route.encode(), message], zmq.NOBLOCK)
        except zmq.Again:
            raise WorldError(f"cannot reach {peer.name}: it has not read for long") from None
        except zmq.ZMQError as error:
            raise WorldError(f"cannot reach {peer.name}: {error.strerror}") from None

    def left(self, peer: Peer) -> None:
        if self._watch:
            self._watch.left(peer.name)

    def _secure(self, keys: HubKeys) -> None:
        """Speak only CURVE, only with those on the list; libzmq lets nobody in while nobody answers for `DOMAIN`."""
        assert self._context is not None
        socket_options.for_network(self._socket)
        socket_options.for_many_peers(self._socket)
        self._socket.setsockopt(zmq.ZAP_DOMAIN, DOMAIN)
        self._socket.setsockopt(zmq.ZAP_ENFORCE_DOMAIN, 1)
        self._socket.curve_server = True
        self._socket.curve_publickey = keys.pair.public.encode()
        self._socket.curve_secretkey = keys.pair.secret.encode()
        responder = ZapResponder(self._context, keys.allowed, self._refusals)
        self._watch = ConnectionWatch(self._socket, self._refusals)
        self._closers += [responder.close, self._watch.close]
        self._helpers.append(asyncio.create_task(responder.serve()))

    def _identify(self, frames: list[zmq.Frame]) -> Peer | None:
        """Who sent `frames`, or None if that is nobody we listen to.

        The route is what the connection called itself, not the ROUTER's first frame: while a connection takes the place
        of another, libzmq gives what still comes from the old one a made-up routing id.
        """
        address = _property(frames[-1], "Peer-Address") or "local"
        route = _property(frames[-1], "Identity")
        claimed = route.rpartition("/")[0]
        if self._allowed is None:
            peer = Peer(claimed, route=route)
        else:
            key = _property(frames[-1], "User-Id")
            entry = self._allowed.by_key(key)
            if entry is None:
                self._refusals.add(Refusal.REVOKED, address, f"the key {key} is no longer on the allow-list")
                return None
            peer = Peer(entry.name, entry.role, address, route)
        if self._watch:
            self._watch.heard(int(frames[-1].get(zmq.SRCFD)), peer.name)
        if not claimed or claimed != peer.name:
            self._refusals.add(Refusal.NAME, address, f"a message under the name {claimed!r:.80}", peer.name)
            return None
        if len(frames) != 2:
            self._refusals.add(Refusal.FRAMES, address, f"a message of {len(frames) - 1} frames", peer.name)
            return None
        return peer


class ZmqSpoke(_Socket):
    """A DEALER that calls itself `name` and connects to `address`, again and again with growing pauses.

    Over TCP it needs `keys`, whose name must be `name`. `on_trouble` hears, in a sentence, why a connection failed.
    Needs a running event loop.
    """

    def __init__(
        self,
        address: str,
        name: str,
        keys: SpokeKeys | None = None,
        on_trouble: Callable[[str], None] | None = None,
        *,
        context: zmq.asyncio.Context | None = None,
    ) -> None:
        """Begin to connect. A `context` that is given is shared with others and outlives this end.

        :raises UserError: the address is none, keys are missing or another's.
        """
        secure = _is_tcp(address)
        if secure and keys is None:
            raise UserError(f"cannot connect to {address} without keys")
        if keys and keys.pair.name != name:
            raise UserError(f"the key is for {keys.pair.name}, so it cannot be used as {name}")
        super().__init__(zmq.DEALER, context)
        self._socket.setsockopt(zmq.IDENTITY, f"{name}/{secrets.token_hex(16)}".encode())
        self._socket.setsockopt(zmq.RECONNECT_IVL, 100)
        self._socket.setsockopt(zmq.RECONNECT_IVL_MAX, 5_000)
        if keys and secure:
            socket_options.for_network(self._socket)
            self._socket.curve_serverkey = keys.hub_public.encode()
            self._socket.curve_publickey = keys.pair.public.encode()
            self._socket.curve_secretkey = keys.pair.secret.encode()
        role = keys.pair.role if keys else "agent"
        self._watch = DialWatch(self._socket, address, role, on_trouble or (lambda _cause: None))
        self._closers.append(self._watch.close)
        try:
            self._socket.connect(address)
        except zmq.ZMQError as error:
            self.close()
            raise UserError(f"cannot use {address!r} as a controller's address: {error.strerror}") from None

    async def connected(self) -> None:
        await self._watch.connected()

    async def receive(self) -> bytes:
        message: bytes = await self._socket.recv()
        return message

    async def send(self, message: bytes) -> None:
        await self._socket.send(message)


class LocalHub:
    """A hub within this process; `spoke(name)` makes its agents' ends."""

    def __init__(self) -> None:
        self._inbox: asyncio.Queue[tuple[Peer, bytes]] = asyncio.Queue()
        self._spokes: dict[str, LocalSpoke] = {}

    def spoke(self, name: str, role: Role = "agent") -> LocalSpoke:
        """The end of an agent or client called `name`; it takes the place of an earlier one."""
        peer = Peer(name, role, route=f"{name}/{secrets.token_hex(16)}")
        spoke = LocalSpoke(peer, self._inbox)
        self._spokes = {route: old for route, old in self._spokes.items() if old.peer.name != name}
        self._spokes[peer.route] = spoke
        return spoke

    async def receive(self) -> tuple[Peer, bytes]:
        return await self._inbox.get()

    async def send(self, peer: Peer, message: bytes) -> None:
        if peer.route not in self._spokes:
            raise WorldError(f"cannot reach {peer.name}: no such peer")
        self._spokes[peer.route].inbox.put_nowait(message)

    def left(self, peer: Peer) -> None:
        """Nobody watches connections here."""

    def close(self) -> None:
        self._spokes.clear()


class LocalSpoke:
    """An agent's end within this process; made by `LocalHub.spoke`."""

    def __init__(self, peer: Peer, hub_inbox: asyncio.Queue[tuple[Peer, bytes]]) -> None:
        self.peer = peer
        self._hub_inbox = hub_inbox
        self.inbox: asyncio.Queue[bytes] = asyncio.Queue()
        self._connected = asyncio.Event()
        self._connected.set()

    async def connected(self) -> None:
        await self._connected.wait()
        self._connected.clear()

    async def receive(self) -> bytes:
        return await self.inbox.get()

    async def send(self, message: bytes) -> None:
        self._hub_inbox.put_nowait((self.peer, message))

    def close(self) -> None:
        """Nothing to let go of."""


def _is_tcp(address: str) -> bool:
    """Whether `address` is on the network, where everything must be proved and encrypted.

    :raises UserError: it is of neither kind that plctl uses.
    """
    if address.startswith(("tcp://", "ipc://")):
        return address.startswith("tcp://")
    raise UserError(f"cannot use {address!r} as a controller's address; it is like tcp://HOST:PORT")


def _property(frame: zmq.Frame, name: str) -> str:
    """What libzmq knows of the connection that `frame` came over; empty if it does not, or if it is no text."""
    try:
        return str(frame.get(name))
    except (zmq.ZMQError, UnicodeDecodeError):
        return ""
