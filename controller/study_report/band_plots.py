"""What the links of a study carried over time: the median of the repetitions as a line, their extremes as a band."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from plctl.common.base.errors import UserError
from plctl.common.base.units import NS_PER_S
from plctl.controller.analysis.open_run import RunResults
from plctl.controller.analysis.open_study import StudyResults
from plctl.controller.study_report.layout import FactorLayout, Level
from plctl.controller.study_report.metric_plots import panels
from plctl.controller.study_report.palette import Palette
from plctl.controller.study_report.values import Floats

#: Points of a line.
POINTS = 120
#: Runs whose telemetry is read: enough for a band, and a page within a minute.
MAX_RUNS = 400


@dataclass(frozen=True, slots=True)
class Band:
    """One combination of levels over time."""

    levels: dict[str, Level]
    t_s: Floats  #: middle of each interval
    low: Floats  #: the least of the repetitions, Mbit/s
    median: Floats
    high: Floats
    runs: int


def bands(study: StudyResults, direction: str) -> list[Band]:
    """The rate at which the links of `ok` runs served `direction`, all links of a run together; one band a cell."""
    cells: dict[str, list[RunResults]] = defaultdict(list)
    for run in study.runs()[:MAX_RUNS]:
        if run.verdict == "ok":
            cells[run.labels.get("cell", "")].append(run)
    found = []
    for cell in study.record.cells:
        curves = [curve for run in cells.get(cell.cell, ()) if (curve := _rate_mbps(run, direction)) is not None]
        if curves:
            found.append(_band(study.typed(cell.values), curves))
    return found


def draw_bands(found: list[Band], layout: FactorLayout, palette: Palette, what: str) -> Figure:
    """A panel for each combination of the levels along the axis and of the panels; colours as in the other pictures."""
    inner = FactorLayout(
        None, layout.colour, tuple(filter(None, (layout.axis, *layout.panels))), layout.pooled, layout.levels
    )

    def draw(axes: Axes, panel: dict[str, Level]) -> None:
        for index, colour in enumerate(layout.levels_of(layout.colour)):
            wanted = panel | ({layout.colour: colour} if layout.colour else {})
            ink = palette.levels[index % len(palette.levels)]
            for band in found:
                if all(band.levels.get(name) == level for name, level in wanted.items()):
                    axes.fill_between(band.t_s, band.low, band.high, color=ink, alpha=0.2, linewidth=0)
                    axes.plot(band.t_s, band.median, color=ink)
        axes.set_ylim(bottom=0)

    with mpl.rc_context(palette.style):
        return panels(draw, inner, palette, "s after T0", what)


def as_table(found: list[Band]) -> pa.Table:
    """The numbers behind the picture."""
    rows: list[dict[str, Any]] = [
        band.levels | {"t_s": t, "low_mbps": low, "median_mbps": median, "high_mbps": high, "runs": band.runs}
        for band in found
        for t, low, median, high in zip(band.t_s, band.low, band.median, band.high, strict=True)
    ]
    return pa.Table.from_pylist(rows)


def _rate_mbps(run: RunResults, direction: str) -> tuple[Floats, Floats] | None:
    """(seconds after T0, Mbit/s) of each interval; None where nothing was recorded."""
    try:
        table = run.telemetry()
    except UserError:
        return None
    rows = table.filter(pc.and_(pc.equal(table["direction"], direction), pc.greater(table["t_s"], 0.0)))
    if not rows.num_rows:
        return None
    sums = (
        rows.group_by("t_s", use_threads=False)
        .aggregate([("served_bytes", "sum"), ("interval_ns", "max")])
        .sort_by("t_s")
    )
    t_s, served, interval = (
        np.asarray(sums[name].to_numpy(), float) for name in ("t_s", "served_bytes_sum", "interval_ns_max")
    )
    return t_s, 8 * served / (interval / NS_PER_S) / 1e6


def _band(levels: dict[str, Level], curves: list[tuple[Floats, Floats]]) -> Band:
    """All curves on one axis of time, as far as the shortest of them goes."""
    end = min(float(t_s[-1]) for t_s, _ in curves)
    edges = np.linspace(0, end, min(POINTS, *(len(t_s) for t_s, _ in curves)) + 1)
    binned = np.array([_binned(curve, edges) for curve in curves])
    low, high = binned.min(axis=0), binned.max(axis=0)
    return Band(levels, (edges[1:] + edges[:-1]) / 2, low, np.median(binned, axis=0), high, len(curves))


def _binned(curve: tuple[Floats, Floats], edges: Floats) -> Floats:
    t_s, values = curve
    index = np.clip(np.searchsorted(edges, t_s) - 1, 0, len(edges) - 2)
    sums = np.bincount(index, values, len(edges) - 1)
    counts = np.bincount(index, minlength=len(edges) - 1)
    return np.asarray(sums / np.maximum(counts, 1))
