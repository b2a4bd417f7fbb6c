"""Writes the plots of a report as files for a paper: each as SVG and PDF, and its numbers as CSV."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from plctl.common.scenario.schedule import DIRECTIONS
from plctl.controller.report import delay_spread, link_plots, path_plots, socket_plots, workload_plots
from plctl.controller.report.figure_style import Plot
from plctl.controller.report.link_part import curves_of
from plctl.controller.report.link_plots import LinkCurves
from plctl.controller.report.markup import Markup
from plctl.controller.results import socket_stats_file, telemetry_file
from plctl.controller.results.run_record import LinkRecord, RunRecord


def write_pictures(folder: Path, record: RunRecord, links: Sequence[LinkRecord], target: Path) -> int:
    """Write the plots of `links` of the run in `folder` into the folder `target`, which is made; how many there are.

    Their files are called LINK-PLOT.svg, .pdf and .csv.

    :raises OSError: the disk refuses.
    """
    names, t0_by_host = [link.plan.name for link in links], record.t0_by_host()
    telemetry = telemetry_file.read(folder, record.run, t0_by_host, links=names)
    sockets = socket_stats_file.read(folder, record.run, t0_by_host, links=names)
    target.mkdir(parents=True, exist_ok=True)
    count = 0
    for link in links:
        for name, plot in plots(folder, record, link, telemetry, sockets):
            if isinstance(plot, Plot):  # else there was nothing to draw
                plot.write_files(target, f"{link.plan.name}-{name}")
                count += 1
    return count


def plots(
    folder: Path, record: RunRecord, link: LinkRecord, telemetry: pa.Table, sockets: pa.Table, *,
    beside: tuple[LinkCurves, ...] = (),
) -> Iterator[tuple[str, Markup]]:  # fmt: skip
    """Every plot of one link under the name of its files; empty markup of what never was.

    :param beside: what the scales and units must do for, too.
    """
    own = telemetry.filter(pc.equal(telemetry["link"], link.plan.name))
    if not (curves := curves_of(record, link, own)):
        return
    curves = replace(curves, beside=beside)
    yield "delay", link_plots.delay(curves)
    yield "rate", link_plots.rate(curves)
    yield "queue", link_plots.queue(curves)
    yield "drops", path_plots.layers(curves, path_plots.DROPS, "drops")
    yield "path", path_plots.layers(curves, path_plots.PATH, "marks, losses")
    if path_plots.has_state(curves.plan):
        yield "queue-management", path_plots.state(curves)
    yield "lateness", link_plots.lateness(curves)
    spreads: dict[str, delay_spread.Spread] = {way: delay_spread.spread(own, way) for way in DIRECTIONS}
    yield "delay-spread", delay_spread.draw(spreads, link.plan.name)
    flows = socket_plots.senders(sockets, link.plan.name)
    yield "congestion-window", socket_plots.window(flows, curves)
    yield "round-trip-time", socket_plots.round_trip(flows, curves)
    programs = workload_plots.programs(folder, link)
    yield "throughput", workload_plots.throughput(programs, curves)
    yield "ping", workload_plots.round_trip(programs, curves)
