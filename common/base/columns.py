"""Rows of whole numbers as they travel: a string of little-endian 64-bit integers for each column.

Only the standard library is needed to write them, no number is looked at one by one to read them, and a columnar
library can use the bytes where they lie.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable, Mapping, Sequence

from plctl.common.base.errors import ProtocolError

#: Of one number.
NUMBER_BYTES = 8

Packed = Mapping[str, bytes]


def pack(names: Sequence[str], rows: Iterable[Sequence[int]]) -> dict[str, bytes]:
    """The columns of `rows`, each of which has a number for every one of `names`.

    :raises ValueError: a row is longer or shorter.
    :raises OverflowError: a number has more than 64 bits.
    """
    columns = tuple(zip(*rows, strict=True)) or ((),) * len(names)
    return {name: _little(array("q", column)).tobytes() for name, column in zip(names, columns, strict=True)}


def unpack(column: bytes) -> Sequence[int]:
    """The numbers in `column`, whose length `rows` has checked."""
    numbers = array("q")
    numbers.frombytes(column)
    return _little(numbers)


def rows(columns: Packed, names: Sequence[str]) -> int:
    """How many rows there are in `columns`, which must be those of `names`, in any order, and equally long.

    :raises ProtocolError: they are not.
    """
    if wrong := columns.keys() ^ set(names):
        raise ProtocolError(f"missing or unknown column {min(wrong)!r:.80}")
    sizes = {len(column) for column in columns.values()}
    if len(sizes) != 1 or (size := sizes.pop()) % NUMBER_BYTES:
        raise ProtocolError("columns that are not equally long, or not whole numbers of 8 bytes")
    return size // NUMBER_BYTES


def check_range(columns: Packed, name: str, size: int) -> None:
    """Every number of column `name` must be an index into a list of `size`.

    :raises ProtocolError: one is not.
    """
    numbers = array("Q")  # without a sign, what is below 0 is above everything: one comparison each
    numbers.frombytes(columns[name])
    if numbers and max(_little(numbers)) >= size:
        raise ProtocolError(f"column {name!r} refers to what is not there")


def to_little_endian(numbers: array[int]) -> bytes:
    """The bytes of `numbers`, little-endian."""
    return _little(array(numbers.typecode, numbers)).tobytes() if sys.byteorder == "big" else numbers.tobytes()


def _little(numbers: array[int]) -> array[int]:
    """From or to little-endian order, which is most machines' own."""
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers
