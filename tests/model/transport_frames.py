"""TCP and UDP frames built from their fields, one by one: what segmentation should make, without any segmentation.

A `Flow` holds what all segments of a super-frame share. `Flow.frame` builds one frame, `Flow.super_frame` a super-frame
with the virtio header that Linux gives it. Nothing here edits bytes of another frame, as the core and the kernel do.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from model.ip_frames import MACS, checksum

TCP, UDP = 6, 17
FIN, SYN, RST, PSH, ACK, URG, ECE, CWR = (1 << bit for bit in range(8))
NEEDS_CSUM, DATA_VALID = 1, 2  #: flags of a virtio header
GSO_NONE, GSO_TCPV4, GSO_UDP, GSO_TCPV6, GSO_UDP_L4, GSO_ECN = 0, 1, 3, 4, 5, 0x80
VIRTIO = struct.Struct("=BBHHHH")  #: flags, type, bytes of headers, bytes of payload a segment, csum_start, csum_offset
NO_SUPER_FRAME = bytes(VIRTIO.size)


def internet_sum(data: bytes) -> int:
    """The one's complement sum of 16-bit words."""
    return ~checksum(data + bytes(len(data) % 2)) & 0xFFFF


@dataclass(frozen=True)
class Flow:
    """What the segments of a super-frame have in common; `id` and `seq` are those of the first."""

    version: int = 4
    protocol: int = TCP
    tags: bytes = b""
    tos: int = 0
    ttl: int = 64
    dont_fragment: bool = True
    id: int = 7
    ip_options: bytes = b""
    extensions: bytes = b""  #: of IPv6; the first is a destination options header
    flow_label: int = 0xABCDE
    ports: tuple[int, int] = (1000, 53)
    seq: int = 1
    ack: int = 2
    flags: int = ACK  #: of TCP, with CWR and what only the last segment has
    reserved: int = 0  #: the four bits beside the header's length, the lowest of which is AE
    window: int = 500
    tcp_options: bytes = b""

    def frame(self, payload: bytes, *, n: int = 0, offset: int = 0, last: bool = True, partial: bool = False) -> bytes:
        """One frame, the nth, its payload `offset` bytes behind the first one's."""
        transport = self._tcp(n, offset, last) if self.protocol == TCP else self._udp(payload)
        pseudo = self._pseudo(len(transport) + len(payload))
        found = internet_sum(pseudo) if partial else checksum_of(pseudo + transport + payload, self.protocol)
        at = self.csum_offset
        transport = transport[:at] + struct.pack("!H", found) + transport[at + 2 :]
        ethertype = b"\x08\x00" if self.version == 4 else b"\x86\xdd"
        return MACS + self.tags + ethertype + self._ip(n, len(transport) + len(payload)) + transport + payload

    def segments(self, payload: bytes, size: int) -> list[bytes]:
        """The frames of a super-frame with this payload, each complete."""
        count = -(-len(payload) // size)
        pieces = [payload[n * size : (n + 1) * size] for n in range(count)]
        return [self.frame(piece, n=n, offset=n * size, last=n + 1 == count) for n, piece in enumerate(pieces)]

    def super_frame(self, payload: bytes, size: int) -> tuple[bytes, bytes]:
        """One with `payload`, and its virtio header; `size` bytes a segment."""
        return self.frame(payload, partial=True), self.virtio(size if len(payload) > size else 0)

    def virtio(self, size: int) -> bytes:
        """The header before such a frame with a partial checksum; `size` 0: it is no super-frame."""
        kind = GSO_UDP_L4 if self.protocol == UDP else GSO_TCPV4 if self.version == 4 else GSO_TCPV6
        kind |= GSO_ECN if self.flags & CWR and self.protocol == TCP else 0
        head = self.head if size else 0
        return VIRTIO.pack(NEEDS_CSUM, kind if size else 0, head, size, self.transport, self.csum_offset)

    @property
    def transport(self) -> int:
        """Where TCP or UDP begins."""
        return 14 + len(self.tags) + (20 + len(self.ip_options) if self.version == 4 else 40 + len(self.extensions))

    @property
    def head(self) -> int:
        """Where the payload begins."""
        return self.transport + (20 + len(self.tcp_options) if self.protocol == TCP else 8)

    @property
    def csum_offset(self) -> int:
        """Where the checksum is in the transport's header."""
        return 16 if self.protocol == TCP else 6

    def _ip(self, n: int, behind: int) -> bytes:
        if self.version == 6:
            first = 6 << 28 | self.tos << 20 | self.flow_label
            following = 60 if self.extensions else self.protocol
            fixed = struct.pack("!IHBB", first, len(self.extensions) + behind, following, self.ttl)
            return fixed + self._address(1) + self._address(2) + self.extensions
        length = 20 + len(self.ip_options)
        head = struct.pack(
            "!BBHHHBBH", 0x40 + length // 4, self.tos, length + behind, (self.id + n) & 0xFFFF,
            0x4000 * self.dont_fragment, self.ttl, self.protocol, 0,
        ) + self._address(1) + self._address(2) + self.ip_options  # fmt: skip
        return head[:10] + struct.pack("!H", checksum(head)) + head[12:]

    def _address(self, number: int) -> bytes:
        return bytes([10, 99, 0, number]) if self.version == 4 else bytes([0xFD, *bytes(14), number])

    def _pseudo(self, length: int) -> bytes:
        numbers = ("!II", length, self.protocol) if self.version == 6 else ("!HH", self.protocol, length)
        return self._address(1) + self._address(2) + struct.pack(*numbers)

    def _tcp(self, n: int, offset: int, last: bool) -> bytes:
        flags = self.flags & ~(0 if last else FIN | PSH) & ~(CWR if n else 0)
        doff = 5 + len(self.tcp_options) // 4
        return struct.pack(
            "!HHIIBBHHH", *self.ports, (self.seq + offset) & 0xFFFFFFFF, self.ack, doff << 4 | self.reserved, flags,
            self.window, 0, 0,
        ) + self.tcp_options  # fmt: skip

    def _udp(self, payload: bytes) -> bytes:
        return struct.pack("!HHHH", *self.ports, 8 + len(payload), 0)


def checksum_of(data: bytes, protocol: int) -> int:
    """A transport's; UDP writes 0 as its other form."""
    return checksum(data + bytes(len(data) % 2)) or (0xFFFF if protocol == UDP else 0)
