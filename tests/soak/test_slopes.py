"""A leak is found however small, noise and jumps are none."""

from __future__ import annotations

import random

import pytest

from soak.slopes import Series, Slope, slope_of, table


def slope(name: str, *values: float, step: float = 300) -> Slope:
    """Of these values, one each so many links."""
    series = Series(name)
    for number, value in enumerate(values):
        series.add(number * step, value)
    found = slope_of(series)
    assert found is not None
    return found


def test_a_descriptor_for_each_batch_is_found() -> None:
    """Ten for a thousand links, exactly."""
    found = slope("agent h1 descriptors", *range(20), step=100)
    assert found.grows
    assert pytest.approx(10) == found.per_thousand
    assert found.low <= 10 <= found.high


def test_a_small_leak_is_found_in_noise() -> None:
    """One KiB a link, where the memory goes up and down by a hundred times as much."""
    dice = random.Random(1)
    values = (50_000 + 100 * n + dice.gauss(0, 100) for n in range(60))
    found = slope("controller RSS KiB", *values, step=100)
    assert found.grows
    assert found.low <= 1000 <= found.high


@pytest.mark.parametrize(
    "values",
    [
        [7.0] * 20,
        [float(n % 3) for n in range(20)],
        [5000.0 * (n > 10) for n in range(20)],  # one jump
        [*(1000.0 * n for n in range(5)), *[5000.0] * 15],  # only its youth
    ],
)
def test_what_does_not_grow_is_flat(values: list[float]) -> None:
    """Also with noise, one jump, or a beginning."""
    assert not slope("agent h1 RSS KiB", *values).grows


def test_each_process_is_taken_by_itself() -> None:
    """One that is started again begins anew; the longest life counts."""
    series = Series("forwarder h1 RSS KiB")
    for number in range(30):
        series.add(number * 200, 1000 if number < 5 else 9000, is_new=number == 5)
    found = slope_of(series)
    assert found is not None
    assert (2, 0.0, False) == (found.lives, found.per_thousand, found.grows)
    assert "flat" in table([found])


def test_too_few_samples_are_no_slope() -> None:
    """Too few samples give no slope, and not a flat one."""
    series = Series("x threads")
    for number in range(5):
        series.add(number, 1)
    assert slope_of(series) is None


def test_a_short_soak_does_not_judge_memory() -> None:
    """It says that it is too short; descriptors are counted all the same."""
    values = [float(1000 * number) for number in range(20)]
    memory = slope("agent RSS KiB", *values, step=50)
    assert (False, True) == (memory.grows, "too short" in str(memory))
    assert slope("agent descriptors", *values, step=50).grows
