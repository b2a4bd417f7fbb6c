"""Random numbers that depend on a seed and a purpose alone, so that the same command writes the same bytes for ever.

Python promises that `random.Random.random` keeps its sequence for a seed; its other methods may change. So every
distribution is made here of that one.
"""

from __future__ import annotations

import math
from hashlib import blake2b
from random import Random
from statistics import NormalDist

_NORMAL = NormalDist()


class Draws:
    """The draws for one purpose: those for another one, or how many there are of them, change nothing here."""

    def __init__(self, seed: int, purpose: str) -> None:
        digest = blake2b(f"{seed} {purpose}".encode(), digest_size=8).digest()
        self._random = Random(int.from_bytes(digest, "big"))

    def uniform(self) -> float:
        """A number from 0 (excluded) to 1."""
        return 1.0 - self._random.random()

    def normal(self) -> float:
        """Of mean 0 and deviation 1."""
        # Half of what one draw can resolve away from 1, where the inverse distribution has no value.
        return _NORMAL.inv_cdf(min(self.uniform(), 1 - 2**-53))

    def exponential(self) -> float:
        """Of mean 1."""
        return -math.log(self.uniform())

    def choice(self, weights: list[float]) -> int:
        """An index, as often as its weight says; their sum is more than 0."""
        rest = self.uniform() * sum(weights)
        for index, weight in enumerate(weights):
            rest -= weight
            if rest <= 0 and weight:
                return index
        return max(index for index, weight in enumerate(weights) if weight)
