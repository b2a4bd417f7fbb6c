"""IP packets in Ethernet frames, made by hand, with what queues look at: ECN, flows, VLAN tags, fragments."""

from __future__ import annotations

import struct

MACS = bytes(12)
NOT_ECT, ECT_1, ECT_0, CE = range(4)
UDP, TCP, FRAGMENT = 17, 6, 44
TAGS = {"untagged": b"", "tagged": bytes.fromhex("8100 2005"), "QinQ": bytes.fromhex("88a8 0064 8100 2005")}


def checksum(header: bytes) -> int:
    """The Internet checksum (RFC 1071): 0 of a header that holds its own."""
    total = sum(struct.unpack(f"!{len(header) // 2}H", header))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ipv4(
    tos: int = 0, *, protocol: int = UDP, ports: tuple[int, int] = (1000, 53), source: int = 1, offset: int = 0,
    identity: int = 7, options: bytes = b"",
) -> bytes:  # fmt: skip
    """A packet; `offset` is the field with the fragment's flags and offset."""
    head = struct.pack("!BBHHHBBHII", 0x45 + len(options) // 4, tos, 40, identity, offset, 64, protocol, 0, source, 2)
    head += options
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + struct.pack("!HH", *ports) + b"payload"


def ipv6(traffic_class: int = 0, *, protocol: int = UDP, ports: tuple[int, int] = (1000, 53), source: int = 1) -> bytes:
    """A packet."""
    first = 6 << 28 | traffic_class << 20 | 0xABCDE
    head = struct.pack("!IHBB16s16s", first, 40, protocol, 64, bytes([source] * 16), bytes(16))
    return head + struct.pack("!HH", *ports) + b"payload"


def frame(packet: bytes, tags: bytes = b"") -> bytes:
    """In Ethernet, behind VLAN tags."""
    return MACS + tags + (b"\x08\x00" if packet[0] >> 4 == 4 else b"\x86\xdd") + packet
