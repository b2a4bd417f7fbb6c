"""The probe's packets: what both ends may say, and `decode`, which answers None to whatever is not exactly that.

A session opens like this, so that no forged source address can make a server send traffic or spend memory:
client `ProbeHello(cookie=0)` → server `ProbeWelcome(cookie, accepted=False)` → client `ProbeHello(cookie)` → server
`ProbeWelcome(cookie, accepted=True)`. Then `Data` flows; at the end documents travel as `Chunk`s, each answered by a
`DocumentAck`.
"""

from __future__ import annotations

import struct
from enum import IntEnum, IntFlag
from typing import NamedTuple

from plctl.agent.probe.pattern import Pattern

_MAGIC = b"plp1"
_HEAD = struct.Struct("!4sB3xQ")
_HELLO = struct.Struct("!QQQQQQHB")
_WELCOME = struct.Struct("!QQ?")
_DATA = struct.Struct("!Qqq")
_CHUNK = struct.Struct("!BHH")
_ACK = struct.Struct("!BH")

#: Payload bytes of one chunk: fits any path that carries IPv6.
CHUNK_BYTES = 1000
#: Nothing but data is longer than this, and of data only the head matters.
HEAD_BYTES = _HEAD.size + _CHUNK.size + CHUNK_BYTES
#: The largest document that a peer may send, in chunks.
CHUNKS_MAX = 4_096


class Directions(IntFlag):
    """Which ways a session sends: `UP` is client → server."""

    UP = 1
    DOWN = 2
    BOTH = 3


class Document(IntEnum):
    """The documents that end a session, in their order."""

    FIN = 1  #: client → server: what the client has sent
    REPORT = 2  #: server → client: what arrived, and what the server has sent
    BYE = 3  #: client → server: the session's complete figures


class ProbeHello(NamedTuple):
    """Opens a session; `machine` tells whether both ends read one clock."""

    session: int
    cookie: int
    machine: int
    pattern: Pattern
    directions: Directions


class ProbeWelcome(NamedTuple):
    """Answers `ProbeHello`: the cookie to come back with, or that the session has begun."""

    session: int
    cookie: int
    machine: int
    accepted: bool


class Data(NamedTuple):
    """A probe packet: when it left and when its sender began, both on the sender's CLOCK_MONOTONIC."""

    session: int
    sequence: int
    sent_ns: int
    begun_ns: int


class Chunk(NamedTuple):
    """Part `number` (from 0) of `total` of a document."""

    session: int
    document: Document
    number: int
    total: int
    part: bytes


class DocumentAck(NamedTuple):
    """The first `have` chunks of a document have arrived."""

    session: int
    document: Document
    have: int


Message = ProbeHello | ProbeWelcome | Data | Chunk | DocumentAck
_KINDS: tuple[type[Message], ...] = (ProbeHello, ProbeWelcome, Data, Chunk, DocumentAck)


def encode(message: Message, size: int = 0) -> bytes:
    """`message` as a UDP payload, padded with zeros to `size` bytes."""
    head = _HEAD.pack(_MAGIC, _KINDS.index(type(message)), message.session)
    return (head + _encode_body(message)).ljust(size, b"\0")


def _encode_body(message: Message) -> bytes:
    match message:
        case Data():
            return _DATA.pack(*message[1:])
        case ProbeWelcome():
            return _WELCOME.pack(*message[1:])
        case DocumentAck():
            return _ACK.pack(*message[1:])
        case Chunk(_, document, number, total, part):
            return _CHUNK.pack(document, number, total) + part
        case ProbeHello(_, cookie, machine, p, directions):
            numbers = (cookie, machine, p.packets, p.period_ns, p.count, p.interval_ns, p.size)
            return _HELLO.pack(*numbers, directions)


def decode(payload: bytes) -> Message | None:
    """The message in `payload` (its first `HEAD_BYTES` suffice), or None if it is not one that an end may act on."""
    if len(payload) < _HEAD.size:
        return None
    magic, kind, session = _HEAD.unpack_from(payload)
    if magic != _MAGIC or kind >= len(_KINDS):
        return None
    try:
        if kind == 2:  # by far the most frequent, and the one that must be fast
            return Data(session, *_DATA.unpack_from(payload, _HEAD.size))
        return _decode_control(kind, session, payload)
    except (struct.error, ValueError):
        return None


def _decode_control(kind: int, session: int, payload: bytes) -> Message | None:
    body = payload[_HEAD.size :]
    if kind == 0:
        return _decode_hello(session, body)
    if kind == 1:
        return ProbeWelcome(session, *_WELCOME.unpack(body))
    if kind == 3:
        document, number, total = _CHUNK.unpack_from(body)
        legal = number < total <= CHUNKS_MAX
        return Chunk(session, Document(document), number, total, body[_CHUNK.size :]) if legal else None
    document, have = _ACK.unpack(body)
    return DocumentAck(session, Document(document), have)


def _decode_hello(session: int, body: bytes) -> ProbeHello | None:
    cookie, machine, packets, period_ns, count, interval_ns, size, directions = _HELLO.unpack(body)
    pattern = Pattern(packets, period_ns, count, size, interval_ns)
    if not 1 <= directions <= 3 or pattern.problem():
        return None
    return ProbeHello(session, cookie, machine, pattern, Directions(directions))
