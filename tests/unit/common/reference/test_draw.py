"""What is drawn by counting is Philox, as it was published, in C and in the reference."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plctl.agent.native import _core
from plctl.common.reference.draw import Words, draw, philox

PI = (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344)
ONES = 0xFFFFFFFF


@pytest.mark.parametrize(
    ("expected", "counter", "key"),
    [
        ((0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8), (0, 0, 0, 0), (0, 0)),
        ((0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD), (ONES,) * 4, (ONES, ONES)),
        ((0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1), PI, (0xA4093822, 0x299F31D0)),
    ],
)
def test_the_reference_is_the_published_generator(expected: Words, counter: Words, key: tuple[int, int]) -> None:
    """The known answers that its authors publish with Random123."""
    assert expected == philox(counter, key)


@given(st.integers(-(2**63), 2**63 - 1), st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1))
def test_the_core_draws_the_same(key: int, purpose: int, n: int) -> None:
    """For any key, purpose and frame."""
    assert draw(key, purpose, n) == _core.draw(key, purpose, n)
