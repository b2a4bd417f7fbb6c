"""Turns the dataclasses that travel between processes into msgpack and back, trusting nothing that arrives.

The type hints are the schema: a dataclass is a map of its fields, and every value must have exactly the type that its
field declares. What does not fit is refused with the path to it (`body.links[3].mtu: expected int, got str`).
Many of one kind may travel as a `Table`, in columns, which costs less than a map each; what many places hold travels
once (`Shared`).
"""

from __future__ import annotations

import msgpack

from plctl.common.base.errors import ProtocolError
from plctl.common.protocol.wire_decoders import from_plain
from plctl.common.protocol.wire_encoders import to_plain
from plctl.common.protocol.wire_types import References, Table

__all__ = [
    "MAX_ITEMS",
    "MAX_MESSAGE_BYTES",
    "References",
    "Table",
    "from_plain",
    "pack",
    "to_plain",
    "unpack",
]

#: The largest message either side accepts, in bytes: a plan of a thousand links with long schedules fits with room.
MAX_MESSAGE_BYTES = 64 * 2**20
#: No list or map of a message may be longer; what is longer is sent in parts.
MAX_ITEMS = 2_000_000


def pack(plain: object) -> bytes:
    """`plain` (maps, lists, strings, bytes, ints, floats, bools) as msgpack.

    :raises ProtocolError: the result is larger than `MAX_MESSAGE_BYTES`.
    """
    data: bytes = msgpack.packb(plain, use_bin_type=True)
    if len(data) > MAX_MESSAGE_BYTES:
        raise ProtocolError(f"cannot send a message of {len(data)} bytes; the limit is {MAX_MESSAGE_BYTES}")
    return data


def unpack(data: bytes) -> object:
    """The plain value in `data`.

    :raises ProtocolError: not one complete msgpack value, or one with something larger than the limits.
    """
    if len(data) > MAX_MESSAGE_BYTES:
        raise ProtocolError(f"message of {len(data)} bytes; the limit is {MAX_MESSAGE_BYTES}")
    try:
        return msgpack.unpackb(
            data, raw=False, strict_map_key=True, max_array_len=MAX_ITEMS, max_map_len=MAX_ITEMS, max_ext_len=0
        )
    except (ValueError, msgpack.UnpackException, RecursionError) as error:
        raise ProtocolError(f"not a msgpack message: {error or type(error).__name__}") from None
