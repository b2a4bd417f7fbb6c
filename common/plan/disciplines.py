"""The queueing disciplines and their parameters, with the names and the defaults of `tc`, declared once.

The run spec, the plan, the C core and the reference have what is declared here; tests hold them to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from plctl.common.base.units import NS_PER_MS, NS_PER_S, format_duration, format_size
from plctl.common.plan.run_plan import Capacity, Discipline, Queue

#: How a value is counted: nanoseconds, bytes, a share or a gain (per second) in millionths, a number, 0 or 1.
Kind = Literal["duration", "bytes", "share", "gain", "count", "flag"]

_LONGEST_NS = 1000 * NS_PER_S


@dataclass(frozen=True, slots=True)
class Parameter:
    """One number that a discipline is set up with. The bounds are inclusive."""

    name: str
    kind: Kind
    default: int
    least: int
    most: int


@dataclass(frozen=True, slots=True)
class DisciplineKind:
    """What a discipline may be set up with, and how much it holds unless somebody says so."""

    capacity: Capacity
    parameters: tuple[Parameter, ...] = ()


def _duration(name: str, default: int, least: int = 0) -> Parameter:
    return Parameter(name, "duration", default, least, _LONGEST_NS)


_BDP = Capacity("bdp", 1_000_000)
_CODEL = (
    _duration("target", 5 * NS_PER_MS),
    _duration("interval", 100 * NS_PER_MS, least=1),
    Parameter("ecn", "flag", 0, 0, 1),
    _duration("ce_threshold", -1, least=-1),
)

DISCIPLINES: dict[Discipline, DisciplineKind] = {
    "droptail": DisciplineKind(_BDP),
    "drophead": DisciplineKind(_BDP),
    "codel": DisciplineKind(Capacity("packets", 1000), _CODEL),
}


def complete(queue: Queue) -> dict[str, int]:
    """All parameters of the queue's discipline: those that it names, the others with their defaults."""
    return {
        each.name: queue.parameters.get(each.name, each.default) for each in DISCIPLINES[queue.discipline].parameters
    }


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
        case "count" | "flag":
            return str(value)
