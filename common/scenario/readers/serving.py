"""By what a scenario that was read is served: its delivery opportunities, or their mean rate."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from dataclasses import replace

from plctl.common.base.units import RATE_UNLIMITED
from plctl.common.scenario.schedule import Scenario, Schedule


def serve(scenario: Scenario, service: str, worth_bytes: int) -> Scenario:
    """`scenario` served by `service`, with opportunities worth `worth_bytes`; empty and 0 leave it as it is.

    :raises ValueError: it has no opportunities, and needs them; the message says so as the end of a sentence about it.
    """
    if service == "opportunities" and not is_traced(scenario):
        raise ValueError("has no delivery opportunities; it is served by its rates")
    if worth_bytes:
        scenario = _each(scenario, lambda way: with_worth(way, worth_bytes))
    return _each(scenario, lambda way: way.served_by(None)) if service == "rate" else scenario


def is_traced(scenario: Scenario) -> bool:
    """Whether any direction of it has delivery opportunities."""
    return bool(scenario.up.opportunities or scenario.down.opportunities)


def with_worth(schedule: Schedule, worth_bytes: int) -> Schedule:
    """The same with opportunities worth so much, and rows of a rate to match."""
    trace = schedule.opportunities
    if trace is None or trace.worth_bytes == worth_bytes:
        return schedule
    rates = array("q", (
        rate if rate == RATE_UNLIMITED else (2 * rate * worth_bytes + trace.worth_bytes) // (2 * trace.worth_bytes)
        for rate in schedule.column("rate_bps")
    ))  # fmt: skip
    changed = Schedule.of_columns({**schedule.columns, "rate_bps": rates}, schedule.period_ns)
    return changed.served_by(replace(trace, worth_bytes=worth_bytes))


def _each(scenario: Scenario, change: Callable[[Schedule], Schedule]) -> Scenario:
    up = change(scenario.up)
    return Scenario(up, up if scenario.down is scenario.up else change(scenario.down), scenario.end_ns)
