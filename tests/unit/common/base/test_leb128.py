"""Numbers in LEB128 come back as they went, however long, and what is none is refused."""

from __future__ import annotations

from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plctl.common.base import leb128

NUMBERS = st.lists(st.integers(0, 200) | st.integers(0, 2**63 - 1), max_size=300)


@given(NUMBERS)
def test_what_is_decoded_is_what_was_encoded(numbers: list[int]) -> None:
    """And their count is known without decoding."""
    data = leb128.encode(numbers)
    assert (numbers, len(numbers)) == ([*chain(*leb128.decode(data))], leb128.count(data))


def test_the_bytes_are_those_of_the_format() -> None:
    """Seven bits in each byte, the lowest first; all but the last have the eighth set (DWARF 5, section 7.6)."""
    assert bytes([2, 127, 0x80, 1, 0x81, 1, 0xB9, 0x64]) == leb128.encode([2, 127, 128, 129, 57 + 128 * 100])


def test_millions_come_in_pieces() -> None:
    """No piece has more than the numbers that fit into a few of the interpreter's own loops."""
    data = bytes(100_000) + leb128.encode([300]) * 100_000
    assert max(map(len, leb128.decode(data))) < 150_000
    assert 200_000 == sum(map(len, leb128.decode(data)))


@pytest.mark.parametrize(
    ("data", "words"),
    [(b"\x05\x85", "broken off"), (b"\xff" * 9 + b"\x01", "more than 63 bits"), (b"\xff" * 100_000, "broken off")],
)
def test_what_is_none_is_refused(data: bytes, words: str) -> None:
    """At once, and by name."""
    with pytest.raises(ValueError, match=words):
        [*leb128.decode(data)]


def test_nothing_is_negative() -> None:
    """Among small numbers as among large ones."""
    for numbers in ([-1], [1000, -1]):
        with pytest.raises(ValueError, match="-1 is negative"):
            leb128.encode(numbers)
