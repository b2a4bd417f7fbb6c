"""Programs that are to start at one instant do not keep the CPUs from the workers, which are to notice it."""

from __future__ import annotations

from plctl.agent.run.executor import SPREAD_NS, later_ns
from plctl.common.plan.run_plan import Budget


def test_as_many_programs_as_there_are_cpus_start_when_planned() -> None:
    """The others follow, as many at a time; a thousand on two CPUs do so well within their budget."""
    assert [0, 0, SPREAD_NS, SPREAD_NS, 2 * SPREAD_NS] == [later_ns(before, cpus=2) for before in range(5)]
    assert later_ns(999, cpus=2) < Budget().workload_ns / 2
