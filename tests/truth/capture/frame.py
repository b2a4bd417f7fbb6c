"""Reads captured frames: which of the sender's datagrams it is, and whether it is still what left."""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace
from typing import NamedTuple

from truth.programs.sender import HEADER, MAGIC

_ETHERNET, _IP, _UDP = 14, 20, 8
_PAYLOAD = _ETHERNET + _IP + _UDP
_IPV4, _UDP_NUMBER = 0x0800, 17
_FRAGMENT = 0x3FFF  #: more fragments, or an offset


class Number(NamedTuple):
    """Which datagram: of which link and way (0: up, 1: down), the how manieth."""

    link: int
    way: int
    number: int


@dataclass(frozen=True)
class Frame:
    """A frame that was seen. What is not one of the sender's datagrams has no number."""

    stamp_ns: int
    length: int  #: bytes with the Ethernet header
    outgoing: bool
    number: Number | None
    digest: int = 0  #: of every byte: what left and what came are the same frame, or not
    summed: bool = True  #: the UDP checksum is right

    def moved(self, by_ns: int) -> Frame:
        """On another clock."""
        return replace(self, stamp_ns=self.stamp_ns + by_ns)


def read_frame(data: bytes, stamp_ns: int, length: int, *, outgoing: bool, finished: bool) -> Frame:
    """The frame `data`; `finished`: its checksum is not left for later."""
    place = data.find(MAGIC, 0, _PAYLOAD + len(MAGIC))
    if place != _PAYLOAD or data[12:14] != _IPV4.to_bytes(2) or data[23] != _UDP_NUMBER:
        return Frame(stamp_ns, length, outgoing, None)
    _, link, way, _, number = HEADER.unpack_from(data, _PAYLOAD)
    whole = not int.from_bytes(data[20:22]) & _FRAGMENT  # a part of a datagram has no checksum of its own
    summed = not whole or (finished and _is_summed(data))
    return Frame(stamp_ns, length, outgoing, Number(link, way, number), hash(data), summed)


def _is_summed(data: bytes) -> bool:
    """Whether the UDP checksum over the pseudo header is right, or absent as IPv4 allows."""
    datagram = data[_ETHERNET + _IP :]
    if datagram[6:8] == b"\0\0":
        return True
    pseudo = data[26:34] + struct.pack("!HH", _UDP_NUMBER, len(datagram))
    whole = pseudo + datagram + b"\0" * (len(datagram) % 2)
    return int.from_bytes(whole) % 0xFFFF == 0
