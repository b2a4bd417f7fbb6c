"""Hypothesis strategies for the differential test: configurations of a half and what is done to it.

Three worlds, each made for another kind of mistake. In the *small* world everything happens on a grid of a few
nanoseconds, so that arrivals, services, rows, blackouts and due times coincide all the time. In the *wide* world
numbers have the size of real links, and beyond. In the *patient* world a service may take centuries.

To choose takes hypothesis ten times as long as both models take to play what it chose. So strategies are made once. A
choice among all combinations would be quicker still, but hypothesis prefers the first, the simplest in everything.
"""

from __future__ import annotations

import operator
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate, pairwise, product
from typing import Any, Literal

from hypothesis import strategies as st
from model.halves import impairing

from plctl.agent.native import HalfArguments, NativeQueue, NativeRow, TracedHalfArguments, _core
from plctl.common.base import leb128
from plctl.common.plan.disciplines import DISCIPLINES
from plctl.common.plan.half_impairments import NativeImpairments, distribution_table

UNLIMITED = 2**63 - 1


@dataclass(frozen=True)
class Step:
    """One call. `shift` moves the caller's clock first; arrivals and pops may look back by `back`."""

    call: Literal["arrive", "advance", "pop", "arm", "change"]
    shift: int
    back: int = 0
    length: int = 1
    count: int = 1
    ecn: int = 0
    flow: int = 0
    values: tuple[tuple[int, int], ...] = ()  #: of a change: (place in a row, value) of what is named
    hold: bool = False


@dataclass(frozen=True)
class World:
    """Where the numbers of one kind of world come from."""

    gaps: st.SearchStrategy[int]  #: between rows, and from the last row to the period's end
    delays: st.SearchStrategy[int]
    rates: st.SearchStrategy[int]
    queues: st.SearchStrategy[int]
    blackouts: st.SearchStrategy[int]
    full_frames: st.SearchStrategy[int]
    jitters: st.SearchStrategy[int]
    lengths: st.SearchStrategy[int]
    shifts: st.SearchStrategy[int]
    durations: st.SearchStrategy[int]  #: that disciplines are set up with
    sizes: st.SearchStrategy[int]  #: likewise
    timers: bool = True  #: disciplines may have some
    max_rows: int = 6


_BDP_MILLIONTHS = st.sampled_from([0, 1, 500_000, 1_000_000, 1_500_001, 10_000_000])

SMALL = World(
    gaps=st.integers(1, 12),
    delays=st.integers(0, 15) | st.integers(0, 40),
    rates=st.sampled_from([0, 1, 10**9, 3 * 10**9, 8 * 10**9, 16 * 10**9, UNLIMITED]),
    queues=st.integers(0, 30),
    blackouts=st.integers(0, 10),
    full_frames=st.sampled_from([1, 1, 3]),
    jitters=st.integers(0, 20),
    lengths=st.integers(1, 10),
    shifts=st.integers(0, 8),
    durations=st.integers(1, 20),
    sizes=st.integers(0, 30),
)

WIDE = World(
    gaps=st.integers(10**8, 10**10),
    delays=st.integers(0, 10**10) | st.sampled_from([0, 41_000_000, 2**63 - 1]),
    rates=st.integers(0, 10**9) | st.sampled_from([0, 1, 8, 10**6, 80_200_000, 2**63 - 2, UNLIMITED]),
    queues=st.integers(0, 10**6) | st.sampled_from([0, 2**63 - 1]),
    blackouts=st.sampled_from([0, 1, 10**6, 10**9, 2**63 - 1]),
    full_frames=st.sampled_from([1, 1514, 9014, 2**63 - 1]),
    jitters=st.sampled_from([0, 10**6, 3_600_000 * 10**6]) | st.integers(0, 10**9),
    lengths=st.integers(1, 10_000) | st.sampled_from([60, 60, 1514, 1514, 9014, 2**32 - 1]),
    shifts=st.sampled_from([0, 1, 1000]) | st.integers(0, 10**7) | st.integers(0, 10**10),
    durations=st.integers(10**8, 10**9),
    sizes=st.sampled_from([2**20, 2**34]),
)

