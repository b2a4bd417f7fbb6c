"""Live change: what somebody wants of a link that runs, and the plan that it then follows. Pure.

A change is a row that begins now. The plan after it has the rows of the plan before it until then, the changed row,
and the scenario's later rows, in which `hold` keeps the changed values. So the plan says all that is asked of the link,
before the change and after it.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from plctl.common.base.errors import UserError
from plctl.common.base.units import NS_PER_S, RATE_UNLIMITED, format_duration, format_rate, format_size
from plctl.common.plan.impairments import CERTAIN_PPB
from plctl.common.plan.run_plan import LinkPlan
from plctl.common.scenario.schedule import DIRECTIONS, MAX_ROWS, ROW_FIELDS, Direction, Schedule

#: What a change may name.
CHANGEABLE = tuple(each.name for each in ROW_FIELDS if each.name != "time_ns")
_FIELDS = {each.name: each for each in ROW_FIELDS}
_WORDS = {
    "delay_ns": "delay", "rate_bps": "rate", "queue_bytes": "capacity", "route": "route", "loss_ppb": "loss",
    "duplicate_ppb": "duplicate", "corrupt_ppb": "corrupt", "jitter_ns": "jitter",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class LinkChange:
    """New values of a row's fields, in each direction; what is not named stays as it is."""

    up: dict[str, int] = field(default_factory=dict)  #: field of a row → its value, from client to server
    down: dict[str, int] = field(default_factory=dict)  #: likewise, from server to client
    hold: bool = False  #: the scenario's later rows keep these values, too


@dataclass(frozen=True, slots=True)
class AppliedChange:
    """A change that a link has gone through."""

    at_ns: int  #: since when it holds, in both directions: scenario time
    change: LinkChange  #: what was named
    before: LinkChange  #: what the named fields had before
    by: str = ""  #: who asked for it


def check_change(plan: LinkPlan, change: LinkChange) -> None:
    """Return if a link with `plan` can be changed so.

    :raises UserError: it cannot; the message says why.
    """
    if not change.up and not change.down:
        raise UserError("the change names no value; name at least one, e.g. --delay 20ms")
    for direction in DIRECTIONS:
        for name, value in _values(change, direction).items():
            _check_value(name, value)
        schedule: Schedule = getattr(plan, direction)
        if schedule.opportunities and "rate_bps" in _values(change, direction):
            raise UserError(
                f"{plan.name} {direction} is served by delivery opportunities: it has no rate that could be changed; "
                "delay, route, capacity and impairments can be"
            )
        if len(schedule) >= MAX_ROWS:
            raise UserError(f"{plan.name} has {MAX_ROWS} rows already, which is the most")


def changed_plan(plan: LinkPlan, change: LinkChange, at_ns: int) -> LinkPlan:
    """`plan` with `change` from scenario time `at_ns` on."""
    up = changed(plan.up, at_ns, change.up, hold=change.hold)
    return replace(plan, up=up, down=changed(plan.down, at_ns, change.down, hold=change.hold))


def plan_after(plan: LinkPlan, changes: Iterable[AppliedChange]) -> LinkPlan:
    """`plan` with all that it went through: what was asked of the link from its T0 on."""
    for each in changes:
        plan = changed_plan(plan, each.change, each.at_ns)
    return plan


def changed(schedule: Schedule, at_ns: int, values: Mapping[str, int], *, hold: bool = False) -> Schedule:
    """`schedule` with `values` from scenario time `at_ns` > 0 until its next row; with `hold`, in all later rows, too.

    One that repeats has all rounds up to that time among its rows, and repeats what comes after. A row that begins at
    that very time is the one that is changed.

    :raises UserError: it would have too many rows.
    """
    if not values:
        return schedule
    row = replace(schedule.row_at(at_ns), time_ns=at_ns, **values)
    schedule = _with_rounds(schedule, at_ns)
    times = schedule.column("time_ns")
    place = bisect_left(times, at_ns)
    later = place + (place < len(times) and times[place] == at_ns)
    columns = {}
    for each in (*CHANGEABLE, "time_ns"):
        column = schedule.column(each)
        held = hold and each in values
        made = array("q", column[:place])
        made.append(getattr(row, each))
        made.extend(array("q", [values[each]]) * (len(column) - later) if held else array("q", column[later:]))
        columns[each] = made
    return Schedule.of_columns(columns, schedule.period_ns, schedule.opportunities, loop_ns=schedule.loop_ns)


