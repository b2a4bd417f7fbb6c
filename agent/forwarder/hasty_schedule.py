"""A schedule as it is handed to the forwarder in a hurry, while its link runs: all that the forwarder needs of that."""

from __future__ import annotations

import zlib
from array import array
from dataclasses import astuple
from typing import Any

from plctl.common.scenario.opportunities import Opportunities
from plctl.common.scenario.schedule import Schedule


def deflated(schedule: Schedule) -> dict[str, Any]:
    """As it is handed over: each column as it lies in memory, deflated."""
    return {
        "columns": {name: zlib.compress(column.tobytes(), 1) for name, column in schedule.columns.items()},
        "period_ns": schedule.period_ns,
        "loop_ns": schedule.loop_ns,
        "opportunities": astuple(schedule.opportunities) if schedule.opportunities else None,
    }


def inflated(plain: dict[str, Any]) -> Schedule:
    """The schedule that was handed over."""
    columns = {name: array("q", zlib.decompress(data)) for name, data in plain["columns"].items()}
    trace = Opportunities(*plain["opportunities"]) if plain["opportunities"] else None
    return Schedule.of_columns(columns, plain["period_ns"], trace, loop_ns=plain["loop_ns"])
