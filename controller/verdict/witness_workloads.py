"""Witness of a link's workloads: when each was really executed, and how it ended."""

from __future__ import annotations

from collections.abc import Iterator

from plctl.common.base.units import format_duration
from plctl.common.plan.run_plan import Budget
from plctl.common.protocol.messages import WorkloadResult
from plctl.controller.verdict.link_facts import LinkFacts
from plctl.controller.verdict.statements import after_t0, objection, seen, unheard
from plctl.controller.verdict.verdict import Statement, Verdict


def hear_workloads(facts: LinkFacts, budget: Budget) -> Iterator[Statement]:
    """How the link's workloads went."""
    if not facts.reported:
        yield unheard("workloads", "nothing is known of the workloads")
        return
    objections = [each for workload in facts.workloads for each in _objections(workload, facts, budget)]
    yield from objections
    if not objections:
        yield seen("workloads", facts, "; ".join(_told(each, facts) for each in facts.workloads) or "there is none")


def _objections(workload: WorkloadResult, facts: LinkFacts, budget: Budget) -> Iterator[Statement]:
    planned_ns, executed_ns = workload.planned_ns, workload.executed_ns
    if workload.cause:
        yield objection("workloads", facts, Verdict.FAILED, f"{workload.name}: {workload.cause}")
    if executed_ns is None:
        yield unheard("workloads", f"when {workload.name} was executed is not known")
    elif executed_ns == 0:
        if not workload.cause and _should_have_been(workload, facts):
            planned = "" if planned_ns is None else f"; it was planned {after_t0(planned_ns, facts.t0_ns)}"
            yield objection("workloads", facts, Verdict.FAILED, f"{workload.name} was never executed{planned}")
    elif planned_ns is not None and abs(executed_ns - planned_ns) > budget.workload_ns:
        late, allowed = format_duration(executed_ns - planned_ns), format_duration(budget.workload_ns)
        says = (
            f"{workload.name} was executed {after_t0(executed_ns, facts.t0_ns)}, {late} later than planned"
            f" ({after_t0(planned_ns, facts.t0_ns)}); the budget is {allowed}"
        )
        yield objection("workloads", facts, Verdict.SKEWED, says)


def _should_have_been(workload: WorkloadResult, facts: LinkFacts) -> bool:
    """A run that is over, or cancelled, before a workload's start does not wait for it."""
    if facts.cancelled:
        return False
    return workload.planned_ns is None or facts.until_ns is None or workload.planned_ns < facts.until_ns


def _told(workload: WorkloadResult, facts: LinkFacts) -> str:
    """One that did nothing wrong."""
    executed_ns, planned_ns = workload.executed_ns, workload.planned_ns
    if not executed_ns:
        return f"{workload.name} was not executed, as the run was over before"
    late = "" if planned_ns is None else f", {format_duration(executed_ns - planned_ns)} after its time"
    return f"{workload.name} was executed {after_t0(executed_ns, facts.t0_ns)}{late}"
