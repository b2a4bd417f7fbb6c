"""Blocks of a capture in the pcapng format (draft-ietf-opsawg-pcapng): a section, its interfaces, its packets.

Little-endian. Times are nanoseconds since 1970 (`if_tsresol` 9). Options of a block may hold comments in UTF-8.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final

#: Direction of a packet as the interface saw it, in `epb_flags`.
INBOUND: Final = 1
OUTBOUND: Final = 2

_SECTION, _INTERFACE, _PACKET = 0x0A0D0D0A, 1, 6
_BYTE_ORDER = 0x1A2B3C4D
_ETHERNET = 1
_COMMENT = 1  # of every block
_OS, _APPLICATION = 3, 4  # of a section
_NAME, _DESCRIPTION, _RESOLUTION, _HARDWARE = 2, 3, 9, 15  # of an interface
_FLAGS, _PACKET_ID = 2, 5  # of a packet
_NANOSECONDS = b"\x09"
#: The longest value of an option.
_LONGEST = 65_535

Option = tuple[int, bytes]


def section(*, application: str, system: str, comments: Sequence[str]) -> bytes:
    """The block that a capture begins with; its length is left open, so that it can be a stream."""
    options = [_text(_COMMENT, comment) for comment in comments]
    options += [_text(code, text) for code, text in ((_OS, system), (_APPLICATION, application)) if text]
    return _block(_SECTION, struct.pack("<IHHq", _BYTE_ORDER, 1, 0, -1), options)


def interface(name: str, description: str, *, hardware: str, kept_bytes: int) -> bytes:
    """An Ethernet interface; the first one of a section is number 0. `kept_bytes` of each frame: 0 are all."""
    options = [_text(_NAME, name), _text(_DESCRIPTION, description), (_RESOLUTION, _NANOSECONDS)]
    return _block(_INTERFACE, struct.pack("<HHI", _ETHERNET, 0, kept_bytes), [*options, _text(_HARDWARE, hardware)])


def packet(
    interface_number: int, t_ns: int, data: bytes, *, length: int, flags: int, packet_id: int, comment: str
) -> bytes:
    """A frame of `length` bytes at an interface, of which `data` was kept.

    :param flags: `INBOUND` or `OUTBOUND`.
    :param packet_id: the same for one frame at several interfaces.
    """
    head = struct.pack("<IIIII", interface_number, t_ns >> 32, t_ns & 0xFFFFFFFF, len(data), length)
    facts = [(_FLAGS, struct.pack("<I", flags)), (_PACKET_ID, struct.pack("<Q", packet_id))]
    return _block(_PACKET, head + _padded(data), [_text(_COMMENT, comment), *facts])


def _text(code: int, text: str) -> Option:
    data = text.encode("utf-8", "replace")
    return code, data[:_LONGEST].decode("utf-8", "ignore").encode() if len(data) > _LONGEST else data


def _block(kind: int, body: bytes, options: Sequence[Option]) -> bytes:
    parts = [struct.pack("<HH", code, len(value)) + _padded(value) for code, value in options]
    whole = body + b"".join([*parts, b"\0\0\0\0"])
    length = struct.pack("<I", len(whole) + 12)
    return struct.pack("<I", kind) + length + whole + length


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
