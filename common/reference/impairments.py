"""What the path does to frames, in plain Python: section 2.1 of the model, and no thought of speed.

The draws are made anew for each frame from its number, and everything that depends on the past is worked out from the
whole past: whether the link is in its bad state, how many were lost in a row, and the correlated scores of the jitter.
"""

from __future__ import annotations

import functools
import math
from array import array
from dataclasses import dataclass
from fractions import Fraction

from plctl.common.plan.half_arguments import NativeRow
from plctl.common.plan.half_impairments import NativeImpairments
from plctl.common.reference.draw import draw

LOSS, CORRUPTION, DUPLICATION, JITTER = 2, 3, 4, 5  #: purposes of draws
WORD = 2**32
PPB = 10**9
DEVIATION = 2**20
LN_2 = 2977044472  #: in 2⁻³²


@dataclass(frozen=True)
class Fate:
    """Of one frame. `corruption` is the place of the flipped bit in 2⁻³² of the way; `copy_jitter` None: no copy."""

    lost: bool
    corruption: int | None
    jitter: int
    copy_jitter: int | None


class PathImpairments:
    """Of one direction, for frames that end service as the nth at some time while some row is in force."""

    def __init__(self, config: NativeImpairments, key: int) -> None:
        self.key = key
        self.served: list[tuple[NativeRow, int]] = []  #: of each frame so far its row and its end of service
        self.configure(config)

    def configure(self, config: NativeImpairments) -> None:
        """From now on as `config` says; tables may only be others if no frame has had jitter yet."""
        self.config = config
        self.distribution = tuple(array("i", config["distribution"]))
        self.normal = tuple(array("i", config["normal"]))

    def fate(self, n: int, row: NativeRow, end: int) -> Fate:
        """That of frame n; frames are asked for in order."""
        self.served.append((row, end))
        _, duplicate, corrupt, jitter = impaired(row)
        words = draw(self.key, CORRUPTION, n)
        corruption = words[1] if happens(words[0], corrupt) else None
        words = draw(self.key, DUPLICATION, n)
        copy = None
        if happens(words[0], duplicate):
            copy = jitter * interpolated(self.distribution, words[1]) // DEVIATION if jitter else 0
        return Fate(self._is_lost(n), corruption, self._jitter(n), copy)

    # --- loss

    def _is_lost(self, n: int) -> bool:
        word = draw(self.key, LOSS, n)[0]
        match self.config["loss_model"]:
            case "bernoulli":
                return happens(word, impaired(self.served[n][0])[0])
            case "burst" | "gilbert-elliott":
                return happens(word, self.config["loss_bad" if self._bad(n) else "loss_good"])
            case "pattern":
                pattern = self.config["loss_pattern"]
                return happens(word, pattern[min(self._lost_before(n), len(pattern) - 1)])
            case "list":
                return any(first <= n + 1 <= last for first, last in self.config["loss_listed"])

    @functools.cache  # noqa: B019  (as long as its owner)
    def _bad(self, n: int) -> bool:
        """Whether frame n finds the link in its bad state."""
        if n == 0:
            return False
        before = self._bad(n - 1)
        leave = self.config["loss_r"] if before else self._into_bad(n - 1)
        return before != happens(draw(self.key, LOSS, n - 1)[1], leave)

    def _into_bad(self, n: int) -> int:
        if self.config["loss_model"] == "gilbert-elliott":
            return self.config["loss_p"]
        share = Fraction(impaired(self.served[n][0])[0], PPB)
        if share == 1:
            return PPB
        return min(PPB, math.floor(share / (1 - share) * self.config["loss_r"]))

    @functools.cache  # noqa: B019  (as long as its owner)
    def _lost_before(self, n: int) -> int:
        """How many frames in a row were lost right before frame n."""
        return self._lost_before(n - 1) + 1 if n and self._is_lost(n - 1) else 0

    # --- jitter

    def _jitter(self, n: int) -> int:
        share = draw(self.key, JITTER, n)[0]
        jitter = impaired(self.served[n][0])[3]
        if not jitter:
            return 0
        if self.config["correlation"] or self.config["correlation_time_ns"]:
            share = probability(self.normal, self._score(n))
        return jitter * interpolated(self.distribution, share) // DEVIATION

    @functools.cache  # noqa: B019  (as long as its owner)
    def _score(self, n: int) -> int:
        """The normal score of frame n: the first frame with jitter begins the process."""
        fresh = interpolated(self.normal, draw(self.key, JITTER, n)[0])
        if not any(impaired(row)[3] for row, _ in self.served[:n]):
            return fresh
        kept = self.config["correlation"]
        if scale := self.config["correlation_time_ns"]:
            kept = decay(self.served[n][1] - self.served[n - 1][1], scale)
        return (kept * self._score(n - 1) + math.isqrt(WORD**2 - kept**2) * fresh) // WORD


def impaired(row: NativeRow) -> tuple[int, int, int, int]:
    """(Loss, duplication, corruption, jitter) of a row; all 0 if it does not say."""
    loss, duplication, corruption, jitter = (*row[5:9], 0, 0, 0, 0)[:4]
    return loss, duplication, corruption, jitter


def happens(word: int, parts: int) -> bool:
    """Whether a number below 2³² falls into a probability in parts per 10⁹."""
    return Fraction(word, WORD) < Fraction(parts, PPB)


def interpolated(table: tuple[int, ...], share: int) -> int:
    """The value at `share` / 2³² of the way through the table, on a line between neighbours, rounded down."""
    index, rest = divmod(share * (len(table) - 1), WORD)
    return table[index] + (table[index + 1] - table[index]) * rest // WORD


def probability(table: tuple[int, ...], value: int) -> int:
    """The inverse of `interpolated`, within 0 … 2³² − 1."""
    if value <= table[0]:
        return 0
    if value >= table[-1]:
        return WORD - 1
    index = max(i for i, each in enumerate(table) if each <= value)
    rest = (value - table[index]) * WORD // (table[index + 1] - table[index])
    return (index * WORD + rest) // (len(table) - 1)


def decay(time: int, scale: int) -> int:
    """exp(−time / scale) in 2⁻³²: halvings, and eight terms of the series for the rest, each step rounded down."""
    exponent = time * WORD // scale
    if exponent >= 32 * LN_2:
        return 0
    halvings, rest = divmod(exponent, LN_2)
    total = WORD
    for k in range(8, 0, -1):
        total = WORD - rest * total // WORD // k
    return total >> halvings
