"""The queueing disciplines and their parameters, with the names and the defaults of `tc`, declared once.

To add one, give it a name and an entry here, its file in C (agent/native/queue/) and its class in the reference
(common/reference/disciplines/), and run `make build`. The plan, the run spec, the command line, the report and C's list
(setup.py writes agent/native/model/disciplines.inc from this module) follow; tests hold both models to the table.

This module imports nothing of plctl, so that setup.py can run it before plctl is installed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

#: The names of all.
Discipline = Literal["droptail", "drophead", "red", "codel", "fq_codel", "pie", "dualpi2"]
#: How a value is counted: nanoseconds, bytes, a share or a gain (per second) in millionths, a number, 0 or 1.
Kind = Literal["duration", "bytes", "share", "gain", "count", "flag"]

NS_PER_MS = 1_000_000
_LONGEST_NS = 1_000_000 * NS_PER_MS
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

    capacity: tuple[Literal["packets", "bdp"], int]  #: as `Capacity` has them: its unit, how much
    parameters: tuple[Parameter, ...] = ()
    state: str = ""  #: what `aqm_ppm` says of it; empty: it has no state


def _duration(name: str, default: int, least: int = 0) -> Parameter:
    return Parameter(name, "duration", default, least, _LONGEST_NS)


def _flag(name: str, default: int = 0) -> Parameter:
    return Parameter(name, "flag", default, 0, 1)


def _share(name: str, default: int) -> Parameter:
    return Parameter(name, "share", default, 0, _MILLION)


def _gain(name: str, default: int) -> Parameter:
    return Parameter(name, "gain", default, 0, 1000 * _MILLION)


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
    "droptail": DisciplineKind(("bdp", _MILLION)),
    "drophead": DisciplineKind(("bdp", _MILLION)),
    "red": DisciplineKind(("bdp", _MILLION), _RED, "RED's probability at max"),
    "codel": DisciplineKind(("packets", 1000), _CODEL, "CoDel is in the dropping state (100 %) or not"),
    "fq_codel": DisciplineKind(
        ("packets", 10_240), _FQ_CODEL, "a flow of FQ-CoDel is in the dropping state (100 %) or none"
    ),
    "pie": DisciplineKind(("packets", 1000), _PIE, "PIE's probability of a drop or a mark"),
    "dualpi2": DisciplineKind(("packets", 10_000), _DUALPI2, "the base probability of DualPI2"),
}