PATIENT = World(
    gaps=st.sampled_from([1, 2, 10, 10**6, 10**9]) | st.integers(1, 1000) | st.integers(1, 2**50),
    delays=st.integers(0, 2**40),
    rates=st.sampled_from([0, 0, 1, 3, 7, 10**3, 10**6, UNLIMITED]),
    queues=st.integers(0, 2**33),
    blackouts=st.just(0),
    full_frames=st.just(1514),
    jitters=st.integers(0, 2**40),
    lengths=st.integers(1, 10_000) | st.sampled_from([2**32 - 1]),
    shifts=st.integers(0, 2**40) | st.integers(0, 2**58),
    durations=st.integers(2**38, 2**39),
    sizes=st.sampled_from([2**20, 2**34]),
    timers=False,
    max_rows=4,
)


#: Disciplines whose timers would tick too often in centuries.
TIMED = ("red", "pie", "dualpi2")
#: Of parameters that are neither durations nor sizes: few values, so that they matter.
_VALUES = {
    "share": st.sampled_from([0, 1000, 100_000, 500_000, 10**6]),
    "gain": st.sampled_from([0, 125_000, 10**6, 10**9]),
    "count": st.integers(1, 4),
    "flag": st.integers(0, 1),
}


@cache
def _or(value: int, other: st.SearchStrategy[int]) -> st.SearchStrategy[int]:
    """Half of the time just `value`."""
    return st.just(value) | other


@cache
def _index(count: int) -> st.SearchStrategy[int]:
    return st.integers(0, count - 1)


@cache
def _disciplines(timers: bool) -> st.SearchStrategy[str]:
    return st.sampled_from(["droptail", *(name for name in DISCIPLINES if timers or name not in TIMED)])


@st.composite
def queues_of(draw: st.DrawFn, world: World) -> NativeQueue:
    """A discipline with all of its parameters."""
    name = draw(_disciplines(world.timers))
    values = {}
    of_world = {"duration": world.durations, "bytes": world.sizes}
    for each, (_, least, most) in zip(DISCIPLINES[name].parameters, _core.DISCIPLINES.get(name, ()), strict=True):
        if each.default == -1 and draw(_BOOLEANS):  # off, unless somebody says so
            value = -1
        else:
            value = draw(of_world[each.kind] if each.kind in of_world else _VALUES[each.kind])
        values[each.name] = min(max(value, least), most)
    return {"name": name, **values}


_BOOLEANS = st.booleans()
_SHARES = (0, 0, 10**8, 5 * 10**8, 10**9)
_SHARE = st.sampled_from(_SHARES)


def _combinations(*values: Sequence[Any]) -> st.SearchStrategy[Any]:
    """A value of each, by a single choice."""
    return st.sampled_from(list(product(*values)))


def _coarse(name: str) -> bytes:
    """A few values of a distribution's table, so that a failure can be read."""
    return array("i", array("i", distribution_table(name))[::512]).tobytes()


_TABLES = st.sampled_from([_coarse(name) for name in ("uniform", "normal", "pareto", "paretonormal")]) | st.lists(
    st.integers(-(2**29), 2**29), min_size=2, max_size=6
).map(lambda values: array("i", sorted(values)).tobytes())
_LOSS_MODELS = ("bernoulli", "bernoulli", "burst", "gilbert-elliott", "pattern", "list")
_LOSSES = (st.sampled_from(_LOSS_MODELS), _SHARE, st.sampled_from([1, 25 * 10**7, 10**9]), _SHARE, _SHARE)
_PATTERNS = st.lists(_SHARE, min_size=1, max_size=4)
#: Which of the first twelve frames begin and end a lost stretch.
_LISTED = st.sampled_from([mask for mask in range(2**12) if mask.bit_count() <= 6])
_ORDERS = _combinations((0, 0, 2**31, 2**32 - 1, 2**32), (False, True))


