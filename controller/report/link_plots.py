"""Draws a link's curves.

Each plot is one quantity with two panels, up above down, over the time since T0. The broad line is what was asked for,
the thin one what happened.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from plctl.common.base.units import NS_PER_MS, format_duration
from plctl.common.plan.run_plan import LinkPlan
from plctl.common.scenario.schedule import DIRECTIONS
from plctl.controller.report.figure_style import ASKED, BAD, INK, MEASURED, MUTED, WORSE, Plot, stacked
from plctl.controller.report.markup import Markup
from plctl.controller.report.series import Asked, Floats, Measured

_TITLES = {"up": "up: client → server", "down": "down: server → client"}
_LABEL_POINTS = 10  #: for the names of routes, between a panel and its title
_LABEL_SHARE = 0.16  #: of the time axis that a name takes, also on a phone
_LEAST_LATENESS_NS = 100  #: below it the logarithmic axis ends


@dataclass(frozen=True, slots=True)
class LinkCurves:
    """All that is drawn of one link."""

    plan: LinkPlan
    asked: dict[str, Asked]  #: by direction
    measured: dict[str, Measured]
    until_s: float  #: end of the time axis
    lateness_budget_ns: int
    beside: tuple[LinkCurves, ...] = ()  #: other runs' of the same page, for which scale and unit must do as well

    @property
    def compared(self) -> tuple[LinkCurves, ...]:
        """It and those beside it."""
        return (self, *self.beside)


Panel = Callable[[Axes, Asked, Measured], None]


def delay_is_logarithmic(curves: LinkCurves) -> bool:
    """Whether packets queued for so long that a linear axis would flatten the delays asked for."""
    both = [pair for each in curves.compared for pair in pairs(each)]
    asked_highest = max(_highest(asked.delay_ns) for asked, _ in both)
    least_asked = min(float(np.nanmin(asked.delay_ns)) for asked, _ in both)
    return max(_highest(m.transit_p99_ns) for _, m in both) > 4 * asked_highest and least_asked > 0


def delay(curves: LinkCurves) -> Markup:
    """Delay asked for, and the time that packets took through the link.

    Where packets queued for many times the delay, the axis is logarithmic, so that the steps asked for stay visible.
    """
    stretched = delay_is_logarithmic(curves)

    def panel(axes: Axes, asked: Asked, measured: Measured) -> None:
        if stretched:
            axes.set_yscale("log")
            axes.yaxis.set_major_formatter("{x:g}")
            axes.yaxis.set_minor_formatter("{x:g}")
            axes.yaxis.set_minor_locator(LogLocator(subs=(2, 5)))
        _asked_line(axes, asked.t_s, asked.delay_ns / NS_PER_MS, curves.until_s)
        band = measured.transit_min_ns / NS_PER_MS, measured.transit_p99_ns / NS_PER_MS
        _band(axes, measured, *band, labels=("minimum", "99th percentile"))
        line(axes, measured, measured.transit_p50_ns / NS_PER_MS, label="median")

    unit = "ms (logarithmic)" if stretched else "ms"
    return draw(curves, "delay", unit, panel, named_routes=True, from_zero=not stretched)


def rate(curves: LinkCurves) -> Markup:
    """Rate asked for, and the rate that was carried."""
    highest = max(_highest(m.carried_max_bps, a.rate_bps) for each in curves.compared for a, m in pairs(each))
    size, unit = _rate_unit(highest)

    def panel(axes: Axes, asked: Asked, measured: Measured) -> None:
        _asked_line(axes, asked.t_s, asked.rate_bps / size, curves.until_s)
        band = measured.carried_min_bps / size, measured.carried_max_bps / size
        _band(axes, measured, *band, labels=("least carried", "most carried"))
        line(axes, measured, measured.carried_bps / size, label="carried")
        if np.isnan(asked.rate_bps).all():
            _remark(axes, "asked: unlimited")

    return draw(curves, "rate", unit, panel)


def queue(curves: LinkCurves) -> Markup:
    """Bytes in the bottleneck's queue; empty markup if there never were any."""
    if not any(np.nansum(m.queue_bytes) for _, m in pairs(curves)):
        return Markup()

    def panel(axes: Axes, _asked: Asked, measured: Measured) -> None:
        _band(axes, measured, np.zeros_like(measured.queue_bytes), measured.queue_bytes / 1000)
        line(axes, measured, measured.queue_bytes / 1000, label="waiting")
        if has_average(curves):
            line(axes, measured, measured.average_bytes / 1000, WORSE, label="average")

    return draw(curves, "queue", "kB", panel)


def has_average(curves: LinkCurves) -> bool:
    """Whether a queue's discipline decides by its average length."""
    return any(np.nansum(measured.average_bytes) for _, measured in pairs(curves))


