"""A direction of a plan as the plain tuples and integers that a model of it takes: the C core, and the reference."""

from __future__ import annotations

import hashlib
from operator import attrgetter
from typing import Literal, TypedDict

from plctl.common.plan.discipline_parameters import complete
from plctl.common.plan.half_impairments import NativeImpairments, native_impairments
from plctl.common.plan.run_plan import ETHERNET_HEADER, LinkPlan
from plctl.common.scenario.opportunities import Opportunities
from plctl.common.scenario.schedule import ROW_FIELDS, Direction, Schedule

#: (time_ns, delay_ns, rate_bps, queue_bytes, route), and behind these as many of the other fields of a row, in their
#: order, as somebody says; the others are 0. See struct row in schedule.h.
NativeRow = tuple[int, ...]

#: (gaps, unit_ns, period_ns, bytes), as struct opportunities in schedule.h.
NativeOpportunities = tuple[bytes, int, int, int]

#: A direction's queueing discipline as struct queue_config in queue.h: its name, and all of its parameters.
NativeQueue = dict[str, str | int]


_FIRST_NAMES = ("time_ns", "delay_ns", "rate_bps", "queue_bytes")
_FIRST = attrgetter(*_FIRST_NAMES)
_OTHERS = attrgetter(*(each.name for each in ROW_FIELDS if each.name not in (*_FIRST_NAMES, "route")))


class HalfConfig(TypedDict):
    """What a direction is beside its schedule, as struct half_config in half.h."""

    capacity_unit: Literal["bytes", "packets", "bdp"]
    capacity_amount: int
    full_frame: int
    reconfiguration_ns: int
    reconfiguration_mode: Literal["gsl", "all"]
    queue: NativeQueue
    impairments: NativeImpairments
    key: int


class HalfArguments(HalfConfig):
    """One direction's configuration; the keyword arguments of `_core.Half`."""

    rows: list[NativeRow]
    routes: int
    period_ns: int
    loop_ns: int


class TracedHalfArguments(HalfArguments):
    """Likewise, where service is by delivery opportunities (opportunities.h)."""

    opportunities: NativeOpportunities


def native_opportunities(trace: Opportunities) -> NativeOpportunities:
    """`trace` for a model, which keeps its gaps as they are."""
    return (trace.gaps, trace.unit_ns, trace.period_ns, trace.worth_bytes)


def native_rows(schedule: Schedule) -> tuple[list[NativeRow], int]:
    """The rows of `schedule`, RouteIDs renamed 0, 1, … in order of appearance, and how many routes there are."""
    routes: dict[int, int] = {}
    rows = [
        (*_FIRST(row), routes.setdefault(row.route, len(routes)), *_OTHERS(row))
        for row in schedule.rows
    ]  # fmt: skip
    return rows, len(routes)


def half_arguments(plan: LinkPlan, direction: Direction, seed: int) -> HalfArguments | TracedHalfArguments:
    """What a half of its own is made from that does as one direction of `plan` says, in a run with that seed."""
    schedule: Schedule = getattr(plan, direction)
    rows, routes = native_rows(schedule)
    made: HalfArguments = {
        "rows": rows, "routes": routes, "period_ns": schedule.period_ns, "loop_ns": schedule.loop_ns,
        **half_config(plan, direction, seed)
    }  # fmt: skip
    if trace := schedule.opportunities:
        return {**made, "opportunities": native_opportunities(trace)}
    return made


def half_config(plan: LinkPlan, direction: Direction, seed: int) -> HalfConfig:
    """What one direction of `plan` is beside its schedule, in a run with that seed."""
    queue = plan.queue_of(direction)
    schedule: Schedule = getattr(plan, direction)
    return {
        "capacity_unit": queue.capacity.unit,
        "capacity_amount": queue.capacity.amount,
        "full_frame": plan.mtu + ETHERNET_HEADER + plan.overhead_bytes,
        "reconfiguration_ns": plan.reconfiguration.delay_ns,
        "reconfiguration_mode": plan.reconfiguration.mode,
        "queue": {"name": queue.discipline, **complete(queue)},
        "impairments": native_impairments(plan.impairments_of(direction), jitters="jitter_ns" in schedule.columns),
        "key": random_key(seed, plan.name, direction),
    }


def random_key(seed: int, link: str, direction: Direction) -> int:
    """The key of all that is drawn for the frames of one direction: a digest, as 64 bits with a sign."""
    digest = hashlib.blake2b(f"{seed}/{link}/{direction}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)
