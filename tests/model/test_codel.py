"""CoDel's drops come at the instants of its control law (RFC 8289), worked out here by hand."""

from __future__ import annotations

from itertools import accumulate
from math import ceil, sqrt

import pytest
from model.halves import ADMITTED, AQM, ECT_0, armed, discipline, numbers, row

from plctl.agent.native._core import Half
from plctl.common.base.units import NS_PER_MS

RATE = 8_000_000  #: a frame of 1000 bytes takes a millisecond
TARGET_MS, INTERVAL_MS = 5, 100


def codel(**parameters: int) -> Half:
    """A half whose every service is one millisecond, with CoDel's defaults but for `parameters`."""
    return armed(row(0, 0, RATE), queue=discipline("codel", **parameters))


def fill(half: Half, frames: int, *, at_ms: int = 0, ecn: int = 0) -> None:
    """A standing queue from one instant on."""
    for _ in range(frames):
        assert ADMITTED == half.arrive(at_ms * NS_PER_MS, 1000, ecn)[0]


def control_law(first_ms: float, drops: int, count: int = 1) -> list[int]:
    """When drops come: the first, then after interval / √count each; a frame goes when the next service may begin."""
    gaps = (INTERVAL_MS / sqrt(n) for n in range(count, count + drops - 1))
    return [ceil(t) for t in accumulate(gaps, initial=first_ms)]


def drops_ms(half: Half) -> list[int]:
    """When frames were dropped, which is at whole milliseconds."""
    dropped = half.dropped()
    assert all(verdict == AQM and when % NS_PER_MS == 0 for _, verdict, when in dropped)
    return [when // NS_PER_MS for _, _, when in dropped]


def test_drops_come_at_the_control_laws_instants() -> None:
    """The delay reaches the target at 5 ms; an interval later the first frame goes, then ever more of them."""
    half = codel()
    fill(half, 1000)
    half.advance(900 * NS_PER_MS)
    found = drops_ms(half)
    assert control_law(TARGET_MS + INTERVAL_MS, len(found)) == found
    assert [105, 205, 276, 334] == found[:4]
    assert len(found) > 20


def test_an_interval_of_patience_is_the_burst_that_passes() -> None:
    """A burst that is through within an interval above the target loses nothing, however long its queue was."""
    half = codel()
    fill(half, 104)
    half.advance(500 * NS_PER_MS)
    assert [] == half.dropped()


def test_one_frame_below_the_target_ends_the_dropping_state() -> None:
    """When the queue is no longer than a full frame, or the delay below the target, nothing is dropped any more."""
    half = codel()
    fill(half, 300)
    half.advance(1000 * NS_PER_MS)
    assert max(drops_ms(half)) < 300
    fill(half, 100, at_ms=5000)
    half.advance(6000 * NS_PER_MS)
    assert [] == half.dropped()


@pytest.mark.parametrize(("pause_ms", "resumed"), [(200, True), (5000, False)])
def test_a_new_dropping_state_goes_on_at_the_rate_of_the_last_unless_that_was_long_ago(
    pause_ms: int, resumed: bool
) -> None:
    """Within 16 intervals the count goes on from what the last dropping state added; later it starts again at 1."""
    half = codel()
    fill(half, 400)
    half.advance(450 * NS_PER_MS)
    added = len(drops_ms(half)) - 1
    begin = 400 + pause_ms
    fill(half, 400, at_ms=begin)
    half.advance((begin + 250) * NS_PER_MS)
    found = drops_ms(half)
    assert control_law(begin + TARGET_MS + INTERVAL_MS, len(found), added if resumed else 1) == found
    assert len(found) > 1


def test_with_ecn_frames_are_marked_at_the_same_instants() -> None:
    """Each that would have gone is served with CE; the queue stands, as nobody answers."""
    half = codel(ecn=1)
    fill(half, 400, ecn=ECT_0)
    half.advance(400 * NS_PER_MS)
    served = numbers(half, 400 * NS_PER_MS)
    assert [] == half.dropped()
    count, marked = half.marked()
    assert control_law(TARGET_MS + INTERVAL_MS, count) == marked, "without drops frame n is served at n ms"
    assert served == list(range(400))


def test_with_ecn_what_is_not_ect_is_dropped() -> None:
    """At the same instants as without."""
    half = codel(ecn=1)
    fill(half, 400)
    half.advance(300 * NS_PER_MS)
    assert [105, 205, 276] == drops_ms(half)
    assert (0, []) == half.marked()


def test_ce_threshold_marks_whatever_waited_longer() -> None:
    """Frame n waits n ms: from the fourth on all are marked that may be; others are let be."""
    half = codel(ce_threshold=3 * NS_PER_MS)
    fill(half, 8, ecn=ECT_0)
    fill(half, 2)
    half.pop(50 * NS_PER_MS)
    assert (4, [4, 5, 6, 7]) == half.marked()
