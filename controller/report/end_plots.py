"""Draws curves of what the two ends of a link sent, a panel for each end, on what was asked for or what they met."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from plctl.common.base.units import NS_PER_MS
from plctl.common.plan.run_plan import End
from plctl.common.scenario.schedule import Direction
from plctl.controller.report.figure_style import ASKED, BAD, INK, MEASURED, MUTED, WORSE, Plot, stacked
from plctl.controller.report.link_plots import LinkCurves
from plctl.controller.report.markup import Markup
from plctl.controller.report.series import Floats

#: Of more curves at one end than this, the first are drawn.
MAX_CURVES = 5
#: Which way what an end sends goes.
WAYS: dict[End, Direction] = {"client": "up", "server": "down"}
TITLES: dict[End, str] = {"client": "sent by the client", "server": "sent by the server"}
_COLOURS = (MEASURED, WORSE, BAD, INK, MUTED)
#: Classes of keys.css with the same colours, for the words beside the figure.
_KEYS = ("measured", "worse", "bad", "ink", "max")


@dataclass(frozen=True, slots=True)
class EndCurve:
    """One curve, over seconds after T0."""

    name: str
    t_s: Floats
    values: Floats
    strokes_s: tuple[float, ...] = ()  #: when something changed: a stroke across the line


Ends = Mapping[End, Sequence[EndCurve]]


def names(curves: Ends) -> Iterator[tuple[str, str]]:
    """Every curve that is drawn, with its end, and the class of its colour."""
    for end, each in curves.items():
        for curve, key in zip(each, _KEYS, strict=False):
            yield f"{TITLES[end]}: {curve.name}", key


def draw_ends(curves: Ends, what: str, unit: str, link: LinkCurves, beside: Callable[[Axes, End], None]) -> Markup:
    """A panel for each end, with what `beside` draws there first; empty markup if there are no curves."""
    if not any(curves.values()):
        return Markup()

    def make() -> Figure:
        figure, both = stacked([TITLES[end] for end in curves], f"{what}, {unit}")
        for axes, (end, of_end) in zip(both, curves.items(), strict=True):
            beside(axes, end)
            for curve, colour in zip(of_end, _COLOURS, strict=False):
                _line(axes, curve, colour)
            axes.axvline(0, color=INK, linewidth=1)
            axes.set_xlim(0, link.until_s)
            if not of_end:
                axes.text(0.5, 0.5, "nothing was sent", transform=axes.transAxes, ha="center", color=MUTED)
        both[0].set_ylim(0, both[0].get_ylim()[1] or 1)
        return figure

    return Plot(make, f"{what} of the flows of link {link.plan.name}")


def asked_rate(axes: Axes, end: End, link: LinkCurves) -> None:
    """The rate asked for the way that an end sends, in Mbit/s; nothing where it is unlimited."""
    asked = link.asked[WAYS[end]]
    _steps(axes, np.append(asked.t_s, link.until_s), np.append(asked.rate_bps, asked.rate_bps[-1:]) / 10**6)


def asked_both_ways(axes: Axes, _end: End, link: LinkCurves) -> None:
    """The delay asked for, there and back, in ms."""
    both = link.asked.values()
    t_s = np.unique(np.concatenate([each.t_s for each in both]))
    asked_ns = np.zeros(len(t_s))
    for each in both:
        asked_ns += each.delay_ns[np.maximum(np.searchsorted(each.t_s, t_s, "right") - 1, 0)]
    _steps(axes, np.append(t_s, link.until_s), np.append(asked_ns, asked_ns[-1:]) / NS_PER_MS)


def queue(axes: Axes, end: End, link: LinkCurves) -> None:
    """The queue into which an end sends, in kB."""
    measured = link.measured[WAYS[end]]
    middle = (measured.start_s + measured.end_s) / 2
    axes.fill_between(middle, 0, measured.queue_bytes / 1000, color=MUTED, alpha=0.3, linewidth=0)
    axes.plot(middle, measured.queue_bytes / 1000, visible=False, label="queue of the link")


def _steps(axes: Axes, t_s: Floats, values: Floats) -> None:
    axes.step(t_s, values, where="post", color=ASKED, linewidth=4.5, alpha=0.75, label="asked")


def _line(axes: Axes, curve: EndCurve, colour: str) -> None:
    axes.plot(curve.t_s, curve.values, color=colour, marker="." if len(curve.t_s) == 1 else None, label=curve.name)
    at = np.minimum(np.searchsorted(curve.t_s, curve.strokes_s), len(curve.values) - 1)
    axes.plot(curve.strokes_s, curve.values[at], color=colour, linestyle="", marker="|", markersize=14)
