"""Numbers travel as bytes and come back as they were; what is not such bytes is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plctl.common.base import columns
from plctl.common.base.errors import ProtocolError

NUMBERS = st.integers(-(2**63), 2**63 - 1)


@given(st.lists(st.tuples(NUMBERS, NUMBERS)))
def test_rows_survive_being_packed(rows: list[tuple[int, int]]) -> None:
    """Whatever the numbers, each column has them in order, 8 bytes each, little end first."""
    packed = columns.pack(("a", "b"), rows)
    assert len(rows) == columns.rows(packed, ("b", "a"))
    assert rows == [*zip(columns.unpack(packed["a"]), columns.unpack(packed["b"]), strict=True)]
    assert b"".join(a.to_bytes(8, "little", signed=True) for a, _ in rows) == packed["a"]


def test_a_number_or_a_row_that_does_not_fit_is_refused() -> None:
    """Nothing is cut off: neither a number of more than 64 bits nor a row that has one too many."""
    with pytest.raises(OverflowError):
        columns.pack(("a",), [(2**63,)])
    with pytest.raises(ValueError, match="longer"):
        columns.pack(("a",), [(1, 2)])


def test_an_index_must_be_within_its_list() -> None:
    """Neither below nor beyond; no rows refer to nothing."""
    columns.check_range({"a": b""}, "a", 0)
    columns.check_range(columns.pack(("a",), [(0,), (4,)]), "a", 5)
    for number in (-1, 5):
        with pytest.raises(ProtocolError, match="'a' refers to what is not there"):
            columns.check_range(columns.pack(("a",), [(0,), (number,)]), "a", 5)
