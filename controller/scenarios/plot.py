"""Draws what scenarios ask for, delay, rate and whatever else over time, as text for a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import zip_longest
from typing import Any

from plctl.common.base.units import NS_PER_S
from plctl.common.cli.extra import needs_extra
from plctl.common.scenario.schedule import Scenario
from plctl.controller.scenarios.panels import LEGENDS, PlotPanel, panels
from plctl.controller.scenarios.steps import Curves, Window, curves, limits, pieces, ticks

_MARKERS = {"both": ("hd", "▚"), "up": ("braille", "⠒"), "down": ("hd", "▚")}
_TEXT_COLOURS = {"both": 12, "up": 208, "down": 12}
#: Plots narrower than this say nothing.
_NARROWEST = 44
_WHOLE = Window()
_HEIGHT = 15


def plots_text(
    scenarios: Mapping[str, Scenario], *, width: int = 80, colour: bool = True, window: Window = _WHOLE
) -> str:
    """The plots of several scenarios, by title, side by side as far as `width` allows."""
    beside = max(1, min(len(scenarios), width // _NARROWEST))
    each = width // beside
    drawn = [_plots(scenario, title, (each, _HEIGHT), window) for title, scenario in scenarios.items()]
    rows = []
    for first in range(0, len(drawn), beside):
        part = drawn[first : first + beside]
        # A plot that the one beside it does not have leaves room there.
        for panel in zip_longest(*(plots for plots, _ in part)):
            lines = [_lines(plot, colour) if plot else [" " * each] * _HEIGHT for plot in panel]
            rows += ["".join(line).rstrip() for line in zip(*lines, strict=True)]
        rows.append(_signs([curve for _, found in part for curve in found]))
        rows.append("")
    return "\n".join(rows[:-1])


def plot_text(
    scenario: Scenario,
    title: str,
    *,
    width: int = 80,
    height: int = _HEIGHT,
    colour: bool = True,
    window: Window = _WHOLE,
) -> str:
    """Plots below each other, each `width` × `height` characters, and what their signs mean.

    :raises UserError: plotext is not installed here, or there is nothing in the window.
    """
    plots, found = _plots(scenario, title, (width, height), window)
    return "\n".join([*("\n".join(_lines(plot, colour)) for plot in plots), _signs(found)])


def _plots(scenario: Scenario, title: str, size: tuple[int, int], window: Window) -> tuple[list[Any], list[Curves]]:
    """A plotext matrix for each panel, and what is drawn in them."""
    end_s, found = curves(scenario, size[0], window)
    span = (window.begin_ns / NS_PER_S, end_s)
    return [_panel(panel, span, _heading(title, panel.label, size[0]), size) for panel in panels(found)], found


def _heading(title: str, label: str, width: int) -> str:
    """Both, of a title too long for the plot its end: that tells files apart."""
    room = max(1, width - len(label) - 6)
    return f"{title if len(title) <= room else '…' + title[1 - room :]}: {label}"


def _lines(plot: Any, colour: bool) -> list[str]:
    text: str = plot.string(colorless=not colour)
    return text.rstrip("\n").split("\n")


def _panel(panel: PlotPanel, span_s: tuple[float, float], title: str, size: tuple[int, int]) -> Any:
    """A plotext matrix with one step curve for each direction."""
    with needs_extra("a plot in the terminal"):
        import plotext  # noqa: PLC0415  # slow to import, and not on every host
    figure = plotext.figure.clear()
    figure.theme("simple").plot_size(*size).title(title).label("time [s]")
    low, high = limits([points for _, points in panel.lines], from_zero=panel.from_zero)
    for axis, (start, end) in (("x", span_s), ("y", (low, high))):
        places = ticks(start, end, min(8, size[0] // 10) if axis == "x" else 5)
        figure.ruler(axis).lim(start, end)
        figure.ruler(axis).ticks(places, [f"{place:g}" for place in places])
    for t_s in sorted({t_s for curve, _ in panel.lines for t_s in curve.route_changes}):
        figure.line(t_s, "vertical", style="dotted")
    for curve, points in panel.lines:
        marker = plotext.marker(_MARKERS[curve.name][0], _TEXT_COLOURS[curve.name])
        for piece in pieces(points):
            figure.draw(figure.signal([x for x, _ in piece], [y for _, y in piece], marker=marker).lines())
    return figure.build()


def _signs(found: list[Curves]) -> str:
    names = dict.fromkeys(curve.name for curve in found)
    signs = [f"{_MARKERS[name][1]} {LEGENDS[name]}" for name in names]
    if any(curve.route_changes for curve in found):
        signs.append("┊ route change")
    if _has_gaps(found):
        signs.append("no line: unlimited rate")
    return "   ".join(signs)


def _has_gaps(found: list[Curves]) -> bool:
    return any(y is None for curve in found for _, y in curve.rate_mbps)
