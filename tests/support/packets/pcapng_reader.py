"""Reads pcapng captures as the format's specification has them, by none of our code: who writes them is held to it."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from fractions import Fraction

SECTION, INTERFACE, PACKET = 0x0A0D0D0A, 1, 6
COMMENT = 1
Options = dict[int, list[bytes]]


@dataclass
class Interface:
    """What an interface description block says."""

    link_type: int
    snap_length: int
    name: str
    description: str
    units_per_s: int


@dataclass
class Packet:
    """What an enhanced packet block says."""

    interface: int
    t_ns: int
    length: int
    data: bytes
    comments: list[str]
    flags: int
    packet_id: int


@dataclass
class Capture:
    """All of one section."""

    comments: list[str]
    application: str
    interfaces: list[Interface] = field(default_factory=list)
    packets: list[Packet] = field(default_factory=list)


def read_capture(data: bytes) -> Capture:
    """The one section that `data` holds; whatever the format does not allow fails."""
    found: Capture | None = None
    at = 0
    while at < len(data):
        kind, length = struct.unpack_from("<II", data, at)
        assert length % 4 == 0
        assert length == struct.unpack_from("<I", data, at + length - 4)[0], "both lengths of a block are the same"
        body = data[at + 8 : at + length - 4]
        at += length
        if kind == SECTION:
            assert found is None
            found = section_of(body)
            continue
        assert found is not None, "a section comes first"
        if kind == INTERFACE:
            found.interfaces.append(interface_of(body))
        else:
            assert kind == PACKET
            found.packets.append(packet_of(body, found.interfaces))
    assert found is not None
    return found


def section_of(body: bytes) -> Capture:
    """A section in little-endian order, version 1.0."""
    assert (0x1A2B3C4D, 1, 0) == struct.unpack_from("<IHH", body)
    options = options_in(body[16:])
    return Capture(texts(options, COMMENT), "".join(texts(options, 4)))


def interface_of(body: bytes) -> Interface:
    """Its options 2, 3 and 9: name, description, and the resolution of times, which is a power of ten here."""
    link_type, reserved, snap_length = struct.unpack_from("<HHI", body)
    assert 0 == reserved
    options = options_in(body[8:])
    ((exponent,),) = options[9]
    assert exponent < 128, "a power of two"
    return Interface(link_type, snap_length, *texts(options, 2), *texts(options, 3), 10**exponent)


def packet_of(body: bytes, interfaces: list[Interface]) -> Packet:
    """Its options 1, 2 and 5: comments, flags, and what it has in common with the same packet elsewhere."""
    number, high, low, kept, length = struct.unpack_from("<IIIII", body)
    rest = body[20 + kept :]
    padding = -kept % 4
    assert bytes(padding) == rest[:padding]
    options = options_in(rest[padding:])
    t_ns = Fraction((high << 32 | low) * 10**9, interfaces[number].units_per_s)
    assert t_ns.denominator == 1
    (flags,), (packet_id,) = options[2], options[5]
    return Packet(
        number, t_ns.numerator, length, body[20 : 20 + kept], texts(options, COMMENT),
        int.from_bytes(flags, "little"), int.from_bytes(packet_id, "little"),
    )  # fmt: skip


def options_in(data: bytes) -> Options:
    """Values by their codes; the end of options is the end of the block."""
    found: Options = {}
    at = 0
    while True:
        code, length = struct.unpack_from("<HH", data, at)
        value = data[at + 4 : at + 4 + length]
        assert len(value) == length
        at += 4 + length + -length % 4
        if code == 0:
            assert (0, len(data)) == (length, at)
            return found
        found.setdefault(code, []).append(value)


def texts(options: Options, code: int) -> list[str]:
    """An option's values as text."""
    return [value.decode() for value in options.get(code, [])]
