"""What left a link of a frame that arrived with known bytes: with CE where the queue set it, with the flipped bit."""

from __future__ import annotations

from typing import Final

from plctl.common.plan.run_plan import ETHERNET_HEADER

_TYPE_AT: Final = 12
_TAGS: Final = frozenset({0x8100, 0x88A8, 0x9100})
_TAG_BYTES: Final = 4
_IPV4, _IPV6 = 0x0800, 0x86DD
_CE: Final = 3


def departed(data: bytes, *, marked: bool, bit: int | None) -> bytes:
    """The first bytes of a frame as it left, of which `data` arrived.

    :param marked: the emulated queue set CE in its IP header.
    :param bit: which one the path flipped, of those behind the Ethernet header; None: none.
    """
    frame = bytearray(data)
    if marked:
        _mark(frame)
    if bit is not None and (at := ETHERNET_HEADER + bit // 8) < len(frame):
        frame[at] ^= 0x80 >> bit % 8
    return bytes(frame)


def is_kept(bit: int, kept_bytes: int) -> bool:
    """Whether a bit behind the Ethernet header is among so many first bytes of its frame."""
    return ETHERNET_HEADER + bit // 8 < kept_bytes


def _mark(frame: bytearray) -> None:
    """Set CE as headers_mark_ce() of the C core does, as far as the header is there."""
    at = _TYPE_AT
    while (kind := _word(frame, at)) in _TAGS:
        at += _TAG_BYTES
    head = at + 2
    if kind == _IPV4 and len(frame) >= head + 12:
        old, checksum = _word(frame, head), _word(frame, head + 10)
        frame[head + 1] |= _CE
        frame[head + 10 : head + 12] = _renewed(checksum, old, old | _CE).to_bytes(2, "big")
    elif kind == _IPV6 and len(frame) >= head + 2:
        frame[head + 1] |= _CE << 4


def _renewed(checksum: int, old: int, new: int) -> int:
    """A checksum once a word that it covers is another (RFC 1624, equation 3)."""
    total = (~checksum & 0xFFFF) + (~old & 0xFFFF) + new
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF


def _word(frame: bytearray, at: int) -> int:
    return int.from_bytes(frame[at : at + 2], "big")
