"""Witnesses of the run's course on a link: its agent, its clock and its start."""

from __future__ import annotations

from collections.abc import Iterator

from plctl.common.base.units import format_duration
from plctl.common.plan.run_plan import Budget
from plctl.controller.verdict.link_facts import LinkFacts
from plctl.controller.verdict.statements import objection, seen, unheard
from plctl.controller.verdict.verdict import Statement, Verdict


def hear_agent(facts: LinkFacts, budget: Budget) -> Iterator[Statement]:
    """Whether the agent carried the link to its end, and reported what became of it."""
    del budget
    failure = facts.failure
    if failure is None and not facts.reported and not facts.cancelled:
        failure = "no result came from its host"
    if failure is not None:
        yield objection("agent", facts, Verdict.FAILED, failure, heard=facts.reported)
    if facts.cancelled:
        yield objection("agent", facts, Verdict.CANCELLED, "cancelled before the run was over", heard=facts.reported)
    if facts.simulated:
        says = "its host is simulated: no packet was carried, and every figure is synthetic"
        yield objection("agent", facts, Verdict.SIMULATED, says)
    elif failure is None and not facts.cancelled:
        yield _carried(facts)


def _carried(facts: LinkFacts) -> Statement:
    """A run that was to last so long must have been watched for so long."""
    if facts.t0_ns is None or facts.until_ns is None:
        return seen("agent", facts, "the agent carried the link to its end and reported it")
    lasted_ns = facts.until_ns - facts.t0_ns
    if lasted_ns < facts.duration_ns:
        lasted, asked = format_duration(lasted_ns), format_duration(facts.duration_ns)
        return objection("agent", facts, Verdict.FAILED, f"it ended {lasted} after T0, the run was to last {asked}")
    return seen("agent", facts, f"the agent carried the link until {format_duration(lasted_ns)} after T0")


def hear_clock(facts: LinkFacts, budget: Budget) -> Iterator[Statement]:
    """How well T0 was known on the link's host."""
    del budget
    if facts.clock_bound_ns is None:
        yield unheard("clock", "nothing bounds how far the host's clock was from the controller's at T0")
    else:
        by = f" ({facts.clock_source})" if facts.clock_source else ""
        yield seen("clock", facts, f"T0 was known to within {format_duration(facts.clock_bound_ns)}{by}")


def hear_start(facts: LinkFacts, budget: Budget) -> Iterator[Statement]:
    """When the forwarder began with the scenario."""
    if facts.started_ns is None:
        if facts.failure is None and facts.reported and not facts.cancelled:
            late = ", as no packet came to start it" if facts.planned_ns is None else " at T0"
            yield objection("start", facts, Verdict.FAILED, f"the scenario never started{late}")
        else:
            yield unheard("start", "the scenario never started")
        return
    if facts.planned_ns is None:
        yield Statement("start", True, facts.started_ns, facts.started_ns, "the scenario started with traffic")
        return
    bound_ns, off = facts.clock_bound_ns or 0, facts.started_ns - facts.planned_ns
    says = (
        f"started {format_duration(abs(off))} {'after' if off >= 0 else 'before'} T0, give or take"
        f" {format_duration(bound_ns)} of clock error; the budget is {format_duration(budget.skew_ns)}"
    )
    verdict = Verdict.SKEWED if abs(off) + bound_ns > budget.skew_ns else Verdict.OK
    yield Statement("start", True, facts.started_ns, facts.started_ns, says, verdict)
