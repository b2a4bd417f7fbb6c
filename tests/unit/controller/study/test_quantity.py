"""Levels that a range makes are what a person would have written."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plctl.controller.study.quantity import Quantity, between, value_of


@pytest.mark.parametrize(
    ("first", "last", "steps", "expected"),
    [
        ("0%", "2%", 3, ("0%", "1%", "2%")),
        ("0%", "1%", 4, ("0%", "0.333333%", "0.666667%", "1%")),
        ("500ms", "2s", 4, ("500ms", "1000ms", "1500ms", "2000ms")),
        ("1s", "250ms", 4, ("1000ms", "750ms", "500ms", "250ms")),
        ("10Mbit/s", "20Mbit/s", 2, ("10Mbit/s", "20Mbit/s")),
        ("0.5bdp", "1.5bdp", 3, ("0.5bdp", "1bdp", "1.5bdp")),
        ("1", "4", 4, ("1", "2", "3", "4")),
        ("-1", "1", 5, ("-1", "-0.5", "0", "0.5", "1")),
    ],
)
def test_even_steps(first: str, last: str, steps: int, expected: tuple[str, ...]) -> None:
    """In the finer of both units, without digits that say nothing."""
    assert expected == between(first, last, steps)


def test_an_even_factor() -> None:
    """For what spans orders of magnitude."""
    assert ("1ms", "10ms", "100ms", "1000ms") == between("1ms", "1s", 4, logarithmic=True)
    assert ("1", "1.41421", "2") == between("1", "2", 3, logarithmic=True)


@pytest.mark.parametrize(
    ("first", "last", "complaint"),
    [("0%", "2ms", "not two numbers of one kind"), ("a", "b", "not two numbers"), ("1s", "1000ms", "is no range")],
)
def test_what_is_no_range(first: str, last: str, complaint: str) -> None:
    """Is refused by name."""
    with pytest.raises(ValueError, match=complaint):
        between(first, last, 3)
    with pytest.raises(ValueError, match="both must be above 0"):
        between("0", "1", 3, logarithmic=True)


@given(st.integers(0, 10**6), st.integers(1, 10**6), st.integers(2, 9), st.sampled_from(["", "%", "ms", "kB", "bdp"]))
def test_a_range_begins_and_ends_where_it_says_and_rises(a: int, more: int, steps: int, unit: str) -> None:
    """In even steps, each level another."""
    levels = between(f"{a}{unit}", f"{a + more}{unit}", steps)
    numbers = [value.number for value in map(value_of, levels) if isinstance(value, Quantity)]
    assert [f"{a}{unit}", f"{a + more}{unit}"] == [levels[0], levels[-1]]
    assert steps == len(numbers)
    assert sorted(set(numbers)) == numbers


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("20ms", Quantity(Fraction(20_000_000), "time")),
        ("1.5", Quantity(Fraction(3, 2))),
        ("2 %", Quantity(Fraction(2), "%")),
        ("100p", Quantity(Fraction(100), "p")),
        ("true", True),
        ("cubic", "cubic"),
        ("1parsec", "1parsec"),
        ("4g.csv", "4g.csv"),
    ],
)
def test_a_level_is_what_it_reads_as(text: str, expected: object) -> None:
    """And text where it reads as nothing else."""
    assert expected == value_of(text)
