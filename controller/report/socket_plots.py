"""Draws what TCP senders at a link's ends did, flow by flow, beside what they met there.

Their congestion windows lie on the queue that they filled, their round-trip times on the delay that was asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from plctl.common.base.units import NS_PER_MS
from plctl.common.plan.run_plan import End
from plctl.controller.report import end_plots
from plctl.controller.report.end_plots import EndCurve, asked_both_ways, draw_ends, queue
from plctl.controller.report.link_plots import LinkCurves
from plctl.controller.report.markup import Markup
from plctl.controller.report.series import MAX_POINTS, Floats

#: Of more flows at one end than this, those that sent most are drawn.
MAX_FLOWS = end_plots.MAX_CURVES
#: Of more changes of one flow's congestion control, the first are named.
MAX_CHANGES = 3


@dataclass(frozen=True, slots=True)
class FlowCurve:
    """One sender. Where many looks become one point, it has the largest value of them."""

    name: str  #: with its congestion control, from when to when
    changes_s: tuple[float, ...]  #: when it had another congestion control than at the look before
    t_s: Floats
    cwnd_bytes: Floats
    srtt_ns: Floats


Senders = dict[End, list[FlowCurve]]  #: by end


def senders(table: pa.Table, link: str) -> Senders:
    """The flows of `link` in socket_stats.parquet's `table` that had data acknowledged, most first, by end."""
    own = table.filter(pc.and_(pc.equal(table["link"], link), pc.is_valid(table["t_s"])))
    return {end: _largest(own.filter(pc.equal(own["end"], end))) for end in end_plots.TITLES}


def window(flows: Senders, link: LinkCurves) -> Markup:
    """Congestion windows, and the queue of the link on which they lie; empty markup if nobody sent anything."""
    curves = {end: [_drawn(each, each.cwnd_bytes / 1000) for each in of_end] for end, of_end in flows.items()}
    return draw_ends(curves, "congestion window", "kB", link, partial(queue, link=link))


def round_trip(flows: Senders, link: LinkCurves) -> Markup:
    """Smoothed round-trip times, and the delay asked for there and back; empty markup if nobody sent anything."""
    curves = {end: [_drawn(each, each.srtt_ns / NS_PER_MS) for each in of_end] for end, of_end in flows.items()}
    return draw_ends(curves, "smoothed RTT", "ms", link, partial(asked_both_ways, link=link))


def names(flows: Senders) -> list[tuple[str, str]]:
    """Every flow that is drawn, at which end it was sent, and the class of its colour."""
    return [*end_plots.names({end: [_drawn(each, each.t_s) for each in of_end] for end, of_end in flows.items()})]


def _drawn(flow: FlowCurve, values: Floats) -> EndCurve:
    return EndCurve(flow.name, flow.t_s, values, flow.changes_s)


def _largest(table: pa.Table) -> list[FlowCurve]:
    """At most `MAX_FLOWS` senders among the sockets of one end."""
    totals = table.group_by("socket", use_threads=False).aggregate([("bytes_acked", "max")]).to_pylist()
    most = sorted(totals, key=lambda each: int(each["bytes_acked_max"]), reverse=True)[:MAX_FLOWS]
    return [
        _curve(table.filter(pc.equal(table["socket"], each["socket"]))) for each in most if each["bytes_acked_max"] > 1
    ]  # the kernel counts the SYN as a byte


def _curve(rows: pa.Table) -> FlowCurve:
    rows = rows.sort_by("t_s")
    first = rows.slice(0, 1).to_pylist()[0]
    name = f"{first['local']}:{first['local_port']} → {first['remote']}:{first['remote_port']}"
    starts = np.arange(0, rows.num_rows, max(1, -(-rows.num_rows // MAX_POINTS)))
    t_s, cwnd, srtt = (rows[name].to_numpy().astype(float) for name in ("t_s", "cwnd_bytes", "srtt_ns"))
    srtt = np.where(srtt < 0, np.nan, srtt)
    periods = _periods(rows)
    return FlowCurve(
        f"{name}, {_in_words(periods)}",
        tuple(since_s for since_s, _ in periods[1:]),
        np.maximum.reduceat(t_s, starts),
        np.maximum.reduceat(cwnd, starts),
        np.fmax.reduceat(srtt, starts),
    )


def _periods(rows: pa.Table) -> list[tuple[float, str]]:
    """Since when which congestion control was in force, as the looks in `rows`, in order, saw it."""
    times, names = rows["t_s"].to_pylist(), rows["congestion_control"].to_pylist()
    return [(t_s, name) for t_s, name, before in zip(times, names, [None, *names[:-1]], strict=True) if name != before]


def _in_words(periods: list[tuple[float, str]]) -> str:
    (_, first), *later = periods
    words = [first, *(f"from {since_s:.3g} s {name}" for since_s, name in later[:MAX_CHANGES])]
    if more := later[MAX_CHANGES:]:
        words.append(f"and {len(more)} changes more")
    return ", ".join(words)
