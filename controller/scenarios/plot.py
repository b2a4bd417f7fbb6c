"""Draws what a scenario asks for, delay and rate over time, as text for a terminal or as a self-contained SVG."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from plctl.common.cli.extra import needs_extra
from plctl.common.scenario.schedule import Scenario
from plctl.controller.scenarios.steps import Curves, Point, curves, limits, pieces, ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LEGENDS = {"both": "both directions", "up": "up (client → server)", "down": "down (server → client)"}
_OUTAGES = {"both": "outage", "up": "outage (up)", "down": "outage (down)"}
_DELAY = "one-way delay [ms]"
_RATE = "bottleneck rate [Mbit/s]"
_MEAN_RATE = "mean rate of delivery opportunities [Mbit/s]"
_MARKERS = {"both": ("hd", "▚"), "up": ("braille", "⠒"), "down": ("hd", "▚")}
_TEXT_COLOURS = {"both": 12, "up": 208, "down": 12}
_SVG_COLOURS = {"both": "#1f5fa8", "up": "#d9730d", "down": "#1f5fa8"}
_SVG_BINS = 2000


def plot_text(scenario: Scenario, title: str, *, width: int = 80, height: int = 15, colour: bool = True) -> str:
    """Two plots below each other, each `width` × `height` characters, and what their signs mean.

    :raises UserError: plotext is not installed here.
    """
    end_s, found = curves(scenario, width)
    rate = f"{title}: {_rate_label(found)}"
    panels = [
        _panel([(c, c.delay_ms) for c in found], end_s, f"{title}: {_DELAY}", (width, height), from_zero=False),
        _panel([(c, c.rate_mbps) for c in found], end_s, rate, (width, height), from_zero=True),
    ]
    return "\n".join([*(panel.string(colorless=not colour).rstrip("\n") for panel in panels), _signs(found)])


def _panel(
    lines: list[tuple[Curves, list[Point]]], end_s: float, title: str, size: tuple[int, int], *, from_zero: bool
) -> Any:
    """A plotext matrix with one step curve for each direction."""
    with needs_extra("a plot in the terminal"):
        import plotext  # noqa: PLC0415  # slow to import, and not on every host
    figure = plotext.figure.clear()
    figure.theme("simple").plot_size(*size).title(title).label("time [s]")
    low, high = limits([points for _, points in lines], from_zero=from_zero)
    for axis, (start, end) in (("x", (0.0, end_s)), ("y", (low, high))):
        places = ticks(start, end, 8 if axis == "x" else 5)
        figure.ruler(axis).lim(start, end)
        figure.ruler(axis).ticks(places, [f"{place:g}" for place in places])
    for t_s in sorted({t_s for curve, _ in lines for t_s in curve.route_changes}):
        figure.line(t_s, "vertical", style="dotted")
    for curve, points in lines:
        marker = plotext.marker(_MARKERS[curve.name][0], _TEXT_COLOURS[curve.name])
        for piece in pieces(points):
            figure.draw(figure.signal([x for x, _ in piece], [y for _, y in piece], marker=marker).lines())
    return figure.build()


def _rate_label(found: list[Curves]) -> str:
    return _MEAN_RATE if any(curve.is_mean for curve in found) else _RATE


def _signs(found: list[Curves]) -> str:
    signs = [f"{_MARKERS[curve.name][1]} {_LEGENDS[curve.name]}" for curve in found]
    if any(curve.route_changes for curve in found):
        signs.append("┊ route change")
    if _has_gaps(found):
        signs.append("no line: unlimited rate")
    return "   ".join(signs)


def _has_gaps(found: list[Curves]) -> bool:
    return any(y is None for curve in found for _, y in curve.rate_mbps)


def plot_svg(scenario: Scenario, title: str) -> str:
    """A self-contained SVG document; the same scenario gives the same text.

    :raises UserError: matplotlib is not installed here.
    """
    with needs_extra("an SVG"):
        import matplotlib as mpl  # noqa: PLC0415  # slow to import, and not on every host
    text = io.StringIO()
    # A title is a file's name: no `$` in it is mathematics.
    with mpl.rc_context({"svg.hashsalt": "plctl", "text.parse_math": False}):
        _figure(scenario, title).savefig(text, format="svg", metadata={"Date": None, "Title": title})
    return text.getvalue()


def _figure(scenario: Scenario, title: str) -> Figure:
    from matplotlib.figure import Figure  # noqa: PLC0415  # as above

    end_s, found = curves(scenario, _SVG_BINS)
    figure = Figure(figsize=(9, 5.5), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True)
    _draw(upper, [(c, c.delay_ms) for c in found], _DELAY, from_zero=False)
    _draw(lower, [(c, c.rate_mbps) for c in found], _rate_label(found), from_zero=True)
    lower.set(xlim=(0, end_s), xlabel="time since the start [s]")
    figure.suptitle(title, fontweight="bold")
    handles, labels = lower.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False)
    return figure


def _draw(axes: Axes, lines: list[tuple[Curves, list[Point]]], label: str, *, from_zero: bool) -> None:
    """One panel: step curves, dotted lines for route changes, shading for outages."""
    axes.set_ylabel(label)
    axes.set_ylim(*limits([points for _, points in lines], from_zero=from_zero))
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#e4e4e4", linewidth=0.7)
    for curve, points in lines:
        colour = _SVG_COLOURS[curve.name]
        # matplotlib leaves a gap at NaN, which is what an unlimited rate has.
        heights = [float("nan") if y is None else y for _, y in points]
        axes.plot([x for x, _ in points], heights, color=colour, linewidth=1.8, label=_LEGENDS[curve.name])
        for index, (start, end) in enumerate(curve.outages):
            area = axes.axvspan(start, end, color=colour, alpha=0.18, linewidth=0)
            area.set_label("" if index else _OUTAGES[curve.name])
    for index, t_s in enumerate(sorted({t_s for curve, _ in lines for t_s in curve.route_changes})):
        line = axes.axvline(t_s, color="#555555", linestyle=":", linewidth=1.2)
        line.set_label("" if index else "route change")
