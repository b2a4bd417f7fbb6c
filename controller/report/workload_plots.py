"""Draws what workloads themselves measured over time beside what was asked for: throughput, and round-trip times."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from plctl.common.base.units import NS_PER_S
from plctl.common.plan.run_plan import End, Workload
from plctl.common.protocol.messages import WorkloadResult
from plctl.controller.metrics.over_time import OverTime, over_time
from plctl.controller.report.end_plots import EndCurve, asked_both_ways, asked_rate, draw_ends
from plctl.controller.report.link_plots import LinkCurves
from plctl.controller.report.markup import Markup
from plctl.controller.report.series import MAX_POINTS, Floats
from plctl.controller.results.run_reader import ARTIFACTS_NAME
from plctl.controller.results.run_record import LinkRecord

_OUTPUT_BYTES = 16 * 2**20
_OTHER: dict[End, End] = {"client": "server", "server": "client"}

#: Curves of each kind (`OverTime.what`), by the end that sent; Mbit/s and ms.
Programs = dict[str, dict[End, list[EndCurve]]]


def programs(folder: Path, link: LinkRecord) -> Programs:
    """What the workloads of `link`, of the run in `folder`, say of every interval; of unknown programs nothing."""
    found: Programs = {kind: {"client": [], "server": []} for kind in ("rate", "rtt")}
    results = {each.name: each for each in (link.result.workloads if link.result else ())}
    for workload in link.plan.workloads:
        path = folder / ARTIFACTS_NAME / link.plan.name / f"{workload.name}.stdout"
        began_s = _began_s(workload, results.get(workload.name), link)
        for curve in over_time(_read(path), workload.command) if began_s is not None else ():
            sender = workload.at if curve.sends else _OTHER[workload.at]
            found[curve.what][sender].append(_curve(workload.name, curve, began_s or 0.0))
    return found


def throughput(curves: Programs, link: LinkCurves) -> Markup:
    """Payload that programs sent or received, on the rate asked for; empty markup if none of them says."""
    return draw_ends(curves["rate"], "throughput of programs", "Mbit/s", link, partial(asked_rate, link=link))


def round_trip(curves: Programs, link: LinkCurves) -> Markup:
    """Round-trip times of ping, on the delay asked for there and back; empty markup if there is none."""
    return draw_ends(curves["rtt"], "round-trip time of ping", "ms", link, partial(asked_both_ways, link=link))


def _began_s(workload: Workload, result: WorkloadResult | None, link: LinkRecord) -> float | None:
    """When it was executed, in seconds after T0; None if nobody knows, or it never was."""
    if result and result.executed_ns and link.planned_ns is not None:
        return (result.executed_ns - link.planned_ns) / NS_PER_S
    return workload.start_ns / NS_PER_S if result is None and workload.start_ns >= 0 else None


def _curve(name: str, curve: OverTime, began_s: float) -> EndCurve:
    start_s, end_s, values = (np.array(each, float) for each in (curve.start_s, curve.end_s, curve.values))
    middle = began_s + (start_s + end_s) / 2
    scaled = values / 10**6 if curve.what == "rate" else values
    return EndCurve(f"{name}: {curve.words}", _means(middle), _means(scaled))


def _means(values: Floats) -> Floats:
    """At most so many as can be drawn: means of neighbours."""
    size = -(-len(values) // MAX_POINTS)
    if size <= 1:
        return values
    starts = np.arange(0, len(values), size)
    means: Floats = np.add.reduceat(values, starts) / np.diff(np.append(starts, len(values)))
    return means


def _read(path: Path) -> str:
    """What a workload printed, if it is not too much to read."""
    try:
        with path.open("rb") as file:
            data = file.read(_OUTPUT_BYTES + 1)
    except OSError:
        return ""
    return data.decode(errors="replace") if len(data) <= _OUTPUT_BYTES else ""
