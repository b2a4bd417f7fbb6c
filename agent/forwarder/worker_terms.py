"""Says how a forwarder's workers really run: what the kernel answers, and what it refused."""

from __future__ import annotations

import os
from collections.abc import Sequence

_POLICIES = {os.SCHED_OTHER: "SCHED_OTHER", os.SCHED_FIFO: "SCHED_FIFO", os.SCHED_RR: "SCHED_RR"}


def describe_worker(thread: int) -> str:
    """CPUs and scheduling of a thread, e.g. ``CPU 2, SCHED_FIFO 10`` or ``CPUs 0-1, nice -20``."""
    policy = os.sched_getscheduler(thread)
    how = f"nice {os.getpriority(os.PRIO_PROCESS, thread)}"
    if policy != os.SCHED_OTHER:
        how = f"{_POLICIES.get(policy, f'policy {policy}')} {os.sched_getparam(thread).sched_priority}"
    cpus = format_cpus(sorted(os.sched_getaffinity(thread)))
    return f"CPU{'s' if not cpus.isdecimal() else ''} {cpus}, {how}"


def format_cpus(cpus: Sequence[int]) -> str:
    """Ascending CPU numbers as ``0-3,6``."""
    runs: list[list[int]] = []
    for cpu in cpus:
        if runs and runs[-1][-1] == cpu - 1:
            runs[-1].append(cpu)
        else:
            runs.append([cpu])
    return ",".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def describe_refusals(nice_error: int, real_time_error: int, real_time: int) -> list[str]:
    """A sentence for each errno that is not 0."""
    said = []
    if nice_error:
        said.append(f"workers run without nice -20: {os.strerror(nice_error)}; that takes CAP_SYS_NICE")
    if real_time_error:
        said.append(
            f"workers run without real-time priority {real_time}: {os.strerror(real_time_error)}; that takes "
            "CAP_SYS_NICE and, where the kernel has RT_GROUP_SCHED, a control group with cpu.rt_runtime_us above 0"
        )
    return said
