"""Intervals that hold what they promise, and fairness at its known values."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plctl.common.base.errors import UserError
from plctl.results import jain_index, summarise


def test_intervals_contain_the_truth_as_often_as_they_say() -> None:
    """200 samples of 20 exponential values: 95 % intervals of the mean cover it in some 90 to 95 % of the samples."""
    random = np.random.default_rng(7)
    covered = 0
    for _ in range(200):
        (found,) = summarise(pa.table({"x": random.exponential(1, 20)}), "x")
        assert found.mean.low is not None
        assert found.mean.high is not None
        covered += found.mean.low <= 1 <= found.mean.high
    assert 0.88 <= covered / 200 <= 0.98


def test_the_same_table_gives_the_same_interval() -> None:
    """A reader can repeat it."""
    table = pa.table({"x": [1.0, 4.0, 2.0, 8.0, 5.0]})
    assert summarise(table, "x") == summarise(table, "x")


def test_equal_values_have_an_interval_of_no_width() -> None:
    """Not one of NaN."""
    (found,) = summarise(pa.table({"x": [5, 5, 5, 5]}), "x")
    assert (5, 5, 5) == (found.median.value, found.median.low, found.median.high)


def test_groups_come_in_the_order_of_the_table() -> None:
    """Not sorted as text."""
    table = pa.table({"buffer": ["4bdp", "1bdp", "4bdp"], "x": [1, 2, 3]})
    assert [{"buffer": "4bdp"}, {"buffer": "1bdp"}] == [each.group for each in summarise(table, "x", ["buffer"])]


def test_what_is_no_number_is_refused() -> None:
    """By name."""
    table = pa.table({"x": ["a"]})
    with pytest.raises(UserError, match="the column x has no numbers but string"):
        summarise(table, "x")
    with pytest.raises(UserError, match="the table has no column 'y'; it has x"):
        summarise(table, "y")


def test_jain() -> None:
    """1 for equal shares, 1/n for one that has all, and Jain's own example of three quarters."""
    assert 1 == jain_index([5, 5, 5])
    assert 0.25 == jain_index([7, 0, 0, 0])
    assert 0.75 == pytest.approx(jain_index([1, 1, 1, 0]))
    with pytest.raises(UserError):
        jain_index([])


@given(st.lists(st.floats(0, 1e12), min_size=1))
def test_jain_is_between_one_nth_and_one(values: list[float]) -> None:
    """Whatever the shares."""
    assert 1 / len(values) - 1e-9 <= jain_index(values) <= 1 + 1e-9
