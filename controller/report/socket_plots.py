"""Draws what TCP senders at a link's ends did: their congestion windows and their round-trip times, flow by flow."""

from __future__ import annotations

from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from plctl.common.base.units import NS_PER_MS
from plctl.controller.report.figure_style import ASKED, BAD, INK, MEASURED, MUTED, STYLE, WORSE, stacked, svg
from plctl.controller.report.markup import Markup
from plctl.controller.report.series import MAX_POINTS, Floats

#: Of more flows at one end than this, those that sent most are drawn.
MAX_FLOWS = 5
#: Of more changes of one flow's congestion control, the first are named.
MAX_CHANGES = 3
_COLOURS = (MEASURED, WORSE, ASKED, BAD, MUTED)
#: Classes of report.css with the same colours, for the words beside the figure.
_KEYS = ("measured", "worse", "asked", "bad", "max")
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


def window(flows: Senders, link: str, until_s: float) -> Markup:
    """Congestion windows; empty markup if nobody sent anything."""
    curves = {end: [(f, f.cwnd_bytes / 1000) for f in each] for end, each in flows.items()}
    return _draw(curves, "congestion window", "kB", link, until_s)


def round_trip(flows: Senders, link: str, until_s: float) -> Markup:
    """Smoothed round-trip times; empty markup if nobody sent anything."""
    curves = {end: [(f, f.srtt_ns / NS_PER_MS) for f in each] for end, each in flows.items()}
    return _draw(curves, "smoothed RTT", "ms", link, until_s)


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


def _draw(curves: dict[str, list[tuple[FlowCurve, Floats]]], what: str, unit: str, link: str, until_s: float) -> Markup:
    if not any(curves.values()):
        return Markup()
    with mpl.rc_context({**STYLE, "svg.hashsalt": f"{link}/{what}"}):
        figure, both = stacked([_TITLES[end] for end in curves], f"{what}, {unit}")
        for axes, flows in zip(both, curves.values(), strict=True):
            for (flow, values), colour in zip(flows, _COLOURS, strict=False):
                axes.plot(flow.t_s, values, color=colour, marker="." if len(flow.t_s) == 1 else None)
                at = np.minimum(np.searchsorted(flow.t_s, flow.changes_s), len(values) - 1)
                axes.plot(flow.changes_s, values[at], color=colour, linestyle="", marker="|", markersize=14)
            axes.axvline(0, color=INK, linewidth=1)
            axes.set_xlim(0, until_s)
            if not flows:
                axes.text(0.5, 0.5, "nothing was sent", transform=axes.transAxes, ha="center", color=MUTED)
        both[0].set_ylim(0, both[0].get_ylim()[1] or 1)
        return svg(figure, f"{what} of the flows of link {link}")
