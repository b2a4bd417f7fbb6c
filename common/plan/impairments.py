"""What the path behind the bottleneck does to frames at random: beside the rows' probabilities, how it is drawn.

All in plain integers that travel: probabilities in parts per 10⁹, correlations in parts of 2³².
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

CERTAIN_PPB = 10**9
#: A correlation of 1.
FULL_CORRELATION = 2**32
#: In a table of a distribution: one deviation.
DEVIATION = 2**20
#: Of a table's values, either sign.
LARGEST_VALUE = 2**29
#: Of a table of a user's own.
MOST_VALUES = 65_536

LossModel = Literal["bernoulli", "burst", "gilbert-elliott", "pattern", "list"]
Distribution = Literal["uniform", "normal", "pareto", "paretonormal", "table"]


@dataclass(frozen=True, slots=True)
class Loss:
    """How frames are lost. `bernoulli` and `burst` go by the rows' probability, the others by what stands here."""

    model: LossModel = "bernoulli"  #: of losses
    p_ppb: int = 0  #: probability of going from the good state to the bad one
    r_ppb: int = CERTAIN_PPB  #: from the bad state to the good one; for `burst`, 1 / its mean length
    good_ppb: int = 0  #: probability of loss in the good state
    bad_ppb: int = CERTAIN_PPB  #: in the bad state
    pattern_ppb: tuple[int, ...] = ()  #: after i losses in a row; the last holds for more
    listed: tuple[tuple[int, int], ...] = ()  #: first and last of runs of frames that are lost, by number from 1


@dataclass(frozen=True, slots=True)
class Jitter:
    """How the rows' jitter, a deviation, is drawn."""

    distribution: Distribution = "normal"  #: with mean 0 and deviation 1
    table: tuple[int, ...] = ()  #: of `table`: its inverse at equal steps, ascending, in 2⁻²⁰ of a deviation
    correlation: int = 0  #: of frames that follow one another, in 2⁻³²
    correlation_time_ns: int = 0  #: after which the correlation has fallen by a factor of e; 0: none
    reorder: bool = False  #: frames of one route may overtake each other


@dataclass(frozen=True, slots=True)
class Impairments:
    """Of one direction."""

    loss: Loss = field(default_factory=Loss)  #: how frames are lost
    jitter: Jitter = field(default_factory=Jitter)  #: how their delay varies
    duplicate_delay_ns: int = 0  #: how much later than its original a copy is due, but for its jitter
