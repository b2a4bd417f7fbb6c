"""Watches the connections under a socket: names those that fail before they have said a word, and dials again.

Where it listens, libzmq reports a failed handshake without the peer's address, but its I/O thread reports in order:
ACCEPTED with the connection's descriptor, then a failure, then at once DISCONNECTED with the same descriptor. The
address is read from the descriptor when it is accepted; a connection that has ended by then stays without one.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import socket
import struct
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import zmq
import zmq.asyncio

from plctl.common.protocol.roles import Role
from plctl.common.transport.refusals import Refusal, Refusals

UNKNOWN_ADDRESS = "unknown address"
#: After the end of a connection its last messages are still to be read; only then is it judged.
GRACE_SECONDS = 1.0
#: Pauses before dialling again grow from the first to the longest, give or take a half.
FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 5.0

_FAILURES = zmq.Event.HANDSHAKE_FAILED_AUTH | zmq.Event.HANDSHAKE_FAILED_PROTOCOL | zmq.Event.HANDSHAKE_FAILED_NO_DETAIL
#: What libzmq's codes of protocol errors mean (ZMQ_PROTOCOL_ERROR_… in zmq.h), where it helps to know.
_PROTOCOL_ERRORS = {
    0x11000001: "it used another public key of the controller than this one's, or forged a message",
    0x11000002: "it does not use CURVE",
}


@dataclass(slots=True)
class _Connection:
    address: str
    name: str = ""  #: of the peer, once it has said something
    left: bool = False  #: it said goodbye


class SocketEvents:
    """Hands the events of one socket, in order, to a function.

    It is called straight from the event loop and no task is woken, because connections end within microseconds.
    """

    def __init__(self, watched: zmq.asyncio.Socket, events: zmq.Event, handle: Callable[[int, int], None]) -> None:
        """Call `handle(event, value)` for `events` of `watched`, which must neither listen nor connect yet."""
        self._watched = watched
        endpoint = f"inproc://events-of-{watched.FD}"
        watched.monitor(endpoint, int(events))
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context.shadow(watched.context.underlying)
        self._socket = context.socket(zmq.PAIR)
        self._socket.linger = 0
        self._socket.connect(endpoint)
        self._handle = handle
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket.fileno(), self.catch_up)
        self.catch_up()  # libzmq signals the descriptor only after somebody has read until there was nothing more

    def catch_up(self) -> None:
        """Handle what has happened until now."""
        while True:
            try:
                head, _ = self._socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return
            self._handle(*struct.unpack("=HI", head))

    def close(self) -> None:
        """Report no more."""
        self._loop.remove_reader(self._socket.fileno())
        self._watched.disable_monitor()
        self._socket.close()


class ConnectionWatch:
    """Counts connections that end before their handshake does, and known peers' that are cut."""

    def __init__(self, listening: zmq.asyncio.Socket, refusals: Refusals) -> None:
        """Watch the connections of `listening`, which must not listen yet."""
        self._refusals = refusals
        self._open: dict[int, _Connection] = {}
        self._ending: dict[int, _Connection] = {}  #: ended, not judged yet
        self._judgements: deque[asyncio.TimerHandle] = deque()
        self._failure = ""  #: of the connection whose end will be reported next
        self._refused_keys = 0  #: connections that were counted when their keys were, and have not ended yet
        events = zmq.Event.ACCEPTED | zmq.Event.DISCONNECTED | _FAILURES
        self._events = SocketEvents(listening, events, self._handle)

    def heard(self, descriptor: int, name: str) -> None:
        """The peer `name` said something over the connection `descriptor`."""
        if descriptor not in self._open:
            self._events.catch_up()
        if connection := self._open.get(descriptor) or self._ending.get(descriptor):
            connection.name = name

    def left(self, name: str) -> None:
        """The peer `name` said goodbye: the end of its connections is no surprise."""
        for connection in (*self._open.values(), *self._ending.values()):
            connection.left = connection.left or connection.name == name

    def close(self) -> None:
        """Watch no more."""
        for judgement in self._judgements:
            judgement.cancel()
        self._events.close()

    def _handle(self, event: int, value: int) -> None:
        match event:
            case zmq.Event.ACCEPTED:
                self._open[value] = _Connection(_peer_address(value))
            case zmq.Event.HANDSHAKE_FAILED_AUTH:
                self._refused_keys += 1
            case zmq.Event.HANDSHAKE_FAILED_PROTOCOL:
                self._failure = _PROTOCOL_ERRORS.get(value, f"it broke the ZMTP protocol (libzmq's code {value:#x})")
            case zmq.Event.HANDSHAKE_FAILED_NO_DETAIL:
                self._failure = f"the handshake was broken off ({os.strerror(value)})"
            case zmq.Event.DISCONNECTED:
                self._end(value)

    def _end(self, descriptor: int) -> None:
        connection = self._open.pop(descriptor, None) or _Connection(UNKNOWN_ADDRESS)
        failure, self._failure = self._failure, ""
        if failure:
            self._refusals.add(Refusal.HANDSHAKE, connection.address, failure)
            return
        self._ending[descriptor] = connection
        loop = asyncio.get_running_loop()
        self._judgements.append(loop.call_later(GRACE_SECONDS, self._judge, descriptor, connection))

    def _judge(self, descriptor: int, connection: _Connection) -> None:
        self._judgements.popleft()
        if self._ending.get(descriptor) is connection:
            del self._ending[descriptor]
        if connection.left:
            return
        if connection.name:
            cause = "the connection ended without a goodbye"
            self._refusals.add(Refusal.CUT, connection.address, cause, connection.name)
        elif self._refused_keys:
            self._refused_keys -= 1
        else:
            cause = "the connection ended, or claimed too long a message, before it had said a word"
            self._refusals.add(Refusal.HANDSHAKE, connection.address, cause)


