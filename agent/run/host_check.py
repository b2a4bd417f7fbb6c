"""Refuses a run that is more than this host may carry, with the sum, before anything of it is built."""

from __future__ import annotations

from collections.abc import Iterator

from plctl.common.base.units import format_size
from plctl.common.host.limits import UNLIMITED, HostLimits
from plctl.common.host.state import output_dir, state_dir
from plctl.common.plan.run_plan import LinkPlan, RunPlan
from plctl.common.resources.link_need import need_bytes

#: Descriptors of the agent for each link (one in each namespace, for what the kernel tells), for each workload (its
#: gate, its status, its end), and of either process besides; those of the forwarder for each link, AF_XDP or not.
AGENT_FILES, WORKLOAD_FILES, OTHER_FILES, FORWARDER_FILES = 3, 3, 100, 8
#: For what looks at TCP sockets, and for the packet log of a link.
SOCKET_STATS_FILES, PACKET_LOG_FILES = 2, 1
#: Threads and processes of plctl's own; each workload is one at least.
OWN_PROCESSES = 60
#: What a link's entries in the ledger take, and plctl besides; programs need room for what they write.
LEDGER_BYTES, STATE_BYTES = 4096, 2**20
OUTPUT_BYTES = 2**20


def find_objection(plan: RunPlan, limits: HostLimits, free_bytes: int) -> str:
    """Why this host cannot carry `plan` beside what it carries already; empty: nothing is known to prevent it.

    :param free_bytes: what frames inside links may still take.
    """
    return "; ".join(_objections(plan, limits, free_bytes))


def _objections(plan: RunPlan, limits: HostLimits, free_bytes: int) -> Iterator[str]:
    links = f"{len(plan.links)} link{'s' if len(plan.links) > 1 else ''}"
    if (need := sum(map(need_bytes, plan.links))) > free_bytes:
        yield (
            f"{links} may hold {format_size(need)} of frames, and this host has {format_size(max(0, free_bytes))} left"
            f" for that: {format_size(limits.link_bytes)} of the {format_size(limits.memory_bytes)} that"
            f" {limits.memory_by} has, less what other links hold"
        )
    if limits.open_files != UNLIMITED and (files := _open_files(plan)) > limits.open_files:
        yield f"{links} need {files} open files, and a process may have {limits.open_files} here (ulimit -Hn)"
    if limits.processes != UNLIMITED and (processes := _processes(plan)) > limits.processes:
        yield f"{links} need {processes} processes, and {limits.processes_by} allows {limits.processes} more"
    if (state := STATE_BYTES + LEDGER_BYTES * len(plan.links)) > limits.state_bytes:
        yield f"{links} need {format_size(state)} in {state_dir()}, where {format_size(limits.state_bytes)} are free"
    if _count_workloads(plan) and limits.output_bytes < OUTPUT_BYTES:
        yield (
            f"programs need room for what they print, and {format_size(limits.output_bytes)} are free in {output_dir()}"
            " (choose another with $PLCTL_OUTPUT_DIR)"
        )


def _open_files(plan: RunPlan) -> int:
    """The greater of what the agent and the forwarder need."""
    agent = sum(_agent_files(link, socket_stats=bool(plan.socket_stats_ns)) for link in plan.links)
    return OTHER_FILES + max(agent, FORWARDER_FILES * len(plan.links))


def _agent_files(link: LinkPlan, *, socket_stats: bool) -> int:
    files = AGENT_FILES + SOCKET_STATS_FILES * socket_stats + PACKET_LOG_FILES * link.packets
    return files + WORKLOAD_FILES * len(link.workloads)


def _processes(plan: RunPlan) -> int:
    return OWN_PROCESSES + _count_workloads(plan)


def _count_workloads(plan: RunPlan) -> int:
    return sum(len(link.workloads) for link in plan.links)
