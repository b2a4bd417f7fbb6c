"""Halves for tests: with room for everything and nothing special, but for what a test is about."""

from __future__ import annotations

from typing import Any

from plctl.agent.native import NativeQueue, NativeRow
from plctl.agent.native._core import Half
from plctl.common.plan.discipline_parameters import complete
from plctl.common.plan.disciplines import Discipline
from plctl.common.plan.half_impairments import NativeImpairments, native_impairments
from plctl.common.plan.impairments import Impairments, Jitter, Loss
from plctl.common.plan.run_plan import Queue

NEVER = 2**63 - 1
UNLIMITED = 2**63 - 1
GBIT = 10**9
ADMITTED, QUEUE_FULL, AQM = 0, 1, 2
NOT_ECT, ECT_1, ECT_0, CE = range(4)


def discipline(name: Discipline, **parameters: int) -> NativeQueue:
    """A half's argument `queue`: with the defaults, but for `parameters`."""
    return {"name": name, **complete(Queue(name, parameters=parameters))}


def impairing(**changes: Any) -> NativeImpairments:
    """A half's argument `impairments`: the defaults with a uniform distribution, but for `changes`."""
    made: dict[str, Any] = {**native_impairments(Impairments(Loss(), Jitter("uniform")), jitters=True)}
    return made | changes  # type: ignore[return-value]


def row(t: int, delay: int, rate: int, *, queue: int = -1, route: int = 0) -> NativeRow:
    """What holds from scenario time `t` on."""
    return (t, delay, rate, queue, route)


def half(*rows: NativeRow, **changes: Any) -> Half:
    """A half with room for everything, no blackouts and no period, but for `changes`."""
    arguments: dict[str, Any] = {
        "rows": rows,
        "routes": max((r[4] for r in rows), default=0) + 1,
        "period_ns": 0,
        "capacity_unit": "bytes",
        "capacity_amount": 10**9,
        "full_frame": 1514,
        "reconfiguration_ns": 0,
        "reconfiguration_mode": "gsl",
        "queue": {"name": "droptail"},
        "impairments": impairing(),
        "key": 0,
    }
    return Half(**(arguments | changes))


def armed(*rows: NativeRow, **changes: Any) -> Half:
    """The same, with T0 at 0."""
    made = half(*rows, **changes)
    made.arm(0)
    return made


def times(made: Half, until: int = 10**18) -> list[tuple[int, int, int]]:
    """(start, end, due) of all frames due by `until`, in order of delivery."""
    return [(start, end, due) for _, _, start, end, due in made.pop(until)]


def numbers(made: Half, until: int = 10**18) -> list[int]:
    """The numbers of all frames due by `until`, in order of delivery."""
    return [number for number, *_ in made.pop(until)]
