"""Draws what TCP senders at a link's ends did, flow by flow, beside what they met there.

Their congestion windows lie on the queue that they filled, their round-trip times on the delay that was asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from plctl.common.base.units import NS_PER_MS
from plctl.controller.report.figure_style import ASKED, BAD, INK, MEASURED, MUTED, WORSE, Plot, stacked
from plctl.controller.report.link_plots import LinkCurves
from plctl.controller.report.markup import Markup
from plctl.controller.report.series import MAX_POINTS, Floats

#: Of more flows at one end than this, those that sent most are drawn.
MAX_FLOWS = 5
#: Of more changes of one flow's congestion control, the first are named.
MAX_CHANGES = 3
_COLOURS = (MEASURED, WORSE, BAD, INK, MUTED)
#: Classes of report.css with the same colours, for the words beside the figure.
_KEYS = ("measured", "worse", "bad", "ink", "max")
#: Which way the data of an end's senders goes.
_WAYS = {"client": "up", "server": "down"}
_TITLES = {"client": "sent by the client", "server": "sent by the server"}


@dataclass(frozen=True, slots=True)
class FlowCurve:
    """One sender. Where many looks become one point, it has the largest value of them."""

    name: str  #: with its congestion control, from when to when
    changes_s: tuple[float, ...]  #: when it had another congestion control than at the look before
    t_s: Floats
    cwnd_bytes: Floats
    srtt_ns: Floats


Senders = dict[str, list[FlowCurve]]  #: by end


def senders(table: pa.Table, link: str) -> Senders:
    """The flows of `link` in socket_stats.parquet's `table` that had data acknowledged, most first, by end."""
    own = table.filter(pc.and_(pc.equal(table["link"], link), pc.is_valid(table["t_s"])))
    return {end: _largest(own.filter(pc.equal(own["end"], end))) for end in _TITLES}


def window(flows: Senders, link: LinkCurves) -> Markup:
    """Congestion windows, and the queue of the link on which they lie; empty markup if nobody sent anything."""

    def queue(axes: Axes, end: str) -> None:
        measured = link.measured[_WAYS[end]]
        middle = (measured.start_s + measured.end_s) / 2
        axes.fill_between(middle, 0, measured.queue_bytes / 1000, color=MUTED, alpha=0.3, linewidth=0)
        axes.plot(middle, measured.queue_bytes / 1000, visible=False, label="queue of the link")

    curves = {end: [(f, f.cwnd_bytes / 1000) for f in each] for end, each in flows.items()}
    return _draw(curves, "congestion window", "kB", link, queue)


def round_trip(flows: Senders, link: LinkCurves) -> Markup:
    """Smoothed round-trip times, and the delay asked for there and back; empty markup if nobody sent anything."""
    t_s, asked_ns = _asked_both_ways(link)

    def asked(axes: Axes, _end: str) -> None:
        axes.step(t_s, asked_ns / NS_PER_MS, where="post", color=ASKED, linewidth=4.5, alpha=0.75, label="asked")

    curves = {end: [(f, f.srtt_ns / NS_PER_MS) for f in each] for end, each in flows.items()}
    return _draw(curves, "smoothed RTT", "ms", link, asked)


def names(flows: Senders) -> list[tuple[str, str]]:
    """Every flow that is drawn, at which end it was sent, and the class of its colour."""
    return [
        (f"{_TITLES[end]}: {flow.name}", key)
        for end, each in flows.items()
        for flow, key in zip(each, _KEYS, strict=False)
    ]


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


def _asked_both_ways(link: LinkCurves) -> tuple[Floats, Floats]:
    """When the delay asked for there and back changes, up to the end of the time axis, and what it is from then on."""
    both = link.asked.values()
    t_s = np.unique(np.concatenate([each.t_s for each in both]))
    asked_ns = np.zeros(len(t_s))
    for each in both:
        asked_ns += each.delay_ns[np.maximum(np.searchsorted(each.t_s, t_s, "right") - 1, 0)]
    return np.append(t_s, link.until_s), np.append(asked_ns, asked_ns[-1:])


def _draw(
    curves: dict[str, list[tuple[FlowCurve, Floats]]], what: str, unit: str, link: LinkCurves,
    beside: Callable[[Axes, str], None],
) -> Markup:  # fmt: skip
    """Flows in a panel for each end, on what `beside` draws there."""
    if not any(curves.values()):
        return Markup()

    def make() -> Figure:
        figure, both = stacked([_TITLES[end] for end in curves], f"{what}, {unit}")
        for axes, (end, flows) in zip(both, curves.items(), strict=True):
            beside(axes, end)
            for (flow, values), colour in zip(flows, _COLOURS, strict=False):
                axes.plot(flow.t_s, values, color=colour, marker="." if len(flow.t_s) == 1 else None, label=flow.name)
                at = np.minimum(np.searchsorted(flow.t_s, flow.changes_s), len(values) - 1)
                axes.plot(flow.changes_s, values[at], color=colour, linestyle="", marker="|", markersize=14)
            axes.axvline(0, color=INK, linewidth=1)
            axes.set_xlim(0, link.until_s)
            if not flows:
                axes.text(0.5, 0.5, "nothing was sent", transform=axes.transAxes, ha="center", color=MUTED)
        both[0].set_ylim(0, both[0].get_ylim()[1] or 1)
        return figure

    return Plot(make, f"{what} of the flows of link {link.plan.name}")
