"""Buckets: exact where promised, within 1/32 elsewhere, and the same in C and Python."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plctl.agent.native import _core
from plctl.common.telemetry.histogram import BUCKETS, Histogram, bucket_of, bucket_range

durations = st.integers(0, 2**37 - 1)


@given(st.integers(0, 2**63))
def test_c_and_python_agree_on_the_bucket(ns: int) -> None:
    """What the C core counts is read back as it was meant."""
    assert bucket_of(ns) == _core.histogram_bucket(ns)


def test_buckets_tile_the_line() -> None:
    """Every duration below 2^37 ns has exactly one bucket, and the bucket's range says so."""
    edges = [bucket_range(bucket) for bucket in range(BUCKETS)]
    assert 0 == edges[0][0]
    assert 2**37 - 1 == edges[-1][1]
    assert all(high + 1 == low for (_, high), (low, _) in pairwise(edges))
    assert all(bucket == bucket_of(low) == bucket_of(high) for bucket, (low, high) in enumerate(edges))


@given(st.lists(durations, min_size=1), st.floats(0, 100))
def test_percentile_is_within_a_32nd(values: list[int], p: float) -> None:
    """A percentile is that of the values themselves, to within 3.2 %."""
    exact = sorted(values)[max(0, -int(-len(values) * p // 100) - 1)]
    assert exact == pytest.approx(Histogram.of(values).percentile(p), rel=1 / 31, abs=0.5)


@given(st.lists(durations), st.lists(durations))
def test_minus_undoes_plus(first: list[int], second: list[int]) -> None:
    """The interval's histogram counts what came after the earlier reading; new extremes are exact."""
    earlier, both = Histogram.of(first), Histogram.of(first + second)
    since, truth = both.minus(earlier), Histogram.of(second)
    assert truth.counts == since.counts
    assert len(second) == since.count
    if second:
        assert truth.min == pytest.approx(since.min, rel=1 / 31, abs=0.5)
        assert truth.max == pytest.approx(since.max, rel=1 / 31, abs=0.5)
        if not first or max(second) > max(first):
            assert truth.max == since.max
    assert both == earlier.plus(truth)


def test_empty_histogram_has_no_percentile() -> None:
    """There is no honest number for it."""
    with pytest.raises(ValueError, match="empty"):
        Histogram().percentile(50)
