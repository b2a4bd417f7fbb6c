"""What is put aside on disk comes back as it was, and the disk is free again once nobody wants it."""

from __future__ import annotations

import os

import pytest
from support.small_disk import no_file_larger_than

from plctl.agent.service.spill import FOLDER, Spill


def test_pieces_come_back_as_they_were() -> None:
    """In any order, also from files that are full."""
    spill = Spill(segment_bytes=10)
    pieces = [bytes([number]) * number for number in range(1, 20)]
    places = [spill.put(piece) for piece in pieces]
    assert pieces[::-1] == [spill.get(place) for place in reversed(places)]
    assert sum(map(len, pieces)) == spill.size_bytes
    spill.close()


def test_a_file_is_given_up_with_its_last_piece() -> None:
    """Its bytes are free, those of the others are not touched, and new pieces find room again."""
    spill = Spill(segment_bytes=10)
    first, second, third = (spill.put(bytes([number]) * 6) for number in range(3))
    assert 18 == spill.size_bytes
    spill.drop(first)
    assert 18 == spill.size_bytes
    spill.drop(second)
    assert (6, b"\2" * 6) == (spill.size_bytes, spill.get(third))
    spill.drop(third)
    assert (0, b"new") == (spill.size_bytes, spill.get(spill.put(b"new")))
    spill.close()


def test_no_file_has_a_name() -> None:
    """Whoever looks into the folder finds nothing, so a killed agent leaves nothing there."""
    before = set(os.listdir(FOLDER))  # noqa: PTH208  (names are what this is about)
    spill = Spill()
    spill.put(b"x")
    mine = {name for name in set(os.listdir(FOLDER)) - before if name.startswith("plctl-")}  # noqa: PTH208
    assert set() == mine
    spill.close()


def test_a_disk_that_refuses_keeps_nothing_of_a_piece() -> None:
    """After a piece that did not fit, all others can be read, and its room is not counted as used."""
    spill = Spill()
    first = spill.put(b"kept")
    with no_file_larger_than(6), pytest.raises(OSError, match="File too large"):
        spill.put(b"too long")
    second = spill.put(b"next")
    assert (b"kept", b"next", 8) == (spill.get(first), spill.get(second), spill.size_bytes)
    spill.close()
