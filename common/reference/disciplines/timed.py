"""What disciplines with a timer and a probability share: ticks, and arithmetic in units of 2⁻⁴⁸ that rounds down."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from math import floor

ONE = 2**48
KNOWN = 2**64  #: no T0 that is known is later


class Timer:
    """Ticks at T0 + k · period for every whole k; while T0 is not known, at k · period."""

    def __init__(self, period: int, t0: Callable[[], int]) -> None:
        self.period = period
        self.t0 = t0
        self.told = 0

    def until(self, now: int) -> Iterator[int]:
        """All ticks after the last call's `now`, up to this one's. The caller may leave out the rest."""
        begin, self.told = self.told, now
        t0 = self.t0()
        phase = t0 % self.period if t0 < KNOWN else 0
        first = begin + 1 + (phase - begin - 1) % self.period
        yield from range(first, now + 1, self.period)


def clamp(probability: int) -> int:
    """Between 0 and 1."""
    return min(max(probability, 0), ONE)


def below(words: Sequence[int], probability: int) -> bool:
    """Whether a number that two words make falls below the probability."""
    return (words[0] << 16) + (words[1] >> 16) < probability


def pi_change(p: Mapping[str, int], delay: int, before: int, *, divisor: int = 1) -> int:
    """α · (delay − target) + β · (delay − before), gains in 10⁻⁶ Hz and delays in ns, divided and rounded down."""
    change = Fraction(p["alpha"] * (delay - p["target"]) + p["beta"] * (delay - before), 10**15)
    return floor(change * ONE / divisor)
