"""A workload that was executed late, or never, is no workload that did what was asked."""

from __future__ import annotations

from dataclasses import replace

import pytest

from plctl.common.base.units import NS_PER_MS, NS_PER_S
from plctl.common.plan.run_plan import Budget
from plctl.common.protocol.messages import WorkloadResult
from plctl.controller.verdict.link_facts import LinkFacts
from plctl.controller.verdict.witness_workloads import hear_workloads

T0_NS = 7 * NS_PER_S
BUDGET = Budget(workload_ns=1 * NS_PER_MS)
PLANNED_NS = T0_NS + NS_PER_S
CLIENT = WorkloadResult("w", "client", 0, "", PLANNED_NS, PLANNED_NS + 5_000, T0_NS + 3 * NS_PER_S)
FACTS = LinkFacts(t0_ns=T0_NS, planned_ns=T0_NS, started_ns=T0_NS, until_ns=T0_NS + 4 * NS_PER_S)


def heard(workload: WorkloadResult, **changes: object) -> list[tuple[str, bool, str]]:
    """What the witness says of one workload."""
    facts = replace(FACTS, workloads=(workload,), **changes)  # type: ignore[arg-type]  # the tests name real fields
    return [(each.verdict, each.heard, each.says) for each in hear_workloads(facts, BUDGET)]


@pytest.mark.parametrize(
    ("workload", "verdict", "says"),
    [
        (CLIENT, "ok", "w was executed 1 s after T0, 5 µs after its time"),
        (
            replace(CLIENT, executed_ns=PLANNED_NS + NS_PER_MS),
            "ok",
            "w was executed 1.001 s after T0, 1 ms after its time",
        ),
        (
            replace(CLIENT, executed_ns=PLANNED_NS + 2_350 * NS_PER_MS),
            "skewed",
            "w was executed 3.35 s after T0, 2.35 s later than planned (1 s after T0); the budget is 1 ms",
        ),
        (
            replace(CLIENT, executed_ns=0),
            "failed",
            "w was never executed; it was planned 1 s after T0",
        ),
        (replace(CLIENT, executed_ns=0, planned_ns=None), "failed", "w was never executed"),
        (
            replace(CLIENT, executed_ns=0, planned_ns=T0_NS + 9 * NS_PER_S),
            "ok",
            "w was not executed, as the run was over before",
        ),
        (replace(CLIENT, planned_ns=None, executed_ns=T0_NS - 5), "ok", "w was executed 5 ns before T0"),
        (replace(CLIENT, executed_ns=0, cause="no such command"), "failed", "w: no such command"),
    ],
)
def test_a_workload_is_judged_by_when_it_was_executed(workload: WorkloadResult, verdict: str, says: str) -> None:
    """On time, at the edge of the budget, beyond it, never, and never because it need not have been."""
    assert [(verdict, True, says)] == heard(workload)


def test_a_failure_does_not_hide_a_late_start() -> None:
    """Both are told: either may explain the other."""
    late = replace(CLIENT, executed_ns=PLANNED_NS + NS_PER_S, cause="exited with status 1")
    assert ["failed", "skewed"] == [verdict for verdict, _, _ in heard(late)]


def test_an_agent_that_does_not_tell_when_is_not_believed() -> None:
    """Agents of earlier versions repeated the plan; what they do not say is not taken for good."""
    assert [("unproven", False, "when w was executed is not known")] == heard(replace(CLIENT, executed_ns=None))


def test_a_cancelled_run_does_not_miss_what_it_did_not_come_to() -> None:
    """It was cancelled before the workload's start: that is no failure of the workload."""
    assert ["ok"] == [verdict for verdict, _, _ in heard(replace(CLIENT, executed_ns=0), cancelled=True)]
