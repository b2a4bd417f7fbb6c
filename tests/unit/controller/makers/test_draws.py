"""Draws depend on seed and purpose alone, for ever, and have the distributions that they promise."""

from __future__ import annotations

import statistics

import pytest

from plctl.controller.makers.draws import Draws

MANY = 20_000


def test_the_same_seed_and_purpose_give_the_same_for_ever() -> None:
    """These numbers stand in people's scenarios: they change with neither Python nor plctl."""
    draws = Draws(1, "rate")
    assert [0.7058802, 0.1135537, 0.3071324] == [round(draws.uniform(), 7) for _ in range(3)]


def test_another_seed_or_purpose_gives_others() -> None:
    """As far as a thousand draws show."""
    found = {tuple(Draws(*key).uniform() for _ in range(3)) for key in ((1, "rate"), (2, "rate"), (1, "delay"))}
    assert 3 == len(found)


def test_normal_and_exponential_have_their_moments() -> None:
    """Within four deviations of the estimate."""
    draws = Draws(1, "moments")
    normal = [draws.normal() for _ in range(MANY)]
    assert pytest.approx(0, abs=4 / MANY**0.5) == statistics.fmean(normal)
    assert pytest.approx(1, abs=4 / (2 * MANY) ** 0.5) == statistics.pstdev(normal)
    exponential = [draws.exponential() for _ in range(MANY)]
    assert pytest.approx(1, abs=4 / MANY**0.5) == statistics.fmean(exponential)
    assert pytest.approx(0.5, abs=2 / MANY**0.5) == sum(each > 0.6931472 for each in exponential) / MANY


def test_a_choice_follows_its_weights() -> None:
    """A weight of 0 is never chosen."""
    draws = Draws(1, "choice")
    found = [draws.choice([3, 0, 1]) for _ in range(MANY)]
    assert 0 == found.count(1)
    assert pytest.approx(0.75, abs=4 * (0.75 * 0.25 / MANY) ** 0.5) == found.count(0) / MANY
