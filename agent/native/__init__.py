"""The C core's door: hands plans over as the plain tuples and integers that `_core` takes."""

from __future__ import annotations

from array import array
from collections.abc import Sequence

from plctl.agent.native import _core
from plctl.common.plan.half_arguments import (
    HalfArguments,
    HalfConfig,
    NativeOpportunities,
    NativeQueue,
    NativeRow,
    TracedHalfArguments,
    half_arguments,
    half_config,
    native_opportunities,
    native_rows,
    random_key,
)
from plctl.common.scenario.schedule import Schedule

__all__ = [
    "HalfArguments", "HalfConfig", "NativeOpportunities", "NativeQueue", "NativeRow", "NativeWorker",
    "SharedHalfArguments", "TracedHalfArguments", "half_arguments", "half_config", "native_opportunities",
    "native_rows", "native_schedule", "random_key",
]  # fmt: skip

#: What a worker is started with: ("off", "adaptive" or "busy"; share of a CPU for spinning; CPU or -1; SCHED_FIFO
#: priority or 0; share of all time for that; and at once, in ns). Shares are millionths. As struct worker_config.
NativeWorker = tuple[str, int, int, int, int, int]


class SharedHalfArguments(HalfConfig):
    """One direction's configuration, with a schedule that others may follow, too; as the forwarder takes it."""

    schedule: _core.Schedule


def native_schedule(schedule: Schedule, known: Sequence[int] = ()) -> _core.Schedule:
    """`schedule` for the core, RouteIDs renamed as in `native_rows`.

    :param known: RouteIDs that have the first numbers, whether the schedule has them or not.
    :raises ValueError: it breaks a rule.
    """
    routes: dict[int, int] = {route: number for number, route in enumerate(known)}
    dense = array("q", [routes.setdefault(route, len(routes)) for route in schedule.column("route")])
    columns = (dense if name == "route" else array("q", schedule.column(name)) for name in _core.ROW_FIELDS)
    return _core.Schedule(
        columns=tuple(column.tobytes() for column in columns),
        routes=len(routes),
        period_ns=schedule.period_ns,
        loop_ns=schedule.loop_ns,
        opportunities=native_opportunities(schedule.opportunities) if schedule.opportunities else None,
    )
