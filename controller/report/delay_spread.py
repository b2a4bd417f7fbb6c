"""Draws how delays are spread: what share of packets took at most so long through the link, beside what was asked.

Telemetry has the least, the median, the 99th percentile and the greatest time of each interval, and how many packets it
rests on. Between these marks an interval's packets are taken as evenly spread; the curve of the run is the mean of its
intervals', each by its packets. At the marks of a single interval it is exact.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from matplotlib.figure import Figure

from plctl.common.base.units import NS_PER_MS
from plctl.common.scenario.schedule import DIRECTIONS
from plctl.controller.report.figure_style import ASKED, MEASURED, MUTED, Plot, stacked
from plctl.controller.report.markup import Markup
from plctl.controller.report.series import Floats

_TITLES = {"up": "up: client → server", "down": "down: server → client"}
_POINTS = 400
_STEP_NS = 1.0  #: what is as good as no time
_MARKS = (0.0, 0.5, 0.99, 1.0)
_COLUMNS = ("transit_min_ns", "transit_p50_ns", "transit_p99_ns", "transit_max_ns")


@dataclass(frozen=True, slots=True)
class Spread:
    """One direction: the share of packets whose delay is at most so long."""

    delay_ns: Floats
    share: Floats  #: of the packets that were delivered; empty if there were none
    asked_ns: Floats  #: likewise, of the delays that were asked for when they left
    asked_share: Floats


def spread(table: pa.Table, direction: str) -> Spread:
    """What the telemetry `table` of one link says of `direction` after T0."""
    names = (*_COLUMNS, "delivered_packets", "delay_ns", "t_s")
    chosen = table["direction"].to_numpy(zero_copy_only=False) == direction
    columns = {name: table[name].to_numpy(zero_copy_only=False)[chosen].astype(float) for name in names}
    packets = columns["delivered_packets"]
    kept = (packets > 0) & (columns["t_s"] > 0) & (columns["transit_min_ns"] >= 0)  # neither null nor −1
    if not kept.any():
        nothing = np.empty(0)
        return Spread(nothing, nothing, nothing, nothing)
    marks = np.column_stack([columns[name][kept] for name in _COLUMNS])
    marks = np.maximum.accumulate(marks, axis=1)
    weights = packets[kept] / packets[kept].sum()
    delay_ns = _places(marks)
    share = np.zeros(len(delay_ns))
    for own, weight in zip(_apart(marks), weights, strict=True):
        share += weight * np.interp(delay_ns + _STEP_NS / 2, own, _MARKS)
    asked = columns["delay_ns"][kept]
    order = np.argsort(asked, kind="stable")
    return Spread(delay_ns, share / share[-1], asked[order], np.cumsum(weights[order]))


def draw(spreads: dict[str, Spread], link: str) -> Markup:
    """A panel for each direction; empty markup if nothing was delivered."""
    if not any(len(each.share) for each in spreads.values()):
        return Markup()

    def make() -> Figure:
        figure, both = stacked([_TITLES[way] for way in DIRECTIONS], "share of packets, %", x_format="{x:g} ms")
        for axes, way in zip(both, DIRECTIONS, strict=True):
            own = spreads[way]
            if len(own.share):
                steps = np.append(own.asked_ns[:1], own.asked_ns), np.append(0.0, own.asked_share)
                axes.step(
                    steps[0] / NS_PER_MS, steps[1] * 100, where="post", color=ASKED, linewidth=4.5, alpha=0.75,
                    label="delay asked for",
                )  # fmt: skip
                axes.plot(own.delay_ns / NS_PER_MS, own.share * 100, color=MEASURED, label="time in the link")
            else:
                axes.text(0.5, 0.5, "no packet was delivered", transform=axes.transAxes, ha="center", color=MUTED)
        both[0].set_ylim(0, 103)
        both[0].set_xlim(left=0)
        figure.set_label("share of packets, %, over delay, ms")
        return figure

    return Plot(make, f"spread of the delay of link {link}")


def _places(marks: Floats) -> Floats:
    """Where the curve is worked out: at every mark and just before it if they are few, else evenly among them."""
    every = np.unique(np.concatenate((marks.ravel(), marks.ravel() - _STEP_NS)))
    return every if len(every) <= _POINTS else np.unique(np.quantile(every, np.linspace(0, 1, _POINTS)))


def _apart(marks: Floats) -> Floats:
    """Marks of which none are equal: where a share rises at once, it does so within a fraction of a step."""
    return marks + np.arange(len(_MARKS)) * _STEP_NS / 100
