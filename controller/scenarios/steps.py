"""Turns schedules into the points of step curves, few enough to draw, without losing a peak or an outage."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from plctl.common.base.errors import UserError
from plctl.common.base.units import NS_PER_MS, NS_PER_S, RATE_UNLIMITED, format_duration
from plctl.common.scenario.schedule import PPB_PER_PERCENT, Row, Scenario, Schedule
from plctl.controller.scenarios.summary import directions, outages, route_changes

#: Fields of a row beside time, route, delay and rate, by what an axis of them says; and how many make one of its unit.
_OTHERS = {
    "queue_bytes": ("queue [kB]", 1000),
    "loss_ppb": ("loss [%]", PPB_PER_PERCENT),
    "duplicate_ppb": ("duplicates [%]", PPB_PER_PERCENT),
    "corrupt_ppb": ("corrupted [%]", PPB_PER_PERCENT),
    "jitter_ns": ("jitter [ms]", NS_PER_MS),
    "queue_id": ("QueueID", 1),
}

#: A point of a curve: seconds, and the value or None where there is none to draw.
Point = tuple[float, float | None]


@dataclass(frozen=True, slots=True)
class Curves:
    """What to draw of one direction, from the picture's begin to its end; all times in seconds."""

    name: str  #: "both", "up" or "down"
    delay_ms: list[Point]
    rate_mbps: list[Point]  #: gaps where the rate is unlimited
    route_changes: list[float]
    outages: list[tuple[float, float]]
    is_mean: bool = False  #: the rates are means of delivery opportunities
    others: Mapping[str, list[Point]] = field(default_factory=dict)  #: by what an axis of them says


@dataclass(frozen=True, slots=True)
class Window:
    """The part of a scenario that a picture shows."""

    begin_ns: int = 0
    end_ns: int = 0  #: 0: its end


def curves(scenario: Scenario, bins: int, window: Window = Window()) -> tuple[float, list[Curves]]:
    """The picture's end in seconds and the curves of each direction that differs, of at most some `bins` × 5 points.

    :raises UserError: there is nothing in the window.
    """
    end_ns = picture_end_ns(scenario)
    part = Window(window.begin_ns, min(end_ns, window.end_ns or end_ns))
    if part.begin_ns >= part.end_ns:
        last = format_duration(end_ns)
        raise UserError(f"there is nothing from {format_duration(part.begin_ns)} on: the picture ends at {last}"
                        if part.begin_ns >= end_ns else "a picture begins before it ends")  # fmt: skip
    found = [_curves(name, schedule, part, bins) for name, schedule in directions(scenario).items()]
    return part.end_ns / NS_PER_S, found


def picture_end_ns(scenario: Scenario) -> int:
    """When a scenario ends, as far as it says so."""
    return scenario.end_ns or max(_end_ns(schedule) for schedule in directions(scenario).values())


def _end_ns(schedule: Schedule) -> int:
    """One period, or else a little beyond the last row, so that it can be seen."""
    if len(schedule.rows) == 1:
        return NS_PER_S
    last_ns = schedule.last_ns
    return schedule.period_ns or last_ns + min(last_ns - schedule.rows[-2].time_ns, last_ns // 10)


def _curves(name: str, schedule: Schedule, part: Window, bins: int) -> Curves:
    def within(t_ns: int) -> bool:
        return part.begin_ns <= t_ns < part.end_ns

    ends = ((a, b if b >= 0 else part.end_ns) for a, b in outages(schedule.rows))
    spans = ((max(a, part.begin_ns), min(b, part.end_ns)) for a, b in ends)
    return Curves(
        name=name,
        delay_ms=_steps(schedule, part, bins, lambda row: row.delay_ns / NS_PER_MS),
        rate_mbps=_steps(schedule, part, bins, _rate_mbps),
        route_changes=[t_ns / NS_PER_S for t_ns in route_changes(schedule.rows) if within(t_ns)],
        outages=[(a / NS_PER_S, b / NS_PER_S) for a, b in spans if a < b],
        is_mean=schedule.opportunities is not None,
        others={
            label: _steps(schedule, part, bins, _other(name, unit))
            for name, (label, unit) in _OTHERS.items() if name in schedule.columns
        },
    )  # fmt: skip


def _other(name: str, unit: int) -> Callable[[Row], float | None]:
    """The value of a field; none where it is less than 0, as a queue is that the scenario does not say."""

    def value(row: Row) -> float | None:
        amount: int = getattr(row, name)
        return amount / unit if amount >= 0 else None

    return value


def _rate_mbps(row: Row) -> float | None:
    return None if row.rate_bps == RATE_UNLIMITED else row.rate_bps / 1e6


def _steps(schedule: Schedule, part: Window, bins: int, value: Callable[[Row], float | None]) -> list[Point]:
    """Both ends of every row's step; of more rows than `bins` only each bin's first, extreme and last values."""
    points: list[Point] = []
    times = schedule.column("time_ns")
    first, last = schedule.index_at(part.begin_ns), bisect_left(times, part.end_ns)
    rows = schedule.rows[first:last]
    for row, until_ns in zip(rows, [*times[first + 1 : last], part.end_ns], strict=True):
        here = value(row)
        points += [(max(row.time_ns, part.begin_ns) / NS_PER_S, here), (until_ns / NS_PER_S, here)]
    return points if len(rows) <= bins else _thin(points, (part.end_ns - part.begin_ns) / NS_PER_S / bins)


def _thin(points: list[Point], width_s: float) -> list[Point]:
    kept: list[Point] = []
    start = 0
    for index in range(1, len(points) + 1):
        if index == len(points) or points[index][0] // width_s != points[start][0] // width_s:
            kept += _extremes(points[start:index])
            start = index
    return kept


def _extremes(points: list[Point]) -> list[Point]:
    """The first, lowest, highest and last of `points`, and one that has no value, in order of time."""
    drawn = [index for index, point in enumerate(points) if point[1] is not None]
    chosen = {0, len(points) - 1}
    if drawn:
        chosen |= {min(drawn, key=lambda i: points[i][1] or 0), max(drawn, key=lambda i: points[i][1] or 0)}
    if len(drawn) < len(points):
        chosen.add(next(index for index, point in enumerate(points) if point[1] is None))
    return [points[index] for index in sorted(chosen)]


def pieces(points: list[Point]) -> list[list[tuple[float, float]]]:
    """`points` cut where values are missing, without the missing ones."""
    found: list[list[tuple[float, float]]] = [[]]
    for x, y in points:
        if y is not None:
            found[-1].append((x, y))
        elif found[-1]:
            found.append([])
    return [piece for piece in found if piece]


def limits(curves_of_panel: list[list[Point]], *, from_zero: bool) -> tuple[float, float]:
    """An axis' ends that leave air above and below the values; 0 is its low end if `from_zero`."""
    values = [y for points in curves_of_panel for _, y in points if y is not None] or [0.0]
    low, high = (0.0 if from_zero else min(values)), max(values)
    air = (high - low) * 0.12 or max(high * 0.1, 1.0)
    return (0.0 if from_zero else max(0.0, low - air)), high + air


def ticks(low: float, high: float, most: int) -> list[float]:
    """At most `most` + 1 round numbers, evenly spaced, from `low` to `high`."""
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * (1 - 1e-9))
    first = math.ceil(low / step - 1e-9)
    return [round(index * step, 12) for index in range(first, math.floor(high / step + 1e-9) + 1)]
