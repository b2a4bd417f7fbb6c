"""Draws what scenarios ask for over time, several side by side, as a self-contained SVG or as a PNG."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from plctl.common.base.errors import UserError
from plctl.common.base.units import NS_PER_S
from plctl.common.cli.extra import needs_extra
from plctl.common.scenario.schedule import Scenario
from plctl.controller.scenarios.panels import LEGENDS, PlotPanel, panels
from plctl.controller.scenarios.steps import Window, curves, limits

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_OUTAGES = {"both": "outage", "up": "outage (up)", "down": "outage (down)"}
_COLOURS = {"both": "#1f5fa8", "up": "#d9730d", "down": "#1f5fa8"}
_BINS = 2000
_WHOLE = Window()
#: Side by side in one picture: more are too narrow to read.
MOST_BESIDE = 6


def plot_svg(scenario: Scenario, title: str) -> str:
    """One scenario as an SVG document; the same scenario gives the same text.

    :raises UserError: matplotlib is not installed here.
    """
    return picture({title: scenario}, "svg").decode()


def picture(scenarios: Mapping[str, Scenario], form: Literal["svg", "png"], window: Window = _WHOLE) -> bytes:
    """A file of these scenarios by title, side by side on the same axes; the same ones give the same SVG.

    :raises UserError: matplotlib is not installed here, they are too many, or there is nothing in the window.
    """
    if len(scenarios) > MOST_BESIDE:
        raise UserError(f"a picture has room for {MOST_BESIDE} scenarios side by side, and these are {len(scenarios)}")
    with needs_extra("a picture"):
        import matplotlib as mpl  # noqa: PLC0415  # slow to import, and not on every host
    file = io.BytesIO()
    metadata = {"Date": None, "Title": ", ".join(scenarios)} if form == "svg" else {"Software": None}
    # A title is a file's name: no `$` in it is mathematics.
    with mpl.rc_context({"svg.hashsalt": "plctl", "text.parse_math": False}):
        _figure(scenarios, window).savefig(file, format=form, dpi=150, metadata=metadata)
    return file.getvalue()


def _figure(scenarios: Mapping[str, Scenario], window: Window) -> Figure:
    from matplotlib.figure import Figure  # noqa: PLC0415  # as above

    found = [curves(scenario, _BINS, window) for scenario in scenarios.values()]
    plots = [panels(lines) for _, lines in found]
    # A row for each label that any of them has, in the order of the first one that has it.
    labels = list(dict.fromkeys(panel.label for each in plots for panel in each))
    figure = Figure(figsize=(9 if len(plots) == 1 else 5 * len(plots), 2.75 * len(labels)), layout="constrained")
    axes = figure.subplots(len(labels), len(plots), sharex=True, sharey="row", squeeze=False)
    for row, label in enumerate(labels):
        alike = [panel for each in plots for panel in each if panel.label == label]
        lines = [points for panel in alike for _, points in panel.lines]
        axes[row, 0].set(ylabel=label, ylim=limits(lines, from_zero=alike[0].from_zero))
        for column, each in enumerate(plots):
            _draw(axes[row, column], next((panel for panel in each if panel.label == label), None))
    for column, title in enumerate(scenarios):
        axes[-1, column].set_xlabel("time since the start [s]")
        if len(plots) > 1:
            axes[0, column].set_title(title, fontweight="bold")
    if len(plots) == 1:
        figure.suptitle(next(iter(scenarios)), fontweight="bold")
    axes[0, 0].set_xlim(window.begin_ns / NS_PER_S, max(end_s for end_s, _ in found))
    entries = {
        label: handle for each in axes.flat for handle, label in zip(*each.get_legend_handles_labels(), strict=True)
    }
    figure.legend(list(entries.values()), list(entries), loc="outside lower center", ncols=len(entries), frameon=False)
    return figure


def _draw(axes: Axes, panel: PlotPanel | None) -> None:
    """One plot: step curves, dotted lines for route changes, shading for outages; empty without a panel."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#e4e4e4", linewidth=0.7)
    if not panel:
        return
    for curve, points in panel.lines:
        colour = _COLOURS[curve.name]
        # matplotlib leaves a gap at NaN, which is what an unlimited rate has.
        heights = [float("nan") if y is None else y for _, y in points]
        axes.plot([x for x, _ in points], heights, color=colour, linewidth=1.8, label=LEGENDS[curve.name])
        for index, (start, end) in enumerate(curve.outages):
            area = axes.axvspan(start, end, color=colour, alpha=0.18, linewidth=0)
            area.set_label("" if index else _OUTAGES[curve.name])
    for index, t_s in enumerate(sorted({t_s for curve, _ in panel.lines for t_s in curve.route_changes})):
        line = axes.axvline(t_s, color="#555555", linestyle=":", linewidth=1.2)
        line.set_label("" if index else "route change")
