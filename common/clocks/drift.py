"""Guesses how fast two clocks drift apart, so that a point estimate can be carried on; no bound may rest on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, sqrt
from operator import mul

from plctl.common.base.units import NS_PER_S

#: What two undisciplined quartz clocks of computers differ by, one standard deviation; the guess before any evidence.
_PRIOR_PPB = 30_000.0

#: How many standard deviations of the guess still count as likely.
_LIKELY = 2.0


@dataclass(frozen=True, slots=True)
class Drift:
    """The offset changes by `ppb` nanoseconds a second, probably within `doubt_ppb`."""

    ppb: int
    doubt_ppb: int


def fit_drift(points: Sequence[tuple[int, int, int]]) -> Drift:
    """The drift that fits `points` of (instant ns, offset ns, width of the interval ns).

    A straight line by least squares, each point weighted by 1 / width², drawn towards zero drift as far as the scatter
    of the points leaves it in doubt (a normal prior of 30 ppm). Two points or fewer say nothing of their scatter.
    """
    if len(points) < 3:
        return Drift(0, ceil(_LIKELY * _PRIOR_PPB))
    slope, variance = _line(points)
    prior = _PRIOR_PPB**2
    doubt = prior / (prior / variance + 1) if variance else 0.0  # the variances' parallel sum, also of an infinite one
    return Drift(round(slope * prior / (prior + variance)), ceil(_LIKELY * sqrt(doubt)))


def _line(points: Sequence[tuple[int, int, int]]) -> tuple[float, float]:
    """Slope in ppb of the weighted least-squares line, and the variance of that slope."""
    start, origin, _ = points[0]
    xs = [(at - start) / NS_PER_S for at, _, _ in points]
    ys = [offset - origin for _, offset, _ in points]
    weights = [1 / max(width, 1) ** 2 for _, _, width in points]
    total = sum(weights)
    x_mean, y_mean = (sum(map(mul, weights, values)) / total for values in (xs, ys))
    across, along = [x - x_mean for x in xs], [y - y_mean for y in ys]
    weighted = list(map(mul, weights, across))
    spread = sum(map(mul, weighted, across))
    if spread == 0:
        return 0.0, float("inf")
    slope = sum(map(mul, weighted, along)) / spread
    scatter = sum(w * (y - slope * x) ** 2 for w, x, y in zip(weights, across, along, strict=True)) / (len(points) - 2)
    return slope, scatter / spread
