"""The queueing disciplines and their parameters, with the names and the defaults of `tc`, declared once.

The run spec, the plan, the C core and the reference have what is declared here; tests hold them to it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from plctl.common.base.errors import UserError
from plctl.common.base.units import NS_PER_MS, NS_PER_S, format_duration, format_size
from plctl.common.plan.run_plan import Capacity, Discipline, Queue

#: How a value is counted: nanoseconds, bytes, a share or a gain (per second) in millionths, a number, 0 or 1.
Kind = Literal["duration", "bytes", "share", "gain", "count", "flag"]

_LONGEST_NS = 1000 * NS_PER_S
_SHORTEST_TICK_NS = NS_PER_MS // 10  # every tick that was missed while a link was quiet costs its worker time
_MILLION = 1_000_000


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


def _flag(name: str, default: int = 0) -> Parameter:
    return Parameter(name, "flag", default, 0, 1)


def _share(name: str, default: int) -> Parameter:
    return Parameter(name, "share", default, 0, _MILLION)


def _gain(name: str, default: int) -> Parameter:
    return Parameter(name, "gain", default, 0, 1000 * _MILLION)


_BDP = Capacity("bdp", _MILLION)
_CODEL = (
    _duration("target", 5 * NS_PER_MS),
    _duration("interval", 100 * NS_PER_MS, least=1),
    _flag("ecn"),
    _duration("ce_threshold", -1, least=-1),
)
_RED = (
    Parameter("min", "bytes", -1, -1, 2**40),
    Parameter("max", "bytes", -1, -1, 2**40),
    _share("probability", 20_000),
    _share("weight", 2_000),
    Parameter("avpkt", "bytes", 1000, 1, 2**40),
    _flag("bytemode"),
    _flag("ecn"),
    _flag("adaptive"),
)
_FQ_CODEL = (
    Parameter("flows", "count", 1024, 1, 65536),
    Parameter("quantum", "bytes", 1514, 1, 2**20),
    Parameter("memory_limit", "bytes", 32 * 2**20, 1, 2**40),
    Parameter("drop_batch", "count", 64, 1, 2**20),
    *(replace(each, default=1) if each.name == "ecn" else each for each in _CODEL),
)
_PIE = (
    _duration("target", 15 * NS_PER_MS),
    _duration("tupdate", 15 * NS_PER_MS, least=_SHORTEST_TICK_NS),
    _gain("alpha", 125_000),
    _gain("beta", 1_250_000),
    _duration("max_burst", 150 * NS_PER_MS),
    _flag("ecn"),
    _flag("dq_rate_estimator"),
)
_DUALPI2 = (
    _duration("target", 15 * NS_PER_MS),
    _duration("tupdate", 16 * NS_PER_MS, least=_SHORTEST_TICK_NS),
    _gain("alpha", 160_000),
    _gain("beta", 3_200_000),
    Parameter("coupling_factor", "count", 2, 1, 255),
    _duration("step_thresh", 1 * NS_PER_MS),
    _share("classic_protection", 100_000),
)

DISCIPLINES: dict[Discipline, DisciplineKind] = {
    "droptail": DisciplineKind(_BDP),
    "drophead": DisciplineKind(_BDP),
    "red": DisciplineKind(_BDP, _RED),
    "codel": DisciplineKind(Capacity("packets", 1000), _CODEL),
    "fq_codel": DisciplineKind(Capacity("packets", 10_240), _FQ_CODEL),
    "pie": DisciplineKind(Capacity("packets", 1000), _PIE),
    "dualpi2": DisciplineKind(Capacity("packets", 10_000), _DUALPI2),
}


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
