"""A trace of delivery opportunities is exact, whatever stretch or window of it is asked for, and small."""

from __future__ import annotations

from array import array
from collections import Counter
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plctl.common.scenario.opportunities import MAX_GAP_BYTES, Opportunities, count_windows

MS = 10**6
INSTANTS = st.lists(st.integers(0, 10**4) | st.integers(0, 10**12), min_size=1, max_size=100).map(sorted)


@given(INSTANTS, st.integers(0, 10**4), st.sampled_from([1, 1000, MS]))
def test_instants_come_back(instants: list[int], more: int, unit: int) -> None:
    """In nanoseconds, whatever their unit."""
    instants = [at * unit for at in instants]
    trace = Opportunities.of_instants(instants, max(1, instants[-1]) + more)
    trace.check()
    assert (instants, len(instants), instants[-1]) == ([*chain(*trace.pieces())], trace.count, trace.last_ns)


@given(INSTANTS, st.integers(0, 10**4), st.integers(0, 3 * 10**4), st.integers(0, 3 * 10**4))
def test_stretches_part_a_trace(instants: list[int], more: int, begin: int, length: int) -> None:
    """What lies within a stretch are the instants of all periods there, each in one of two stretches that meet."""
    instants = [at % 10**4 for at in instants]
    instants.sort()
    trace = Opportunities.of_instants(instants, max(1, instants[-1]) + more)
    end = begin + length
    everything = [(base, at) for base in range(0, end + 1, trace.period_ns) for at in instants]
    within = [base + at for base, at in everything if begin - (at == 0) < base + at <= end - (at == 0)]
    assert within == [*chain(*trace.within(begin, end))]
    whole = [base + at for base, at in everything if base + at <= end - (at == 0)]
    assert whole == [*chain(*trace.within(0, begin), *trace.within(begin, end))]


@given(INSTANTS, st.integers(1, 10**4), st.integers(1, 30))
def test_windows_count_every_instant(instants: list[int], window: int, size: int) -> None:
    """Each in the window that it lies in or ends, however many come at a time."""
    instants = sorted(at % 10**4 for at in instants)
    counts = array("q", bytes(8 * max(1, -(-instants[-1] // window))))
    for begin in range(0, len(instants), size):
        count_windows(instants[begin : begin + size], window, counts)
    expected = Counter(max(0, at - 1) // window for at in instants)
    assert [expected[place] for place in range(len(counts))] == [*counts]
    assert len(instants) == sum(counts)


def test_the_rate_is_that_of_full_frames() -> None:
    """A frame of 1514 bytes needs 1500 bytes of opportunities: one a millisecond is 12.112 Mbit/s."""
    trace = Opportunities.of_instants([MS, 2 * MS, 3 * MS], 3 * MS)
    assert 12_112_000 == trace.mean_rate_bps
    assert 6_056_000 == Opportunities.of_instants([MS, 2 * MS], 2 * MS, 750).mean_rate_bps


def test_the_longest_gap_may_be_at_the_end() -> None:
    """A trace begins again behind its last instant."""
    assert 5 * MS == Opportunities.of_instants([MS, 6 * MS], 6 * MS).longest_gap_ns
    assert 7 * MS == Opportunities.of_instants([2 * MS, 3 * MS], 8 * MS).longest_gap_ns
    assert 9 * MS == Opportunities.of_instants([9 * MS], 9 * MS).longest_gap_ns


def test_equal_traces_are_equal() -> None:
    """However their instants came."""
    assert Opportunities.of_instants([MS], MS) == Opportunities(b"\x01", MS, MS)
    assert Opportunities.of_instants([1], MS) != Opportunities(b"\x01", MS, MS)


@pytest.mark.parametrize(
    ("trace", "words"),
    [
        (Opportunities(b"", 1, 5), "take 0 bytes; legal is 1 to"),
        (Opportunities(bytes(MAX_GAP_BYTES + 1), 1, 5), f"take {MAX_GAP_BYTES + 1} bytes"),
        (Opportunities(b"\x06", 1, 5), "begin again before they end"),
        (Opportunities(b"\x81", 1, 5), "broken off"),
        (Opportunities(b"\x01", 0, 5), "impossible unit, period or worth"),
        (Opportunities(b"\x00", 1, 0), "impossible unit, period or worth"),
        (Opportunities(b"\x01", 1, 5, 0), "impossible unit, period or worth"),
    ],
)
def test_what_is_no_trace_is_refused(trace: Opportunities, words: str) -> None:
    """By the rule that it breaks."""
    with pytest.raises(ValueError, match=words):
        trace.check()