def _with_rounds(schedule: Schedule, at_ns: int) -> Schedule:
    """The same, with every round of one that repeats written out up to the end of the one at `at_ns`.

    :raises UserError: it would have too many rows.
    """
    loop_ns, period_ns = schedule.loop_ns, schedule.period_ns
    if not period_ns or at_ns < loop_ns:
        return schedule
    if len(schedule) == 1:
        return Schedule.of_columns(schedule.columns, opportunities=schedule.opportunities)
    first = bisect_left(schedule.column("time_ns"), loop_ns)
    rounds = (at_ns - loop_ns) // period_ns + 1
    if len(schedule) + rounds * (len(schedule) - first) >= MAX_ROWS:
        raise UserError(f"with its {rounds} rounds the scenario would have more than {MAX_ROWS} rows")
    columns = {}
    for each in _FIELDS:
        column = schedule.column(each)
        later = [v + n * period_ns * (each == "time_ns") for n in range(1, rounds + 1) for v in column[first:]]
        columns[each] = array("q", [*column, *later])
    return Schedule.of_columns(columns, period_ns, schedule.opportunities, loop_ns=loop_ns + rounds * period_ns)


def unrolled(schedule: Schedule, until_ns: int) -> Schedule:
    """What it asks for until `until_ns`, by rows that do not repeat."""
    if not schedule.period_ns:
        return schedule
    whole = _with_rounds(schedule, until_ns)
    count = bisect_right(whole.column("time_ns"), until_ns)
    columns = {name: column[:count] for name, column in whole.columns.items()}
    return Schedule.of_columns(columns, opportunities=schedule.opportunities)


def free_instant(plan: LinkPlan, at_ns: int) -> int:
    """The first scenario time from `at_ns` on at which no row of either direction begins."""
    while any(_begins_at(way, at_ns) for way in (plan.up, plan.down)):
        at_ns += 1
    return at_ns


def applied(plan: LinkPlan, change: LinkChange, at_ns: int, by: str) -> AppliedChange:
    """The record of `change` to a link that had `plan` before."""
    rows = {direction: getattr(plan, direction).row_at(at_ns) for direction in DIRECTIONS}
    before = {d: {name: getattr(rows[d], name) for name in _values(change, d)} for d in DIRECTIONS}
    return AppliedChange(at_ns, change, LinkChange(before["up"], before["down"]), by)


def routes_of(schedule: Schedule, changes: Iterable[AppliedChange], direction: Direction) -> list[int]:
    """RouteIDs of a direction by the numbers that the forwarder gives them: the scenario's, then those of changes."""
    later = (_values(each.change, direction).get("route") for each in changes)
    return list(dict.fromkeys([*schedule.column("route"), *(route for route in later if route is not None)]))


def facts_of(each: AppliedChange) -> dict[str, object]:
    """What the event `scenario.changed` says of a change, beside its link and time."""
    change, before = each.change, each.before
    return {
        "what": describe(each), "by": each.by, "at_ns": each.at_ns, "up": change.up, "down": change.down,
        "hold": change.hold, "up_before": before.up, "down_before": before.down,
    }  # fmt: skip


def describe(each: AppliedChange) -> str:
    """In words, e.g. ``up delay 10 ms → 20 ms, loss 0 % → 1 %``; directions that are alike are told once."""
    ways = {direction: _steps(each, direction) for direction in DIRECTIONS}
    held = ", kept over later rows" if each.change.hold else ""
    if ways["up"] == ways["down"]:
        return f"both ways {ways['up']}{held}"
    return "; ".join(f"{direction} {steps}" for direction, steps in ways.items() if steps) + held


def format_at(each: AppliedChange) -> str:
    """Since when it holds, to the nanosecond."""
    return f"{each.at_ns // NS_PER_S}.{each.at_ns % NS_PER_S:09d} s"


def describe_value(name: str, value: int) -> str:
    """A field's value, for people."""
    match name:
        case "delay_ns" | "jitter_ns":
            return format_duration(value)
        case "rate_bps":
            return "unlimited" if value >= RATE_UNLIMITED else format_rate(value)
        case "queue_bytes":
            return "as configured" if value < 0 else format_size(value)
        case "route" | "queue_id":
            return str(value)
    return f"{value / (CERTAIN_PPB // 100):g} %"


def _steps(each: AppliedChange, direction: Direction) -> str:
    before = _values(each.before, direction)
    return ", ".join(
        f"{_word(name)} {describe_value(name, before[name])} → {describe_value(name, value)}"
        for name, value in _values(each.change, direction).items()
    )


def _values(change: LinkChange, direction: Direction) -> dict[str, int]:
    return change.up if direction == "up" else change.down


def _check_value(name: str, value: int) -> None:
    if name not in CHANGEABLE:
        raise UserError(f"a row has no {name!r:.80} that could be changed; legal is {', '.join(CHANGEABLE)}")
    found = _FIELDS[name]
    unlimited = found.file.unlimited and value == RATE_UNLIMITED
    if not found.least <= value <= found.file.largest * found.file.unit and not unlimited:
        raise UserError(f"{_word(name)} is out of range; legal is {found.file.legal}")


def _begins_at(schedule: Schedule, at_ns: int) -> bool:
    return at_ns == 0 or schedule.next_change_ns(at_ns - 1) == at_ns


def _word(name: str) -> str:
    return _WORDS.get(name, _FIELDS[name].file.name)
