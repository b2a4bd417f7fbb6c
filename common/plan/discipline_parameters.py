"""Fills in and checks what a queueing discipline is set up with, as `disciplines.py` declares it."""

from __future__ import annotations

from plctl.common.base.errors import UserError
from plctl.common.base.units import format_duration, format_size
from plctl.common.plan.disciplines import DISCIPLINES, Discipline, Kind
from plctl.common.plan.run_plan import Capacity, Queue


def default_capacity(discipline: Discipline) -> Capacity:
    """How much its queue holds unless somebody says so."""
    return Capacity(*DISCIPLINES[discipline].capacity)


def complete(queue: Queue) -> dict[str, int]:
    """All parameters of the queue's discipline: those that it names, the others with their defaults.

    :raises UserError: it names one that its discipline does not have, or a value that is out of range.
    """
    known = {each.name: each for each in DISCIPLINES[queue.discipline].parameters}
    for name, value in queue.parameters.items():
        check_parameter(queue.discipline, name, value)
    return {name: queue.parameters.get(name, each.default) for name, each in known.items()}


def check_parameter(discipline: Discipline, name: str, value: int) -> None:
    """See that the discipline may be set up so.

    :raises UserError: it has no such parameter, or the value is out of range.
    """
    known = {each.name: each for each in DISCIPLINES[discipline].parameters}
    if name not in known:
        legal = f"has {', '.join(known)}" if known else "has no parameters"
        raise UserError(f"{discipline} has no {name}; it {legal}")
    each = known[name]
    if not each.least <= value <= each.most:
        bounds = " to ".join(write(each.kind, bound) for bound in (each.least, each.most))
        raise UserError(f"{name} is out of range; it must be from {bounds}")


def write(kind: Kind, value: int) -> str:
    """The value of a parameter, for people."""
    match kind:
        case "duration":
            return format_duration(value) if value >= 0 else "off"
        case "bytes":
            return format_size(value)
        case "share":
            return f"{value / 10_000:g} %"
        case "gain":
            return f"{value / 1_000_000:g}"
        case "flag":
            return "on" if value else "off"
        case "count":
            return str(value)
