"""A scenario as people edit it: a stretch of time with an end, whose rows can be cut out, moved and put in a row.

A scenario that repeats is one round of it here; what is made of it does not repeat, unless the whole of it is kept.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from plctl.common.base.errors import UserError
from plctl.common.base.units import NS_PER_S, RATE_UNLIMITED, format_duration
from plctl.common.scenario.editing import traces
from plctl.common.scenario.opportunities import Opportunities
from plctl.common.scenario.schedule import MAX_ROWS, ROW_FIELDS, Row, Scenario, Schedule

#: Fields that are amounts, so that they can be scaled and averaged; others only hold.
AMOUNTS = tuple(each.name for each in ROW_FIELDS if each.name not in ("time_ns", "route", "queue_bytes", "queue_id"))


def end_of(scenario: Scenario) -> int:
    """When the last row has held long enough: as the scenario says, else as long as the one before it, else 1 s."""
    if end_ns := scenario.up.period_ns or scenario.down.period_ns or scenario.end_ns:
        return end_ns
    times = max((scenario.up, scenario.down), key=lambda schedule: schedule.last_ns).column("time_ns")
    return 2 * times[-1] - times[-2] if len(times) > 1 else NS_PER_S


def each_way(
    scenario: Scenario,
    change: Callable[[Schedule], Sequence[Row]],
    end_ns: int,
    trace: Callable[[Opportunities], Opportunities] = lambda as_it_is: as_it_is,
) -> Scenario:
    """The scenario whose directions have the rows that `change` makes of those of `scenario`, and which ends then.

    Their delivery opportunities are what `trace` makes of them. It repeats if `scenario` does.

    :raises UserError: the rows are too many, or none.
    """
    period_ns = end_ns if scenario.up.period_ns or scenario.down.period_ns else 0

    def changed(way: Schedule) -> Schedule:
        return _schedule(change(way), period_ns, trace(way.opportunities) if way.opportunities else None)

    up = changed(scenario.up)
    return Scenario(up, up if scenario.down is scenario.up else changed(scenario.down), end_ns)


def cut(scenario: Scenario, begin_ns: int, end_ns: int) -> Scenario:
    """What holds from `begin_ns` to `end_ns`, which becomes a scenario that begins at 0.

    :raises UserError: the times are not within the scenario, or not in order.
    """
    if not 0 <= begin_ns < end_ns <= end_of(scenario):
        times = f"{format_duration(begin_ns)} to {format_duration(end_ns)}"
        raise UserError(f"{times} is no stretch of a scenario of {format_duration(end_of(scenario))}")

    def within(schedule: Schedule) -> list[Row]:
        first = replace(schedule.row_at(begin_ns), time_ns=0)
        later = (row for row in schedule.rows if begin_ns < row.time_ns < end_ns)
        return [first, *(replace(row, time_ns=row.time_ns - begin_ns) for row in later)]

    return once(each_way(scenario, within, end_ns - begin_ns, lambda trace: traces.cut(trace, begin_ns, end_ns)))


def once(scenario: Scenario) -> Scenario:
    """One round of it, which does not repeat; but delivery opportunities always do."""
    if not (scenario.up.period_ns or scenario.down.period_ns):
        return scenario
    up = Schedule.of_columns(scenario.up.columns, 0, scenario.up.opportunities)
    down = up
    if scenario.down is not scenario.up:
        down = Schedule.of_columns(scenario.down.columns, 0, scenario.down.opportunities)
    return Scenario(up, down, end_of(scenario))


def concat(scenarios: Sequence[Scenario]) -> Scenario:
    """One after the other; the routes of each stay as they are named."""
    begins = [0]
    for each in scenarios:
        begins.append(begins[-1] + end_of(each))
    ways = [
        _schedule([replace(row, time_ns=row.time_ns + begin)
                   for each, begin in zip(scenarios, begins, strict=False) for row in getattr(each, way).rows],
                  0, traces.in_a_row([getattr(each, way).opportunities for each in scenarios], begins))
        for way in ("up", "down")
    ]  # fmt: skip
    up, down = ways
    return Scenario(up, up if up == down else down, begins[-1])


def shifted(scenario: Scenario, by_ns: int) -> Scenario:
    """Everything so much later; the first row holds from 0 on. An earlier one cuts the beginning off.

    Before the first delivery opportunities there are none, so the rate is 0 there.
    """
    end_ns = end_of(scenario)
    if by_ns < 0:
        return cut(scenario, -by_ns, end_ns)

    def later(schedule: Schedule) -> list[Row]:
        rows = [replace(row, time_ns=row.time_ns + by_ns) for row in schedule.rows]
        if schedule.opportunities and by_ns:
            return [replace(rows[0], time_ns=0, rate_bps=0), *rows]
        return [replace(rows[0], time_ns=0), *rows[1:]]

    return once(each_way(scenario, later, end_ns + by_ns, lambda trace: traces.later(trace, by_ns, end_ns)))


def scaled(scenario: Scenario, factors: Mapping[str, float]) -> Scenario:
    """Amounts times factors, by the field of a row; `time_ns` makes everything last so much longer.

    Delivery opportunities are worth so many times as much as the rate is to be; they come farther apart if everything
    lasts longer, so then their rate falls.
    """
    stretch, worth = factors.get("time_ns", 1), factors.get("rate_bps", 1)

    def scale(schedule: Schedule) -> list[Row]:
        own = {**factors, "rate_bps": worth / stretch} if schedule.opportunities else factors
        return [
            replace(row, **{name: _times(getattr(row, name), factor) for name, factor in own.items()})
            for row in schedule.rows
        ]

    end_ns = round(end_of(scenario) * stretch)
    return each_way(scenario, scale, end_ns, lambda trace: traces.scaled(trace, worth, stretch))


def resampled(scenario: Scenario, step_ns: int, window_ns: int = 0) -> Scenario:
    """A row each `step_ns`, in which amounts are their mean over a window around it, by default the step itself.

    Outages stay what they are: the mean of a rate counts them as 0. Routes and queues are those at the row's time.

    :raises UserError: it would have too many rows; or it has delivery opportunities, which have no mean.
    """
    traces.refuse(scenario, "these have no mean")
    end_ns = end_of(scenario)
    if end_ns // step_ns > MAX_ROWS:
        raise UserError(f"a row each {format_duration(step_ns)} would make more than {MAX_ROWS} rows")
    margin_ns = max(0, window_ns - step_ns) // 2

    def sample(schedule: Schedule) -> list[Row]:
        means = {name: _Mean(schedule, name, end_ns) for name in AMOUNTS if name in schedule.columns}
        rows = []
        for at in range(0, end_ns, step_ns):
            begin, end = max(0, at - margin_ns), min(end_ns, at + step_ns + margin_ns)
            values = {name: mean.between(begin, end) for name, mean in means.items()}
            rows.append(replace(schedule.row_at(at), time_ns=at, **values))
        return rows

    return each_way(scenario, sample, end_ns)


def changes_only(scenario: Scenario) -> Scenario:
    """Without the rows that say what the one before says."""

    def kept(schedule: Schedule) -> list[Row]:
        rows = schedule.rows
        return [
            rows[0],
            *(after for before, after in pairwise(rows) if replace(before, time_ns=after.time_ns) != after),
        ]

    return each_way(scenario, kept, end_of(scenario))


class _Mean:
    """The mean of a column between two times, by its integral."""

    def __init__(self, schedule: Schedule, name: str, end_ns: int) -> None:
        self._times = [*schedule.column("time_ns"), end_ns]
        self._values = schedule.column(name)
        self._sums = [0]
        for index, value in enumerate(self._values):
            self._sums.append(
                self._sums[-1] + min(value, RATE_UNLIMITED) * (self._times[index + 1] - self._times[index])
            )
        self._schedule = schedule

    def between(self, begin_ns: int, end_ns: int) -> int:
        """The nearest integer; an unlimited rate anywhere makes it unlimited."""
        first, last = self._schedule.index_at(begin_ns), self._schedule.index_at(end_ns - 1)
        if RATE_UNLIMITED in self._values[first : last + 1]:
            return RATE_UNLIMITED
        return round((self._until(end_ns, last) - self._until(begin_ns, first)) / (end_ns - begin_ns))

    def _until(self, at_ns: int, index: int) -> int:
        return self._sums[index] + self._values[index] * (at_ns - self._times[index])


def _times(value: int, factor: float) -> int:
    return value if value >= RATE_UNLIMITED else round(value * factor)


def _schedule(rows: Iterable[Row], period_ns: int = 0, trace: Opportunities | None = None) -> Schedule:
    found = list(rows)
    if len(found) > MAX_ROWS:
        raise UserError(f"it would have {len(found)} rows; a scenario has at most {MAX_ROWS}")
    columns = {each.name: array("q", [getattr(row, each.name) for row in found]) for each in ROW_FIELDS}
    schedule = Schedule.of_columns(columns, period_ns if len(found) > 1 else 0, trace)
    try:
        schedule.check()
    except ValueError as error:
        raise UserError(f"this makes no scenario: {error}") from None
    return schedule
