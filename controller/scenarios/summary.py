"""Says in figures what a scenario asks for: its length, its ranges, its route changes and its outages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

from plctl.common.base.units import NS_PER_MS, RATE_UNLIMITED, format_duration, format_rate
from plctl.common.scenario.schedule import Row, Scenario, Schedule


@dataclass(frozen=True, slots=True)
class ScenarioSummary:
    """One direction of a scenario, once through its rows. A rate of `RATE_UNLIMITED` is unlimited."""

    rows: int
    duration_ns: int  #: time of the last row
    period_ns: int  #: 0: does not repeat
    delay_min_ns: int
    delay_max_ns: int
    rate_min_bps: int  #: outages left out, unless there is nothing else
    rate_max_bps: int
    route_changes: int
    outages: int
    opportunities: int = 0  #: for delivery, in a period of them; their mean are the rates. 0: service is by these

    def as_json(self) -> dict[str, Any]:
        """For machines; an unlimited rate is None."""
        facts = asdict(self)
        return {name: None if value == RATE_UNLIMITED else value for name, value in facts.items()}

    def __str__(self) -> str:
        repeat = f", repeats every {format_duration(self.period_ns)}" if self.period_ns else ""
        return (
            f"{_count(self.rows, 'row')}, {format_duration(self.duration_ns)}{repeat}, delay {self._delays()}, "
            f"{self._service()}, {_count(self.route_changes, 'route change')}, {_count(self.outages, 'outage')}"
        )

    def _service(self) -> str:
        if not self.opportunities:
            return f"rate {self._rates()}"
        return f"{self.opportunities} delivery opportunities (mean rate {self._rates()})"

    def _delays(self) -> str:
        low, high = (f"{ns / NS_PER_MS:.10g}" for ns in (self.delay_min_ns, self.delay_max_ns))
        return f"{low} ms" if low == high else f"{low}–{high} ms"

    def _rates(self) -> str:
        low, high = format_rate(self.rate_min_bps), format_rate(self.rate_max_bps)
        if low == high:
            return low
        number, _, unit = low.partition(" ")
        return f"{number}–{high}" if high.endswith(unit) and unit else f"{low} – {high}"


def summarize(schedule: Schedule) -> ScenarioSummary:
    """The summary of one direction."""
    rows = schedule.rows
    rates = [rate for rate in schedule.column("rate_bps") if rate] or [0]
    delays = schedule.column("delay_ns")
    return ScenarioSummary(
        rows=len(rows),
        duration_ns=schedule.last_ns,
        period_ns=schedule.period_ns,
        delay_min_ns=min(delays),
        delay_max_ns=max(delays),
        rate_min_bps=min(rates),
        rate_max_bps=max(rates),
        route_changes=len(route_changes(rows)),
        outages=len(outages(rows)),
        opportunities=schedule.facts.opportunities,
    )


def directions(scenario: Scenario) -> dict[str, Schedule]:
    """The schedules to tell about, by name: one called ``both`` where the directions do not differ."""
    if scenario.up == scenario.down:
        return {"both": scenario.up}
    return {"up": scenario.up, "down": scenario.down}


def route_changes(rows: Sequence[Row]) -> list[int]:
    """The times (ns) of the rows whose RouteID differs from the one before."""
    return [after.time_ns for before, after in pairwise(rows) if before.route != after.route]


def outages(rows: Sequence[Row]) -> list[tuple[int, int]]:
    """From when until when (ns) the rate is 0; an outage without end ends at −1."""
    found: list[tuple[int, int]] = []
    start = -1
    for row in rows:
        if start < 0 and not row.rate_bps:
            start = row.time_ns
        elif start >= 0 and row.rate_bps:
            found.append((start, row.time_ns))
            start = -1
    return [*found, (start, -1)] if start >= 0 else found


def _count(number: int, what: str) -> str:
    return f"{number or 'no'} {what}{'' if number == 1 else 's'}"
