"""Which factor of a study goes where in a picture: along the axis, as colours, or as panels beside each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from plctl.controller.analysis.columns import levels_of

#: Panels of one picture. Where there would be more, the last factors are pooled, and the picture says so.
MAX_PANELS = 12

Level = Any
Levels = Mapping[str, Sequence[Level]]


@dataclass(frozen=True, slots=True)
class FactorLayout:
    """Factors with more than one level, each in its place; `None` where no factor is left."""

    axis: str | None
    colour: str | None
    panels: tuple[str, ...]
    pooled: tuple[str, ...]  #: their levels are drawn together
    levels: Levels  #: of each factor, in the order of the study

    def panel_keys(self) -> Iterator[dict[str, Level]]:
        """The levels of each panel."""
        for key in product(*(self.levels[name] for name in self.panels)):
            yield dict(zip(self.panels, key, strict=True))

    def levels_of(self, factor: str | None) -> Sequence[Level]:
        """Those of `factor`; one that stands for everything, if there is no factor."""
        return self.levels[factor] if factor else (None,)


def lay_out(factors: Mapping[str, Sequence[str]]) -> FactorLayout:
    """The first factor as colours and the one with the most levels of the others along the axis; the rest as panels.

    :param factors: factor → its levels as written.
    """
    levels = {name: levels_of(written) for name, written in factors.items()}
    varied = [name for name in levels if len(levels[name]) > 1]
    colour = varied[0] if len(varied) > 1 else None
    others = [name for name in varied if name != colour]
    axis = max(others, key=lambda name: len(levels[name]), default=None)
    panels: list[str] = []
    pooled: list[str] = []
    count = 1
    for name in others:
        if name != axis:
            fits = count * len(levels[name]) <= MAX_PANELS
            count *= len(levels[name]) if fits else 1
            (panels if fits else pooled).append(name)
    return FactorLayout(axis, colour, tuple(panels), tuple(pooled), levels)