class DialWatch:
    """Watches the connecting end: tells of every new connection, and dials again where libzmq gives up.

    libzmq tries for ever to reach who does not listen, but never again whoever once refused its key.
    """

    def __init__(self, connecting: zmq.asyncio.Socket, address: str, role: Role, tell: Callable[[str], None]) -> None:
        """Watch `connecting`, which is about to connect to `address`; `tell` hears why that fails, once a cause.

        :param role: of whose key it uses, which decides what can be done where the key is refused.
        """
        self._socket = connecting
        self._address = address
        self._role: Role = role
        self._tell = tell
        self._said = ""
        self._established = False
        self._answered = False  #: somebody took the connection that is or was last under way
        self._pause_seconds = FIRST_PAUSE_SECONDS
        self._connected = asyncio.Event()
        self._redial: asyncio.TimerHandle | None = None
        events = zmq.Event.CONNECTED | zmq.Event.DISCONNECTED | zmq.Event.CONNECT_RETRIED
        events |= zmq.Event.HANDSHAKE_SUCCEEDED | _FAILURES
        self._events = SocketEvents(connecting, events, self._handle)

    async def connected(self) -> None:
        """Return once there is a new connection, the first one too."""
        await self._connected.wait()
        self._connected.clear()

    def close(self) -> None:
        """Watch no more."""
        if self._redial:
            self._redial.cancel()
        self._events.close()

    def _handle(self, event: int, value: int) -> None:
        match event:
            case zmq.Event.CONNECTED:
                self._answered = True
            case zmq.Event.HANDSHAKE_SUCCEEDED:
                self._said, self._pause_seconds, self._established = "", FIRST_PAUSE_SECONDS, True
                self._connected.set()
            case zmq.Event.DISCONNECTED:
                if self._established:
                    self._tell(f"the connection to {self._address} has ended")
                self._established = False
            case zmq.Event.CONNECT_RETRIED if self._answered:
                self._answered = False  # a connection has ended, of which its own event tells why; not one failed
            case _:
                self._fail(event, value)

    def _fail(self, event: int, value: int) -> None:
        """Say why, if that is another cause than before, and dial again where libzmq does not."""
        cause = _explain(event, value, self._role)
        if cause != self._said:
            self._said = cause
            self._tell(f"cannot connect to {self._address}: {cause}")
        if event in (zmq.Event.HANDSHAKE_FAILED_AUTH, zmq.Event.HANDSHAKE_FAILED_PROTOCOL):
            pause = self._pause_seconds * random.uniform(0.5, 1.5)
            self._pause_seconds = min(2 * self._pause_seconds, LONGEST_PAUSE_SECONDS)
            self._redial = asyncio.get_running_loop().call_later(pause, self._dial)

    def _dial(self) -> None:
        with contextlib.suppress(zmq.ZMQError):  # libzmq may have let go of the address by itself
            self._socket.disconnect(self._address)
        self._socket.connect(self._address)


def _explain(event: int, value: int, role: Role) -> str:
    match event:
        case zmq.Event.HANDSHAKE_FAILED_AUTH:
            command = "agent enroll NAME" if role == "agent" else f"controller grant NAME --role {role}"
            return f"the controller does not know this {role}'s key (it makes one with: plctl {command})"
        case zmq.Event.HANDSHAKE_FAILED_PROTOCOL:
            return f"whoever listens there does not speak CURVE as plctl does (libzmq's code {value:#x})"
        case zmq.Event.HANDSHAKE_FAILED_NO_DETAIL:
            return "it ends the handshake; is controller.pub in the keys folder that controller's?"
        case zmq.Event.CONNECT_RETRIED:
            return "nobody listens there, or a firewall is between"
    raise AssertionError(f"event {event} was not asked for")


def _peer_address(descriptor: int) -> str:
    """The IP address at the other end. The descriptor is libzmq's: it may be closed or something else's at any time."""
    copy = -1
    try:
        copy = os.dup(descriptor)
        with socket.socket(fileno=copy) as connection:
            copy = -1  # the socket's now, which closes it
            return str(connection.getpeername()[0])
    except (OSError, IndexError):
        return UNKNOWN_ADDRESS
    finally:
        if copy >= 0:
            os.close(copy)
