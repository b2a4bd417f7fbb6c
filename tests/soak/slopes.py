"""What grows with the number of links, by how much, and how sure that is. Pure.

The slope is Theil and Sen's, the median of the slopes of all pairs of samples, with its confidence interval: a single
jump, as of an allocator, does not move it. The first samples of a process are left out: it is still warming up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from scipy.stats import theilslopes

CONFIDENCE = 0.95
#: Of the samples of a process, so many are of its youth, and so many must be left for a slope.
_YOUTH, _LEAST = 0.25, 5
#: Over fewer links nobody can tell a leak of memory from an allocator that is still taking what it will reuse.
_LINKS_FOR_MEMORY = 3000
#: By how much a thousand links may surely grow something, by the end of its name. Memory is taken in pages and arenas.
TOLERANCES = {"descriptors": 0.5, "threads": 0.5, "namespaces": 0.5, "processes": 0.5, "KiB": 200.0}


@dataclass
class Series:
    """One quantity of one process or host: (links so far, value), in order."""

    name: str
    lives: list[list[tuple[float, float]]] = field(default_factory=lambda: [[]])
    kept: bool = False  #: it is to grow: what is kept for the user

    def add(self, links: float, value: float, *, is_new: bool = False) -> None:
        """One sample; `is_new`: of another process than the one before."""
        if is_new and self.lives[-1]:
            self.lives.append([])
        self.lives[-1].append((links, value))


@dataclass(frozen=True)
class Slope:
    """By how much something grows with a thousand links, and between which bounds that lies."""

    name: str
    per_thousand: float
    low: float
    high: float
    first: float
    last: float
    links: float  #: over which it was seen
    samples: int
    lives: int
    kept: bool

    @property
    def is_short(self) -> bool:
        """Whether it was seen over too few links to say."""
        return self.name.endswith("KiB") and self.links < _LINKS_FOR_MEMORY

    @property
    def grows(self) -> bool:
        """Whether it surely grows by more than it may."""
        if self.is_short:
            return False
        allowed = next(limit for end, limit in TOLERANCES.items() if self.name.endswith(end))
        return not self.kept and self.low > allowed

    def __str__(self) -> str:
        """A line of the table."""
        said = "GROWS" if self.grows else "kept" if self.kept else "too short" if self.is_short else "flat"
        return (
            f"{self.name:34} {self.per_thousand:+10.2f}  [{self.low:+.2f} … {self.high:+.2f}]".ljust(72)
            + f"{self.first:10.0f} → {self.last:<10.0f} {self.links:7.0f} {self.samples:5} {self.lives:3}  {said}"
        )


def slope_of(series: Series) -> Slope | None:
    """Of the longest life in it; None if there are too few samples."""
    life = max(series.lives, key=len)
    grown = life[round(len(life) * _YOUTH) :]
    if len(grown) < _LEAST:
        return None
    links, values = zip(*grown, strict=True)
    if len(set(values)) == 1:
        bounds = (0.0, 0.0, 0.0)
    else:
        found = theilslopes(values, links, CONFIDENCE)
        bounds = tuple(1000 * float(each) for each in (found.slope, found.low_slope, found.high_slope))
    return Slope(
        series.name, *bounds,
        first=values[0], last=values[-1], links=links[-1] - links[0], samples=len(grown), lives=len(series.lives),
        kept=series.kept,
    )  # fmt: skip


def table(slopes: Sequence[Slope]) -> str:
    """All of them."""
    head = f"{'what':34} {'per 1000 links':>14}  [{CONFIDENCE:.0%} confidence]".ljust(72)
    return "\n".join([head + f"{'first':>10} → {'last':<10} {'links':>7} {'n':>5} lives", *map(str, slopes)])
