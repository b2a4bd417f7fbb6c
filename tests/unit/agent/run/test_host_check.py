"""A run that is more than its host may carry is refused with the sum, by what limits it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from plctl.agent.run.host_check import find_objection
from plctl.common.host.limits import HostLimits
from plctl.common.plan.run_plan import LinkPlan, RunPlan, Workload
from plctl.common.resources.link_need import need_bytes
from plctl.common.scenario.schedule import Row, Schedule

LONG_FAT = Schedule((Row(0, 0, 40_000_000_000, 200_000_000),))
WORKLOADS = (Workload("s", "server", ("serve",)), Workload("c", "client", ("ask",), start_ns=0))
LINKS = tuple(LinkPlan(f"l-{i}", LONG_FAT, LONG_FAT, workloads=WORKLOADS) for i in range(10))
PLAN = RunPlan("run", 1, LINKS)
LIMITS = HostLimits(
    memory_bytes=10**12, memory_available_bytes=10**12, memory_by="this machine", cpus=2, cpu_quota=-1,
    open_files=10_000, processes=1000, processes_by="this machine", locked_bytes=-1,
    state_bytes=10**9, output_bytes=10**9,
)  # fmt: skip
NEED = sum(map(need_bytes, LINKS))


def test_what_fits_is_not_objected_to() -> None:
    """To the byte."""
    assert find_objection(PLAN, LIMITS, NEED) == ""
    assert "10 links may hold " in find_objection(PLAN, LIMITS, NEED - 1)


def test_memory_is_refused_with_the_sum_and_who_limits_it() -> None:
    """In the figures that the doctor tells."""
    small = replace(LIMITS, memory_bytes=300_000_000, memory_available_bytes=290_000_000, memory_by="control group /j")
    one = replace(PLAN, links=LINKS[:1])
    assert find_objection(one, small, small.link_bytes) == (
        "1 link may hold 8.116 GB of frames, and this host has 150 MB left for that: 150 MB of the 300 MB that "
        "control group /j has, less what other links hold"
    )


@pytest.mark.parametrize(
    ("limits", "sentence"),
    [
        ({"open_files": 189}, "10 links need 190 open files, and a process may have 189 here (ulimit -Hn)"),
        ({"processes": 79}, "10 links need 80 processes, and this machine allows 79 more"),
        ({"state_bytes": 10**6}, "10 links need 1.09 MB in "),
        ({"output_bytes": 10**6}, "programs need room for what they print, and 1 MB are free in /var/tmp"),
    ],
)
def test_each_limit_has_its_sentence(limits: dict[str, int], sentence: str) -> None:
    """Descriptors, processes, and disk for the ledger and for output."""
    assert find_objection(PLAN, replace(LIMITS, **limits), NEED).startswith(sentence)


def test_several_are_told_at_once() -> None:
    """So that they can be mended at once."""
    assert find_objection(PLAN, replace(LIMITS, open_files=1, processes=1), 0).count("; ") == 2
