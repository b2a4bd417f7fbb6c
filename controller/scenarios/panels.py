"""Which plots a picture of a scenario has, one below the other: delay and rate, and every other column that it says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from plctl.controller.scenarios.steps import Curves, Point

LEGENDS = {"both": "both directions", "up": "up (client → server)", "down": "down (server → client)"}
_DELAY = "one-way delay [ms]"
_RATE = "bottleneck rate [Mbit/s]"
_MEAN_RATE = "mean rate of delivery opportunities [Mbit/s]"


@dataclass(frozen=True, slots=True)
class PlotPanel:
    """One plot."""

    label: str  #: of its values
    lines: list[tuple[Curves, list[Point]]]  #: for each direction
    from_zero: bool  #: whether its axis begins at 0


def panels(found: Sequence[Curves]) -> list[PlotPanel]:
    """The plots of a scenario with these curves."""
    rate = _MEAN_RATE if any(curve.is_mean for curve in found) else _RATE
    made = [
        PlotPanel(_DELAY, [(curve, curve.delay_ms) for curve in found], from_zero=False),
        PlotPanel(rate, [(curve, curve.rate_mbps) for curve in found], from_zero=True),
    ]
    labels = dict.fromkeys(label for curve in found for label in curve.others)
    return made + [
        PlotPanel(label, [(curve, curve.others.get(label, [])) for curve in found], True) for label in labels
    ]
