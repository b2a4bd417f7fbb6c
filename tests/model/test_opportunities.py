"""Delivery opportunities, one case each, worked out by hand. A frame of 114 bytes needs 100 bytes of them."""

from __future__ import annotations

import random
from collections import Counter
from itertools import accumulate, chain
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from model.halves import armed, half, row, times

from plctl.agent.native import NativeOpportunities, native_opportunities
from plctl.agent.native._core import Half
from plctl.common.scenario.opportunities import Opportunities


def trace(*instants: int, period: int = 0, worth: int = 1500) -> NativeOpportunities:
    """A trace that begins again at its last instant, or after a period."""
    return native_opportunities(Opportunities.of_instants(instants, period or instants[-1], worth))


def traced(*instants: int, period: int = 0, worth: int = 1500, **changes: Any) -> Half:
    """A half armed at 0 without delay."""
    return armed(row(0, 0, 0), opportunities=trace(*instants, period=period, worth=worth), **changes)


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
    link = half(row(0, 0, 0), opportunities=trace(10, worth=100))
    for _ in range(3):
        link.arrive(0, 114)
    link.advance(12)
    link.arm(25)
    assert [10, 20, 35] == ends(link)


def test_a_period_may_be_longer_than_the_trace() -> None:
    """3 and 7, and nothing until 10 + 3 and 10 + 7."""
    link = traced(3, 7, period=10, worth=100)
    for _ in range(5):
        link.arrive(0, 114)
    assert [3, 7, 13, 17, 23] == ends(link)


def test_every_instant_of_a_long_trace_is_found() -> None:
    """Gaps of a byte and of several, and many at one instant: a frame that comes before each leaves with it."""
    instants = [0, *accumulate(k * k % 300 if k % 7 else 10**9 * k for k in range(1, 400))]
    link = traced(*instants, period=instants[-1] + 5)
    expected = sorted({at for at in instants if at} | {instants[-1] + 5})
    for at in expected:
        link.arrive(at - 1, 114)
    assert expected == ends(link, 2 * instants[-1])


@pytest.mark.parametrize(
    ("opportunities", "sentence"),
    [
        ((b"", 1, 5, 1500), "there are 0 opportunities"),
        ((b"\x05\x01", 1, 5, 1500), "opportunity 1 is later than their period, 5 ns"),
        ((b"\x05\x81", 1, 9, 1500), "the gap before opportunity 1 is broken off"),
        ((b"\xff" * 9 + b"\x01", 1, 2**62, 1500), "the gap before opportunity 0 is broken off, or longer than 63 bits"),
        ((b"\x05", 0, 5, 1500), "the unit of the opportunities is 0 ns and their period 5 ns"),
        ((b"\x00", 1, 0, 1500), "the unit of the opportunities is 1 ns and their period 0 ns"),
        ((b"\x05", 1, 5, 0), "an opportunity is worth 0 bytes; legal is 1"),
    ],
)
def test_what_is_no_trace_is_refused(opportunities: NativeOpportunities, sentence: str) -> None:
    """By name, and nothing is read beyond its end."""
    with pytest.raises(ValueError, match=sentence):
        armed(row(0, 0, 0), opportunities=opportunities)


def test_an_argument_of_another_kind_is_refused() -> None:
    """A trace is a tuple of four."""
    with pytest.raises(TypeError, match="opportunities must be"):
        armed(row(0, 0, 0), opportunities=[5])


@given(st.binary(min_size=1, max_size=40), st.sampled_from([1, 3, 2**40]), st.integers(1, 2**61))
def test_any_bytes_are_a_trace_or_refused(gaps: bytes, unit: int, period: int) -> None:
    """By the core as by Python, and a frame leaves with one of its instants."""
    found = Opportunities(gaps, unit, period)
    try:
        found.check()
    except ValueError:
        with pytest.raises(ValueError, match="opportunit"):
            armed(row(0, 0, 0), opportunities=native_opportunities(found))
        return
    link = armed(row(0, 0, 0), opportunities=native_opportunities(found))
    link.arrive(0, 114)
    (end,) = ends(link, 2**62)
    assert end in {at + base for at in chain(*found.pieces()) for base in (0, period)}


@given(st.integers(0, 10**6), st.integers(1, 3))
def test_a_saturated_link_has_what_each_window_allows(seed: int, worth: int) -> None:
    """Bursts, gaps and several rounds: as many frames leave in each window as there are instants."""
    rng = random.Random(seed)
    instants = sorted(rng.randrange(1, 5000) for _ in range(400))
    link = traced(*instants, period=5000, worth=100 * worth, capacity_amount=10**12)
    for _ in range(worth * 1500):
        link.arrive(0, 114)
    found = Counter(end // 100 for end in ends(link, 14_999))
    again = [at + base for base in (0, 5000, 10_000) for at in instants if at + base < 15_000]
    expected = Counter(at // 100 for at in again)
    assert {place: worth * count for place, count in expected.items()} == found
