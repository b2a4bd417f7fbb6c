"""Pictures of one metric over the factors: boxes with every value beside them, and cumulative distributions."""

from __future__ import annotations

import math
from collections.abc import Callable

import matplotlib as mpl
import numpy as np
import pyarrow as pa
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from plctl.controller.study_report.layout import FactorLayout, Level
from plctl.controller.study_report.palette import Palette
from plctl.controller.study_report.values import Floats, named, select, title

#: Panels beside each other, and the inches of each.
_ACROSS, _WIDTH, _HEIGHT = 3, 2.6, 2.0
_BOX_WIDTH = 0.7


def boxes(table: pa.Table, metric: str, layout: FactorLayout, palette: Palette) -> Figure:
    """For each level along the axis a box (quartiles, whiskers at the extremes) with all values as dots."""

    def draw(axes: Axes, panel: dict[str, Level]) -> None:
        levels, colours = layout.levels_of(layout.axis), layout.levels_of(layout.colour)
        width = _BOX_WIDTH / len(colours)
        for index, colour in enumerate(colours):
            ink = palette.levels[index % len(palette.levels)]
            for place, level in enumerate(levels):
                at = place + (index - (len(colours) - 1) / 2) * width
                _box(axes, at, width * 0.8, select(table, _levels(layout, panel, colour, level), metric), ink)
        axes.set_xticks(range(len(levels)), [str(level) if layout.axis else "" for level in levels])
        axes.set_xlim(-0.6, len(levels) - 0.4)
        axes.use_sticky_edges = False  # a box at the edge of all values is seen whole

    return panels(draw, layout, palette, layout.axis or "", title(metric))


def distributions(table: pa.Table, metric: str, layout: FactorLayout, palette: Palette) -> Figure:
    """The share of values that are not above x, a line for each level that has a colour; those of the axis together."""

    def draw(axes: Axes, panel: dict[str, Level]) -> None:
        for index, colour in enumerate(layout.levels_of(layout.colour)):
            values = np.sort(select(table, _levels(layout, panel, colour, None), metric))
            if len(values):
                share = np.arange(len(values) + 1) / len(values)
                ink = palette.levels[index % len(palette.levels)]
                axes.step(np.concatenate(([values[0]], values)), share, where="post", color=ink)
        axes.set_ylim(0, 1.02)

    return panels(draw, layout, palette, title(metric), "share of values")


def _box(axes: Axes, at: float, width: float, values: Floats, ink: str) -> None:
    if not len(values):
        return
    q1, median, q3 = np.percentile(values, [25, 50, 75])
    axes.vlines(at, values.min(), values.max(), color=ink, linewidth=0.8)
    axes.bar(at, q3 - q1, width, bottom=q1, facecolor="none", edgecolor=ink, linewidth=1)
    axes.hlines(median, at - width / 2, at + width / 2, color=ink, linewidth=2)
    axes.plot(np.full(len(values), at), values, ".", color=ink, markersize=3)


def _levels(layout: FactorLayout, panel: dict[str, Level], colour: Level, axis: Level) -> dict[str, Level]:
    levels = dict(panel)
    if layout.colour and colour is not None:
        levels[layout.colour] = colour
    if layout.axis and axis is not None:
        levels[layout.axis] = axis
    return levels


def panels(
    draw: Callable[[Axes, dict[str, Level]], None], layout: FactorLayout, palette: Palette, x: str, y: str
) -> Figure:
    """A figure with a panel for each combination of levels, one scale for all, and the colours named above."""
    keys = list(layout.panel_keys())
    across = min(len(keys), _ACROSS)
    down = math.ceil(len(keys) / across)
    with mpl.rc_context(palette.style):
        figure = Figure(figsize=(max(across * _WIDTH, 3.6), down * _HEIGHT + 0.6), layout="constrained")
        grid = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False)
        for axes, key in zip(grid.flat, keys, strict=False):
            draw(axes, key)
            if key:
                axes.set_title(named(key))
        for axes in grid.flat[len(keys) :]:
            axes.set_visible(False)
        figure.supxlabel(x, fontsize=8)
        figure.supylabel(y, fontsize=8)
        _legend(figure, layout, palette)
        return figure


def _legend(figure: Figure, layout: FactorLayout, palette: Palette) -> None:
    if not layout.colour:
        return
    lines = [
        mpl.lines.Line2D([], [], color=palette.levels[index % len(palette.levels)], label=f"{layout.colour} {level}")
        for index, level in enumerate(layout.levels_of(layout.colour))
    ]
    figure.legend(handles=lines, loc="outside upper center", ncols=min(5, len(lines)), frameon=False)
