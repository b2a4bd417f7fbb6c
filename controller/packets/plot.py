"""Draws what packets went through, sojourn and one-way delay over time, as text for a terminal or as an SVG."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from plctl.common.base.units import NS_PER_MS
from plctl.common.cli.extra import needs_extra
from plctl.controller.packets.stats import PacketSummary, Sent, Times
from plctl.controller.scenarios.steps import ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: What is drawn, in panels below each other.
PANELS = ("sojourn: queue and service [ms]", "one-way delay [ms]")
_LEGENDS = {"up": "up (client → server)", "down": "down (server → client)"}
_MARKERS = {"up": ("braille", "⠒"), "down": ("hd", "▚")}
_TEXT_COLOURS = {"up": 208, "down": 12}
_SVG_COLOURS = {"up": "#d9730d", "down": "#1f5fa8"}
_SVG_BINS = 1500
_DOTS = 2  # that a character of the terminal is wide

Floats = NDArray[np.float64]


def plot_text(
    found: Sequence[PacketSummary], title: str, *, width: int = 80, height: int = 15, colour: bool = True
) -> str:
    """Two plots below each other, each `width` × `height` characters; of crowded packets the extremes.

    :raises UserError: plotext is not installed here.
    """
    panels = [
        _panel(found, index, f"{title}: {label}", (width, height)).string(colorless=not colour).rstrip("\n")
        for index, label in enumerate(PANELS)
    ]
    signs = "   ".join(f"{_MARKERS[each.direction][1]} {_LEGENDS[each.direction]}" for each in found)
    return "\n".join([*panels, signs])


def plot_svg(found: Sequence[PacketSummary], title: str) -> str:
    """A self-contained SVG document; the same packets give the same text.

    :raises UserError: matplotlib is not installed here.
    """
    with needs_extra("an SVG"):
        import matplotlib as mpl  # noqa: PLC0415  # slow to import, and not on every host
    text = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": "plctl", "text.parse_math": False}):  # no `$` in a name is mathematics
        _figure(found, title).savefig(text, format="svg", metadata={"Date": None, "Title": title})
    return text.getvalue()


def extremes(t_s: Floats, values: Times, bins: int) -> tuple[Floats, Floats]:
    """The points (s, ms) of `values`, or where they are more than fit into `bins` columns, each column's extremes."""
    points = values / NS_PER_MS
    if len(points) <= 2 * bins:
        return t_s, points
    width = (t_s[-1] - t_s[0]) / bins or 1.0
    starts = np.flatnonzero(np.diff(((t_s - t_s[0]) / width).astype(int), prepend=-1))
    ends = np.append(starts[1:], len(points))
    kept = sorted(
        {
            start + offset
            for start, end in zip(starts, ends, strict=True)
            for offset in (int(points[start:end].argmin()), int(points[start:end].argmax()))
        }
    )
    return t_s[kept], points[kept]


def _values(sent: Sent, panel: int) -> Times:
    return (sent.sojourn, sent.one_way)[panel]


def _limits(found: Sequence[PacketSummary], panel: int) -> tuple[tuple[float, float], tuple[float, float]]:
    """The ends of both axes: time from T0 to the last arrival, and values from 0 with some air."""
    drawn = [each.sent for each in found if len(each.sent.t_s)]
    end_s = max((float(sent.t_s[-1]) for sent in drawn), default=0.0) or 1.0
    top = max((float(_values(sent, panel).max()) / NS_PER_MS for sent in drawn), default=0.0) or 1.0
    return (0.0, end_s), (0.0, top * 1.08)


def _panel(found: Sequence[PacketSummary], panel: int, title: str, size: tuple[int, int]) -> Any:
    with needs_extra("a plot in the terminal"):
        import plotext  # noqa: PLC0415  # slow to import, and not on every host
    figure = plotext.figure.clear()
    figure.theme("simple").plot_size(*size).title(title).label("arrival after T0 [s]")
    for axis, (low, high) in zip("xy", _limits(found, panel), strict=True):
        places = ticks(low, high, 8 if axis == "x" else 5)
        figure.ruler(axis).lim(low, high)
        figure.ruler(axis).ticks(places, [f"{place:g}" for place in places])
    for each in found:
        marker = plotext.marker(_MARKERS[each.direction][0], _TEXT_COLOURS[each.direction])
        if len(each.sent.t_s):
            x, y = extremes(each.sent.t_s, _values(each.sent, panel), _DOTS * size[0])
            figure.draw(figure.signal(x.tolist(), y.tolist(), marker=marker))
    return figure.build()


def _figure(found: Sequence[PacketSummary], title: str) -> Figure:
    from matplotlib.figure import Figure  # noqa: PLC0415  # as above

    figure = Figure(figsize=(9, 5.5), layout="constrained")
    axes = figure.subplots(len(PANELS), 1, sharex=True)
    for panel, label in enumerate(PANELS):
        _draw(axes[panel], found, panel, label)
    axes[-1].set(xlim=_limits(found, 0)[0], xlabel="arrival after T0 [s]")
    figure.suptitle(title, fontweight="bold")
    handles, labels = axes[-1].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=max(1, len(labels)), frameon=False, markerscale=3)
    return figure


def _draw(axes: Axes, found: Sequence[PacketSummary], panel: int, label: str) -> None:
    axes.set_ylabel(label)
    axes.set_ylim(*_limits(found, panel)[1])
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#e4e4e4", linewidth=0.7)
    for each in found:
        x, y = extremes(each.sent.t_s, _values(each.sent, panel), _SVG_BINS)
        colour = _SVG_COLOURS[each.direction]
        axes.plot(x, y, ".", color=colour, markersize=3, markeredgewidth=0, label=_LEGENDS[each.direction])
