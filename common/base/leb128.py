"""Numbers as strings of bytes, most of them one byte each: LEB128, seven bits a byte, the lowest first.

What is small costs no more than a byte, and tens of millions of such numbers are looked at by the interpreter's own
loops.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator, Sequence
from functools import lru_cache

_PIECE = 65536
_PIECES = re.compile(rb"[\x00-\x7f]{1,65536}|[\x80-\xff]+[\x00-\x7f]")
#: What is less takes one byte, which is it.
ONE_BYTE = 128
_HIGH = bytes(range(ONE_BYTE, 256))


def encode(numbers: Sequence[int]) -> bytes:
    """`numbers`, none of which is negative.

    :raises ValueError: one is.
    """
    try:
        plain = bytes(iter(numbers))
    except ValueError:  # one is not from 0 to 255
        plain = _HIGH
    if plain.isascii():
        return plain
    parts, begin = [], 0
    for place in [place for place, number in enumerate(numbers) if not 0 <= number < ONE_BYTE]:
        parts += [bytes(iter(numbers[begin:place])), _encoded(numbers[place])]
        begin = place + 1
    return b"".join([*parts, bytes(iter(numbers[begin:]))])


@lru_cache(maxsize=4096)  # a trace has few different numbers
def _encoded(number: int) -> bytes:
    if number < 0:
        raise ValueError(f"{number} is negative")
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    found.append(number)
    return bytes(found)


def count(data: bytes) -> int:
    """How many numbers there are."""
    return len(data) if data.isascii() else len(data.translate(None, _HIGH))


def total(data: bytes) -> int:
    """The sum of the numbers.

    :raises ValueError: as `decode`.
    """
    return sum(data) if data.isascii() else sum(map(sum, decode(data)))


def greatest(data: bytes) -> int:
    """The greatest of the numbers, of which there is one at least.

    :raises ValueError: as `decode`.
    """
    return max(data) if data.isascii() else max(map(max, decode(data)))


def decode(data: bytes) -> Iterator[array[int]]:
    """The numbers in `data`, as signed 64-bit integers, some thousands at a time.

    :raises ValueError: the last is broken off, or one has more than 63 bits.
    """
    if data[-1:] > b"\x7f":
        raise ValueError("the last number is broken off")
    found = array("q")
    for match in _PIECES.finditer(data):
        piece = match[0]
        if piece.isascii():
            found.extend(piece)
        else:
            found.append(_decoded(piece))
        if len(found) >= _PIECE:
            yield found
            found = array("q")
    if found:
        yield found


def _decoded(piece: bytes) -> int:
    number = 0
    for byte in reversed(piece):
        number = number << 7 | byte & 0x7F
    if number >= 2**63:
        raise ValueError("a number has more than 63 bits")
    return number
