"""The distributions that jitter is drawn from, as tables of their inverse: standard ones, and of samples."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache
from itertools import pairwise

from plctl.common.plan.impairments import DEVIATION, LARGEST_VALUE, MOST_VALUES

#: Values of a standard table.
_VALUES = 4096
#: The shape of the Pareto distribution, as in netem.
_PARETO_SHAPE = 3


@cache
def standard_table(name: str) -> tuple[int, ...]:
    """The inverse of a distribution at the middles of equal steps, with mean 0 and deviation 1."""
    inverse = _INVERSES[name]
    return normalized([inverse((index + 0.5) / _VALUES) for index in range(_VALUES)])


def table_of_samples(samples: Sequence[float]) -> tuple[int, ...]:
    """The table of what was measured, or of netem's `.dist`, in any order and unit.

    :raises ValueError: they are fewer than 2, or all the same, or one lies too far off.
    """
    if len(samples) < 2:
        raise ValueError("a distribution needs 2 values or more")
    ordered = sorted(samples)
    if len(ordered) > MOST_VALUES:
        ordered = [ordered[index * (len(ordered) - 1) // (MOST_VALUES - 1)] for index in range(MOST_VALUES)]
    return normalized(ordered)


def _uniform(share: float) -> float:
    return share


def _normal(share: float) -> float:
    from statistics import NormalDist  # noqa: PLC0415  # most processes never need a table

    return NormalDist().inv_cdf(share)


def _pareto(share: float) -> float:
    return math.pow(1 - share, -1 / _PARETO_SHAPE)


def _pareto_normal(share: float) -> float:
    """A quarter normal, three quarters Pareto, each with mean 0 and deviation 1."""
    mean = _PARETO_SHAPE / (_PARETO_SHAPE - 1)
    deviation = math.sqrt(_PARETO_SHAPE / (_PARETO_SHAPE - 2)) / (_PARETO_SHAPE - 1)
    return 0.25 * _normal(share) + 0.75 * (_pareto(share) - mean) / deviation


_INVERSES: dict[str, Callable[[float], float]] = {
    "uniform": _uniform, "normal": _normal, "pareto": _pareto, "paretonormal": _pareto_normal,
}  # fmt: skip


def normalized(values: Sequence[float]) -> tuple[int, ...]:
    """`values`, ascending, moved and scaled so that what lies on the lines between them has mean 0 and deviation 1.

    :raises ValueError: they are all the same, or one lies too far off.
    """
    pairs = list(pairwise(values))
    mean = sum(a + b for a, b in pairs) / 2 / len(pairs)
    variance = sum(((a - mean) ** 2 + (a - mean) * (b - mean) + (b - mean) ** 2) / 3 for a, b in pairs) / len(pairs)
    if variance <= 0:
        raise ValueError("the values of a distribution are all the same")
    scaled = tuple(round((value - mean) / math.sqrt(variance) * DEVIATION) for value in values)
    if max(-scaled[0], scaled[-1]) > LARGEST_VALUE:
        raise ValueError(f"a value of the distribution is more than {LARGEST_VALUE // DEVIATION} deviations off")
    return scaled
