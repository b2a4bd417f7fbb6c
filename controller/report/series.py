"""Turns schedules and telemetry into the curves of a plot: few enough points to draw, and no extreme lost.

Where many samples become one point, counts are added up, a smallest stays the smallest, a largest the largest, and only
medians are averaged (as a median).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from plctl.common.base.units import NS_PER_MS, NS_PER_S, RATE_UNLIMITED
from plctl.common.scenario.opportunities import Opportunities
from plctl.common.scenario.schedule import Schedule
from plctl.common.telemetry.counters import CAUSES, CounterGroup

#: A curve has no more points than this: about one for every pixel of a plot.
MAX_POINTS = 500
_MAX_STEPS = 1_000_000
_LEAST_WINDOW_NS = 100 * NS_PER_MS

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Asked:
    """What one direction's schedule asks for, as steps: value i holds from `t_s[i]` on. Unlimited rates are NaN.

    The rates of a schedule with delivery opportunities are their means over windows.
    """

    t_s: Floats
    delay_ns: Floats
    rate_bps: Floats
    route_changes: tuple[tuple[float, int], ...]  #: (seconds after T0, new RouteID)
    window_s: float = 0.0  #: over which the rates are means; 0: they are what is asked for


@dataclass(frozen=True, slots=True)
class Measured:
    """What one direction did; point i covers the time from `start_s[i]` to `end_s[i]`. NaN where nothing is known."""

    start_s: Floats
    end_s: Floats
    carried_bps: Floats  #: through the bottleneck
    carried_min_bps: Floats  #: of the samples in the point
    carried_max_bps: Floats
    queue_bytes: Floats
    dropped: Floats  #: packets that the emulated path dropped
    lost: Floats  #: packets that the machine lost
    transit_min_ns: Floats
    transit_p50_ns: Floats
    transit_p99_ns: Floats
    lateness_p50_ns: Floats
    lateness_p99_ns: Floats
    lateness_max_ns: Floats
    queue_full: Floats  #: packets that the queue dropped for want of room
    managed: Floats  #: packets that it dropped to stay short
    marked: Floats  #: packets on which it set CE
    random_loss: Floats  #: packets that the path lost at random
    corrupted: Floats  #: packets in which it flipped a bit
    duplicated: Floats  #: packets that it sent twice
    aqm_share: Floats  #: with which probability the queue drops or marks, 0 to 1
    average_bytes: Floats  #: of the queue, where its discipline decides by that


#: Columns that are added up as they are, in the order of the fields of `Measured`; older telemetry has not all of them.
_PACKETS = (
    "dropped_queue_full_packets", "dropped_aqm_packets", "ce_marked_packets", "dropped_random_loss_packets",
    "corrupted_packets", "duplicated_packets",
)  # fmt: skip


def asked(schedule: Schedule, until_s: float) -> Asked:
    """The steps of `schedule` from T0 to `until_s` after it."""
    until_ns = round(until_s * NS_PER_S)
    t_ns, index = _occurrences(schedule, until_ns)
    windows = _Windows(schedule.opportunities, until_ns) if schedule.opportunities else None
    if windows:
        begins = t_ns
        t_ns = np.union1d(begins, windows.begins_ns)
        index = index[np.searchsorted(begins, t_ns, side="right") - 1]
    route = np.array(schedule.column("route"))[index]
    changed = np.flatnonzero(np.diff(route)) + 1
    delay = np.array(schedule.column("delay_ns"), float)[index]
    rates = np.array(schedule.column("rate_bps"))
    rate = np.where(rates < RATE_UNLIMITED, rates.astype(float), np.nan)[index] if not windows else windows.at(t_ns)
    kept = _steps_to_keep(delay, rate)
    t_s = t_ns / NS_PER_S
    changes = tuple((float(t_s[at]), int(route[at])) for at in changed)
    return Asked(t_s[kept], delay[kept], rate[kept], changes, windows.length_ns / NS_PER_S if windows else 0.0)


class _Windows:
    """The mean rates of delivery opportunities from T0 on, over as many windows as can be drawn."""

    def __init__(self, trace: Opportunities, until_ns: int) -> None:
        tenths = -(-max(until_ns, 1) // (MAX_POINTS * _LEAST_WINDOW_NS))
        self.length_ns = max(1, tenths) * _LEAST_WINDOW_NS
        count = max(1, -(-until_ns // self.length_ns))
        self.begins_ns = np.arange(count) * self.length_ns
        counts = np.zeros(count, np.int64)
        for piece in trace.within(0, count * self.length_ns):
            places = (np.asarray(piece, np.int64) - 1) // self.length_ns  # a window has its end and not its begin
            counts += np.bincount(np.maximum(places, 0), minlength=count)
        self._rate_bps = np.array([trace.rate_bps(int(number), self.length_ns) for number in counts], float)

    def at(self, t_ns: NDArray[np.int64]) -> Floats:
        """The rates of the windows in which these times lie."""
        return self._rate_bps[np.minimum(t_ns // self.length_ns, len(self._rate_bps) - 1)]


def measured(table: pa.Table, direction: str, points: int = MAX_POINTS) -> Measured:
    """The curves of `direction` in the telemetry `table` of one link; samples without a time since T0 are left out."""
    return curves_of(_columns(table, direction), points)


def curves_of(columns: Mapping[str, Floats], points: int = MAX_POINTS) -> Measured:
    """The curves of samples of one direction in order of time, of which `columns` has the numbers and `t_s`."""
    seconds = columns["interval_ns"] / NS_PER_S
    dropped, lost = (_total(columns, group) for group in (CounterGroup.DROPPED, CounterGroup.LOST))
    carried = columns["served_bytes" if "served_bytes" in columns else "delivered_bytes"]
    rate = 8 * carried / np.where(seconds > 0, seconds, np.nan)
    fold = _folder(len(seconds), points)
    none = np.zeros(len(seconds))
    curves = [
        fold(columns["t_s"] - seconds, np.fmin),
        fold(columns["t_s"], np.fmax),
        8 * fold(carried, np.add) / np.maximum(fold(seconds, np.add), 1e-9),
        fold(rate, np.fmin),
        fold(rate, np.fmax),
        fold(columns["queue_bytes"], np.fmax),
        fold(dropped, np.add),
        fold(lost, np.add),
        fold(_known(columns["transit_min_ns"]), np.fmin),
        fold(_known(columns["transit_p50_ns"]), None),
        fold(_known(columns["transit_p99_ns"]), np.fmax),
        fold(_known(columns["lateness_p50_ns"]), None),
        fold(_known(columns["lateness_p99_ns"]), np.fmax),
        fold(_known(columns["lateness_max_ns"]), np.fmax),
        *(fold(columns.get(name, none), np.add) for name in _PACKETS),
        fold(columns.get("aqm_ppm", none) / 10**6, np.fmax),
        fold(columns.get("aqm_average_bytes", none), np.fmax),
    ]
    return Measured(*_with_gaps(curves))


def _occurrences(schedule: Schedule, until_ns: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """When each row takes effect until `until_ns`, repeats included, and which row it is."""
    times = np.array(schedule.column("time_ns"), np.int64)
    first = int(np.searchsorted(times, schedule.loop_ns))  # of those that repeat
    rounds = 1
    if schedule.period_ns:
        after_ns = max(0, until_ns - schedule.loop_ns)
        rounds = min(after_ns // schedule.period_ns + 1, max(1, _MAX_STEPS // len(times)))
    again = (np.arange(rounds)[:, None] * schedule.period_ns + times[first:]).ravel()
    t_ns = np.concatenate((times[:first], again))
    index = np.concatenate((np.arange(first), np.tile(np.arange(first, len(times)), rounds)))
    wanted = t_ns <= max(until_ns, 0)
    return t_ns[wanted], index[wanted]


def _steps_to_keep(*curves: Floats) -> NDArray[np.int64]:
    """Which steps to draw: all if they are few; else of every group the first and each curve's extremes."""
    count = len(curves[0])
    size = -(-count // MAX_POINTS)
    if size <= 1:
        return np.arange(count)
    kept = set(range(0, count, size))
    for curve in curves:
        for start in range(0, count, size):
            group = curve[start : start + size]
            if not np.all(np.isnan(group)):
                kept |= {start + int(np.nanargmin(group)), start + int(np.nanargmax(group))}
    return np.array(sorted(kept))


def _columns(table: pa.Table, direction: str) -> dict[str, Floats]:
    """The numeric columns of `direction`, in order of time."""
    named = {name: table[name].to_numpy() for name in table.column_names if name not in ("run", "host", "link")}
    chosen = (named.pop("direction") == direction) & ~np.isnan(named["t_s"].astype(float))
    order = np.argsort(named["t_s"][chosen], kind="stable")
    return {name: values[chosen][order].astype(float) for name, values in named.items()}


def _total(columns: Mapping[str, Floats], group: CounterGroup) -> Floats:
    """The packets of `group` in each sample; older telemetry has not all of its counters."""
    none = np.zeros(len(columns["t_s"]))
    return sum((columns[name] for name in CAUSES[group] if name in columns), none)


def _known(values: Floats) -> Floats:
    """`values` with NaN for −1, which said in older telemetry that no packet was delivered; now it is null."""
    return np.where(values < 0, np.nan, values)


def _folder(count: int, points: int) -> Callable[[Floats, np.ufunc | None], Floats]:
    """What makes `count` samples at most `points` points, by a ufunc or (None) as medians."""
    size = max(1, -(-count // points))
    starts = np.arange(0, count, size)

    def fold(values: Floats, how: np.ufunc | None) -> Floats:
        if size == 1 or not count:
            return values
        if how is not None:
            return np.asarray(how.reduceat(values, starts), float)
        return np.array([_median(values[start : start + size]) for start in starts])

    return fold


def _median(values: Floats) -> float:
    known = values[~np.isnan(values)]
    return float(np.median(known)) if len(known) else float("nan")


def _with_gaps(curves: list[Floats]) -> list[Floats]:
    """`curves` (starts and ends first) with a point of NaN where telemetry is missing, so that no line bridges it."""
    start, end = curves[:2]
    gaps = np.flatnonzero(start[1:] - end[:-1] > 0.5 * (end[1:] - start[1:])) + 1
    filled = [np.insert(curve, gaps, np.nan) for curve in curves]
    filled[0][gaps + np.arange(len(gaps))] = end[gaps - 1]
    filled[1][gaps + np.arange(len(gaps))] = start[gaps]
    return filled