def lateness(curves: LinkCurves) -> Markup:
    """How late packets left, beside the budget."""

    def panel(axes: Axes, _asked: Asked, measured: Measured) -> None:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(lambda ns, _: format_duration(round(ns)))
        axes.yaxis.set_minor_formatter("")
        axes.yaxis.set_minor_locator(LogLocator(subs=(2, 5)))  # each mark takes as long to draw as a curve
        axes.set_ylim(_LEAST_LATENESS_NS, 3 * max(curves.lateness_budget_ns, _highest(measured.lateness_max_ns)))
        axes.axhline(curves.lateness_budget_ns, color=BAD, linestyle=(0, (4, 2)), linewidth=1.2)
        worst = ((measured.lateness_max_ns, MUTED, "maximum"), (measured.lateness_p99_ns, WORSE, "99th percentile"))
        for values, colour, label in (*worst, (measured.lateness_p50_ns, MEASURED, "median")):
            line(axes, measured, np.maximum(values, _LEAST_LATENESS_NS), colour, label=label)

    return draw(curves, "lateness", "logarithmic", panel, from_zero=False, numbers_in="ns")


def draw(
    curves: LinkCurves, what: str, unit: str, panel: Panel, *, named_routes: bool = False, from_zero: bool = True,
    numbers_in: str = "",
) -> Markup:  # fmt: skip
    """Both panels of one quantity, as an SVG; `numbers_in` is the unit of its numbers where the axis has words."""
    label = f"{what}, {unit}" if unit else what

    def make() -> Figure:
        figure, both = stacked([_TITLES[way] for way in DIRECTIONS], label, above=_LABEL_POINTS * named_routes)
        for axes, direction in zip(both, DIRECTIONS, strict=True):
            asked, measured = curves.asked[direction], curves.measured[direction]
            panel(axes, asked, measured)
            _mark(axes, asked)
            if named_routes:
                _name_routes(axes, asked, _begin_s(curves), curves.until_s)
            if not np.nansum(measured.carried_bps):
                _remark(axes, "no packet was delivered")
            axes.set_xlim(_begin_s(curves), curves.until_s)
        if from_zero:
            both[0].set_ylim(0, both[0].get_ylim()[1] or 1)
        figure.set_label(f"{what}, {numbers_in or unit}")
        return figure

    return Plot(make, f"{what} of link {curves.plan.name}")


def pairs(curves: LinkCurves) -> Iterator[tuple[Asked, Measured]]:
    return ((curves.asked[direction], curves.measured[direction]) for direction in DIRECTIONS)


def _begin_s(curves: LinkCurves) -> float:
    """Start of the time axis: T0, or up to a twentieth of the run before it where telemetry has that."""
    first = min((float(m.start_s[0]) for _, m in pairs(curves) if len(m.start_s)), default=0.0)
    return max(min(first, 0.0), -curves.until_s / 20)


def _asked_line(axes: Axes, t_s: Floats, values: Floats, until_s: float) -> None:
    """A step line, drawn broad and first so that what was measured lies upon it."""
    axes.step(
        np.append(t_s, until_s), np.append(values, values[-1:]), where="post", color=ASKED, linewidth=4.5, alpha=0.75,
        label="asked",
    )  # fmt: skip


def line(axes: Axes, measured: Measured, values: Floats, colour: str = MEASURED, *, label: str = "") -> None:
    middle = (measured.start_s + measured.end_s) / 2
    alone = len(middle) == 1
    axes.plot(middle, values, color=colour, marker="." if alone else None, label=label or None)


def _band(axes: Axes, measured: Measured, low: Floats, high: Floats, *, labels: tuple[str, ...] = ()) -> None:
    """The area between two curves; labels name these in the files of numbers."""
    middle = (measured.start_s + measured.end_s) / 2
    axes.fill_between(middle, low, high, color=MEASURED, alpha=0.22, linewidth=0)
    for values, label in zip((low, high), labels, strict=False):
        axes.plot(middle, values, visible=False, label=label)


def _mark(axes: Axes, asked: Asked) -> None:
    """T0, and every change of route."""
    axes.axvline(0, color=INK, linewidth=1)
    for at, _ in asked.route_changes[:200]:
        axes.axvline(at, color=MUTED, linewidth=0.8, linestyle=(0, (2, 2)))


def _name_routes(axes: Axes, asked: Asked, begin_s: float, until_s: float) -> None:
    """Above the panel, where no curve runs, the route from each change on; of changes close together the first."""
    free_s = begin_s
    for at, text in ((0.0, "T0"), *((at, f"route {route}") for at, route in asked.route_changes)):
        if at >= free_s and at <= until_s:
            right = at > until_s - _LABEL_SHARE * (until_s - begin_s)
            axes.text(at, 1.02, text, transform=axes.get_xaxis_transform(), color=INK, ha="right" if right else "left")
            free_s = at + _LABEL_SHARE * (until_s - begin_s)


def _remark(axes: Axes, text: str) -> None:
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color=MUTED)


def _rate_unit(highest_bps: float) -> tuple[float, str]:
    units = ((1e9, "Gbit/s"), (1e6, "Mbit/s"), (1e3, "kbit/s"))
    return next(((size, unit) for size, unit in units if highest_bps >= size), (1.0, "bit/s"))


def _highest(*curves: Floats) -> float:
    return max((float(np.nanmax(curve)) for curve in curves if not np.isnan(curve).all()), default=0.0)
