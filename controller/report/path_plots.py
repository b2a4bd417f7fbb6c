"""Draws what a link's queue and path did to frames beside delaying them, by cause, and the queue's own state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from plctl.common.plan.disciplines import DISCIPLINES
from plctl.common.plan.run_plan import LinkPlan
from plctl.common.scenario.schedule import DIRECTIONS
from plctl.controller.report.figure_style import ASKED, BAD, MEASURED, MUTED, WORSE
from plctl.controller.report.link_plots import LinkCurves, draw, line, pairs
from plctl.controller.report.markup import Markup
from plctl.controller.report.series import Asked, Measured


@dataclass(frozen=True, slots=True)
class Layer:
    """Packets of one kind, in a plot where several lie on each other."""

    field: str  #: of `Measured`
    colour: str
    key: str  #: the class of keys.css with that colour
    words: str

    def total(self, curves: LinkCurves) -> int:
        """Packets of that kind, both directions."""
        return round(sum(float(np.nansum(getattr(measured, self.field))) for _, measured in pairs(curves)))


#: What the queue dropped, and what the machine lost.
DROPS = (
    Layer("queue_full", MEASURED, "drop", "packets that found the emulated queue full"),
    Layer("managed", WORSE, "managed", "packets dropped so that the queue stays short"),
    Layer("lost", BAD, "lost", "packets that the machine lost, which nobody asked for"),
)
#: What the queue marked, and what the path did at random.
PATH = (
    Layer("marked", MEASURED, "drop", "packets that the queue marked with CE"),
    Layer("random_loss", ASKED, "path", "packets that the path lost at random"),
    Layer("corrupted", WORSE, "managed", "packets in which it flipped a bit"),
    Layer("duplicated", MUTED, "copies", "packets that it sent twice"),
)


def layers(curves: LinkCurves, kinds: Sequence[Layer], what: str) -> Markup:
    """How many packets of each kind there were over time, on each other; empty markup if there were none."""
    found = [kind for kind in kinds if kind.total(curves)]
    if not found:
        return Markup()

    def panel(axes: Axes, _asked: Asked, measured: Measured) -> None:
        edges = np.append(measured.start_s, measured.end_s[-1:])
        below = np.zeros(len(measured.start_s))
        for kind in found:
            above = below + np.nan_to_num(getattr(measured, kind.field))
            if above.any():
                axes.stairs(
                    above, edges, baseline=below, fill=True, color=kind.colour, alpha=0.8, linewidth=0,
                    label=kind.words,
                )  # fmt: skip
            below = above

    width = max((float(np.nanmedian(m.end_s - m.start_s)) for _, m in pairs(curves) if len(m.end_s)), default=0)
    return draw(curves, what, f"packets / {width:.3g} s", panel)


def has_state(plan: LinkPlan) -> bool:
    """Whether the queue of either direction has a state of its own."""
    return any(DISCIPLINES[plan.queue_of(direction).discipline].state for direction in DIRECTIONS)


def state_words(plan: LinkPlan) -> str:
    """What is drawn by `state`."""
    kinds = [DISCIPLINES[plan.queue_of(direction).discipline] for direction in DIRECTIONS]
    words = [kind.state or "a queue without a state" for kind in kinds]
    return f"{words[0]}." if words[0] == words[1] else f"up: {words[0]}; down: {words[1]}."


def state(curves: LinkCurves) -> Markup:
    """The queue's own state over time, in percent; empty markup if it never did anything."""
    if not any(np.nansum(measured.aqm_share) for _, measured in pairs(curves)):
        return Markup()

    def panel(axes: Axes, _asked: Asked, measured: Measured) -> None:
        line(axes, measured, measured.aqm_share * 100, label="probability")

    return draw(curves, "queue management", "%", panel)
