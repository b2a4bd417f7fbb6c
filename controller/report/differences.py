"""What two runs were asked differently, fact by fact, in words that a reader of run specs knows."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Iterator
from typing import Any, NamedTuple

from plctl.common.base.units import format_duration
from plctl.common.plan.link_sentence import describe_link
from plctl.common.plan.run_plan import LinkPlan, Workload
from plctl.common.scenario.schedule import Schedule
from plctl.controller.results.run_record import LinkRecord, RunRecord

_NOTHING = "–"
#: Digits of a schedule's digest that tell it from others.
_DIGITS = 8
#: Fields of a plan that say nothing of what was asked.
_LEFT_OUT = frozenset({"name", "index", "workloads"})


class Difference(NamedTuple):
    """A fact in which two runs differ."""

    what: str
    first: str
    second: str


def of_runs(first: RunRecord, second: RunRecord) -> list[Difference]:
    """How the runs differ as a whole: what was asked, and on what it ran."""
    facts = [_run_facts(each) for each in (first, second)]
    return [*_differing(*facts)]


def of_links(first: LinkRecord, second: LinkRecord) -> list[Difference]:
    """How two links differ in what was asked of them."""
    facts = [_link_facts(each.asked) for each in (first, second)]
    return [*_differing(*facts)]


def _differing(first: dict[str, str], second: dict[str, str]) -> Iterator[Difference]:
    for what in dict.fromkeys((*first, *second)):
        ours, theirs = first.get(what, _NOTHING), second.get(what, _NOTHING)
        if ours != theirs:
            yield Difference(what, ours, theirs)


def _run_facts(record: RunRecord) -> dict[str, str]:
    budget = record.budget
    return {
        "name": record.name,
        "seed": str(record.seed),
        "duration": format_duration(record.duration_ns) if record.duration_ns else "until the workloads ended",
        "links": ", ".join(link.plan.name for link in record.links[:10]) + " …" * (len(record.links) > 10),
        "hosts": ", ".join(dict.fromkeys(link.host for link in record.links)),
        "lateness budget": format_duration(budget.lateness_ns),
        "skew budget": format_duration(budget.skew_ns),
        "workload budget": format_duration(budget.workload_ns),
        "telemetry interval": format_duration(record.sample_interval_ns),
        "socket_stats": format_duration(record.socket_stats_ns) if record.socket_stats_ns else _NOTHING,
        **{f"label {name}": value for name, value in record.labels.items()},
        **{f"software, {name}": value for name, value in record.versions.items()},
    }


def _link_facts(plan: LinkPlan) -> dict[str, str]:
    facts = {"in words": describe_link(plan)}
    for each in dataclasses.fields(plan):
        if each.name not in _LEFT_OUT:
            facts[each.name.replace("_", " ")] = _text(getattr(plan, each.name))
    return facts | {f"workload {each.name}": _workload(each) for each in plan.workloads}


def _workload(each: Workload) -> str:
    start = f", from {format_duration(each.start_ns)} after T0 on" if each.start_ns >= 0 else ""
    return f"at the {each.at}{start}: {shlex.join(each.command)}"


def _text(value: Any) -> str:
    """A value of a plan; of a schedule what tells it from others."""
    if isinstance(value, Schedule):
        rows = len(value.column("time_ns"))
        return f"{rows} row{'s' * (rows != 1)}, schedule {value.digest[:_DIGITS]}"
    if dataclasses.is_dataclass(value):
        parts = ((each.name, getattr(value, each.name)) for each in dataclasses.fields(value))
        return ", ".join(f"{name} {_text(part)}" for name, part in parts)
    if isinstance(value, tuple):
        return "; ".join(map(_text, value)) or _NOTHING
    if isinstance(value, dict):
        return ", ".join(f"{name} {_text(part)}" for name, part in value.items()) or _NOTHING
    return _NOTHING if value is None else str(value)