@st.composite
def impairments(draw: st.DrawFn, world: World) -> NativeImpairments:
    """What the path does to frames, whatever its rows say."""
    model, p, r, good, bad = (draw(each) for each in _LOSSES)
    mask = draw(_LISTED)
    listed = [number for number in range(1, 13) if mask >> (number - 1) & 1]
    correlation, reorder = draw(_ORDERS)
    return {
        "loss_model": model, "loss_p": p, "loss_r": r, "loss_good": good, "loss_bad": bad,
        "loss_pattern": draw(_PATTERNS),
        "loss_listed": list(zip(listed[::2], listed[1::2], strict=False)),
        "distribution": draw(_TABLES), "normal": draw(_TABLES),
        "correlation": correlation,
        "correlation_time_ns": draw(_or(0, world.shifts)),
        "reorder": reorder,
        "duplicate_delay_ns": draw(_or(0, world.delays)),
    }  # fmt: skip


_KEYS = st.integers(-(2**63), 2**63 - 1)
_UNITS = _combinations(("bytes", "packets", "bdp"), ("gsl", "all"))
_PACKETS, _IDS, _ROUTES = st.integers(0, 5), st.integers(0, 2), 3


@st.composite
def arguments(draw: st.DrawFn, world: World, *, impaired: bool = True) -> HalfArguments:
    """A configuration that keeps every rule. It has few rates: with many, hardly any was without an unlimited row."""
    count = 1 + draw(_index(world.max_rows))
    rates = [draw(world.rates) for _ in range(1 + draw(_index(3)))]
    queue = draw(queues_of(world))
    queues_vary, shares_vary, ids_vary = draw(_BOOLEANS), draw(_BOOLEANS), draw(_BOOLEANS)
    times = [0, *accumulate([draw(world.gaps) for _ in range(count - 1)])]
    digits = draw(_index(min(_ROUTES, count) ** count))
    routes = [digits // _ROUTES**place % min(_ROUTES, count) for place in range(count)]
    unit, mode = draw(_UNITS)
    rows: list[NativeRow] = []
    for time, route in zip(times, routes, strict=True):
        capacity = draw(_or(-1, world.queues)) if queues_vary else -1
        path = (time, draw(world.delays), rates[draw(_index(len(rates)))], capacity, route)
        shares = (
            (draw(_SHARE), draw(_SHARE), draw(_SHARE), draw(world.jitters))
            if impaired and shares_vary
            else (0, 0, 0, 0)
        )
        held = 3 if queue["name"] != "droptail" else draw(_IDS) if ids_vary else 0
        rows.append((*path, *shares, held) if impaired else path)
    amount = draw({"bytes": world.queues, "packets": _PACKETS, "bdp": _BDP_MILLIONTHS}[unit])
    return {
        "rows": rows, "routes": max(routes) + 1,
        "period_ns": times[-1] + gap if (gap := draw(_or(0, world.gaps))) else 0,
        "capacity_unit": unit, "capacity_amount": amount,
        "full_frame": draw(world.full_frames),
        "reconfiguration_ns": draw(world.blackouts), "reconfiguration_mode": mode,
        "queue": queue,
        "impairments": draw(impairments(world)) if impaired else impairing(),
        "key": draw(_KEYS),
    }  # fmt: skip


def changed_rows(rows: list[NativeRow], at: int, step: Step) -> list[NativeRow]:
    """`rows` with the step's change from scenario time `at` on, as docs/model.md says."""

    def with_values(row: NativeRow, time: int) -> NativeRow:
        fields = [time, *row[1:]]
        for place, value in step.values:
            fields[place] = value
        return tuple(fields)  # type: ignore[return-value]

    before = [row for row in rows if row[0] < at]
    later = [row for row in rows if row[0] > at]
    in_force = [row for row in rows if row[0] <= at][-1]
    return [*before, with_values(in_force, at), *(with_values(row, row[0]) if step.hold else row for row in later)]


def unrolled(arguments: HalfArguments, at: int) -> HalfArguments:
    """The same, every round of rows that repeat written out up to the one at `at`, the last that comes once."""
    rows, period, loop = arguments["rows"], arguments["period_ns"], arguments.get("loop_ns", 0)
    if not period or at < loop:
        return arguments
    cycle = [row for row in rows if row[0] >= loop]
    rounds = (at - loop) // period + 1
    more = [(row[0] + n * period, *row[1:]) for n in range(1, rounds + 1) for row in cycle]
    return {**arguments, "rows": [*rows, *more], "loop_ns": loop + rounds * period}  # type: ignore[typeddict-item]


def changes(world: World) -> st.SearchStrategy[Step]:
    """A change of some values, so soon after virtual now as the step looks back."""
    fields = {1: world.delays, 2: world.rates, 3: st.just(-1) | world.queues, 4: st.integers(0, 3),
              5: _SHARE, 6: _SHARE, 7: _SHARE, 8: world.jitters}  # fmt: skip
    named = st.lists(st.sampled_from(list(fields)), min_size=1, max_size=3, unique=True)
    values = named.flatmap(lambda places: st.tuples(*(st.tuples(st.just(p), fields[p]) for p in places)))
    return st.builds(
        Step, st.just("change"), world.shifts, st.just(0) | world.shifts, values=values, hold=st.booleans()
    )


_INSTANTS, _WORTHS = st.lists(st.integers(0, 30), min_size=1, max_size=6), st.integers(1, 12)
#: From the last instant to the period's end in units, the unit, and what the period has beyond whole units.
_TRACES = st.sampled_from([(rest, unit, more) for rest in (0, 0, 1, 7) for unit in (1, 1, 3) for more in range(unit)])


@st.composite
def traced(draw: st.DrawFn, world: World) -> TracedHalfArguments:
    """The same, served by delivery opportunities: several may come at one instant."""
    made = draw(arguments(world))
    instants = sorted(draw(_INSTANTS))
    rest, unit, more = draw(_TRACES)
    period = max(1, instants[-1]) + rest
    gaps = leb128.encode([after - before for before, after in pairwise((0, *instants))])
    worth = draw(_WORTHS)
    return {**made, "opportunities": (gaps, unit, period * unit + more, worth)}


def steps(world: World, *, changing: bool = False) -> st.SearchStrategy[list[Step]]:
    """What is done to a half, mostly arrivals; the clock never falls but arrivals and pops sometimes look back.

    Mostly the half is armed at 0, because a schedule that has not begun is not put to the test.
    """
    back = _or(0, world.shifts)
    arrive = st.builds(
        Step, st.just("arrive"), world.shifts, back, world.lengths, st.sampled_from([1, 1, 1, 2, 5, 12]),
        st.integers(0, 3), st.integers(0, 2),
    )  # fmt: skip
    advance = st.builds(Step, st.just("advance"), world.shifts, back)
    pop = st.builds(Step, st.just("pop"), world.shifts, back)
    arm = st.builds(Step, st.just("arm"), world.shifts)
    begin = st.sampled_from([[Step("arm", 0)], [Step("arm", 0)], []])
    some = [arrive, arrive, arrive, advance, pop, arm]
    if changing:
        some = [*some, changes(world), changes(world)]
    return st.builds(operator.add, begin, st.lists(st.one_of(some), max_size=20))


#: How many courses one configuration is put to: it takes hypothesis five times as long to choose as a course does.
COURSES = 4
Courses = tuple[list[Step], ...]


def courses(world: World, *, changing: bool = False) -> st.SearchStrategy[Courses]:
    """Several lists of steps, for halves of one configuration."""
    return st.tuples(*[steps(world, changing=changing)] * COURSES)
