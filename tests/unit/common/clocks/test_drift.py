"""A guess at the drift may be wrong, but it must follow evidence and doubt the lack of it."""

from __future__ import annotations

import random

from plctl.common.base.units import NS_PER_S
from plctl.common.clocks.drift import Drift, fit_drift


def test_without_evidence_none_is_guessed() -> None:
    """Two points or fewer, or all at one instant, leave the prior: no drift, give or take 60 ppm."""
    assert Drift(0, 60_000) == fit_drift([])
    assert Drift(0, 60_000) == fit_drift([(0, 0, 1), (NS_PER_S, 10_000, 1)])
    assert Drift(0, 60_000) == fit_drift([(5, 0, 1), (5, 10_000, 1), (5, 20_000, 1)])


def test_points_on_a_line_are_believed() -> None:
    """A clean drift of 20 ppm is found exactly and left in no doubt, but for the last part in a billion."""
    assert Drift(20_000, 1) == fit_drift([(at * NS_PER_S, 7 + 20_000 * at, 100) for at in range(10)])


def test_scatter_leaves_doubt_that_covers_the_truth() -> None:
    """With offsets that scatter by 0.1 ms the true 20 ppm lie within the doubt nearly always."""
    rng = random.Random(3)
    hits = 0
    for _ in range(200):
        points = [(at * NS_PER_S, 20_000 * at + rng.randint(-100_000, 100_000), 200_000) for at in range(30)]
        drift = fit_drift(points)
        hits += abs(drift.ppb - 20_000) <= drift.doubt_ppb
    assert 180 < hits <= 200


def test_wide_intervals_count_for_little() -> None:
    """One exchange that was delayed by 100 ms does not tilt the line of fast ones."""
    points = [(at * NS_PER_S, 0, 100_000) for at in range(10)]
    assert abs(fit_drift([*points, (10 * NS_PER_S, 50_000_000, 100_000_000)]).ppb) < 1_000
