"""Delivery opportunities, one case each, worked out by hand. A frame of 114 bytes needs 100 bytes of them."""

from __future__ import annotations

from typing import Any

import pytest
from model.halves import armed, half, row, times

from plctl.agent.native._core import Half


def traced(*instants: int, worth: int = 1500, **changes: Any) -> Half:
    """A half armed at 0 without delay."""
    return armed(row(0, 0, 0), instants=instants, instant_bytes=worth, **changes)


def ends(made: Half, until: int = 10**6) -> list[int]:
    """When services ended."""
    return [end for _, end, _ in times(made, until)]


def test_several_frames_share_an_opportunity() -> None:
    """Three wait, and 250 bytes may leave: two go at once, half of the third is left for the next time."""
    link = traced(10, 20, worth=250)
    for _ in range(3):
        link.arrive(5, 114)
    assert [10, 10, 20] == ends(link)


def test_a_frame_may_need_several() -> None:
    """100 bytes at 30 each need four."""
    link = traced(10, 20, worth=30)
    link.arrive(0, 114)
    assert [40] == ends(link)


def test_several_may_come_at_one_instant() -> None:
    """Five frames at once by five opportunities of as many bytes."""
    link = traced(7, 7, 7, 7, 7, 50, worth=100)
    for _ in range(6):
        link.arrive(0, 114)
    assert [7, 7, 7, 7, 7, 50] == ends(link)


def test_what_nobody_uses_is_lost() -> None:
    """A frame that comes when there have been ten opportunities waits for the next; so does one that comes with it."""
    link = traced(10, 20)
    link.arrive(105, 114)
    link.arrive(120, 114)
    assert [110, 130] == ends(link)


def test_a_trace_repeats_from_its_last_instant() -> None:
    """To the nanosecond: 3 and 7, then 10 and 14, 17 and 21; the rest of an opportunity serves who waits only."""
    link = traced(3, 7, worth=100)
    for _ in range(6):
        link.arrive(0, 114)
    assert [3, 7, 10, 14, 17, 21] == ends(link)


def test_a_long_way_is_gone_at_once() -> None:
    """A thousand million cycles later the next instant is known without a walk."""
    link = traced(3, 7)
    link.arrive(7 * 10**9 + 1, 114)
    assert [7 * 10**9 + 3] == ends(link, 10**12)


def test_before_t0_the_trace_runs_from_zero() -> None:
    """T0 cuts it off, and begins it again: 10, 20, then 25 + 10."""
    link = half(row(0, 0, 0), instants=(10,), instant_bytes=100)
    for _ in range(3):
        link.arrive(0, 114)
    link.advance(12)
    link.arm(25)
    assert [10, 20, 35] == ends(link)


@pytest.mark.parametrize(
    ("instants", "worth", "sentence"),
    [
        ((), 1500, "there are 0 instants"),
        ((5, 4), 1500, r"instants\[1\] is 4; it must be 0 or more, and no earlier than the one before"),
        ((-1, 4), 1500, r"instants\[0\] is -1"),
        ((0, 0), 1500, "the last of the instants is 0"),
        ((5,), 0, "instant_bytes is 0; it must be from 1"),
    ],
)
def test_what_is_no_trace_is_refused(instants: tuple[int, ...], worth: int, sentence: str) -> None:
    """By name."""
    with pytest.raises(ValueError, match=sentence):
        traced(*instants, worth=worth)
