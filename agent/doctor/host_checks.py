"""The doctor's checks of what the machine offers: CPUs, memory, clocks and limits. None of them stops a link."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence

from plctl.agent.doctor.finding import Finding
from plctl.common.base.units import NS_PER_MS, NS_PER_S, NS_PER_US, format_duration, format_size
from plctl.common.host.facts import HostFacts
from plctl.common.host.limits import THIS_MACHINE, UNLIMITED, HostLimits, gather_limits
from plctl.common.host.state import output_dir, state_dir

_GOOD_CLOCKS = ("tsc", "kvm-clock", "arch_sys_counter")  # read without a system call
_LEAST_CPUS = 2
_LEAST_MEMORY_BYTES = 512_000_000
_LEAST_OPEN_FILES = 4096  # some four a link, for a thousand links
_LEAST_PROCESSES = 100
_LEAST_OUTPUT_BYTES, _LEAST_STATE_BYTES = 256 * 2**20, 4 * 2**20
_SLEEPS, _SLEEP_NS = 200, 500 * NS_PER_US
_LATE_NS = 1 * NS_PER_MS  # a link's default budget of lateness


def examine(facts: HostFacts) -> list[Finding]:
    """Run the checks of this module; takes some 150 ms, most of them asleep."""
    limits = gather_limits()  # as runs do
    return [
        check_cpus(limits),
        check_memory(limits),
        check_clock(facts.clock_source),
        check_wake_ups(measure_wake_ups()),
        check_open_files(limits.open_files),
        check_processes(limits),
        check_locked_memory(limits.locked_bytes),
        check_disk(limits),
    ]


def check_cpus(limits: HostLimits) -> Finding:
    """Those that this process may use, and for how much of the time."""
    quota = limits.cpu_quota
    seen = str(limits.cpus) + ("" if quota == UNLIMITED else f", for the time of {quota:g} (quota of a control group)")
    return Finding.judge(
        "CPUs",
        limits.cpus >= _LEAST_CPUS and (quota == UNLIMITED or quota >= _LEAST_CPUS),
        seen,
        "give it two: on one, forwarder and workloads take turns",
    )


def check_memory(limits: HostLimits) -> Finding:
    """Frames in flight are held in memory: rate × delay of every link."""
    seen = f"{format_size(limits.memory_available_bytes)} of {format_size(limits.memory_bytes)} available"
    if limits.memory_by != THIS_MACHINE:
        seen += f" (limit of {limits.memory_by})"
    return Finding.judge(
        "memory",
        limits.memory_available_bytes >= _LEAST_MEMORY_BYTES,
        f"{seen}, {format_size(limits.link_bytes)} of it for frames inside links",
        f"free some: links with much in flight need more than {format_size(_LEAST_MEMORY_BYTES)}",
    )


def check_clock(source: str) -> Finding:
    """`source`: the kernel's name for what CLOCK_MONOTONIC is read from."""
    return Finding.judge(
        "clock source",
        source in _GOOD_CLOCKS,
        source or "unknown",
        f"reading it takes a system call; use {' or '.join(_GOOD_CLOCKS)} where the machine has one",
    )


def measure_wake_ups() -> list[int]:
    """How late, in ns, this process woke from each of some hundred short sleeps."""
    late_ns = []
    for _ in range(_SLEEPS):
        due_ns = time.monotonic_ns() + _SLEEP_NS
        time.sleep(_SLEEP_NS / NS_PER_S)
        late_ns.append(time.monotonic_ns() - due_ns)
    return late_ns


def check_wake_ups(late_ns: Sequence[int]) -> Finding:
    """`late_ns`: lateness of each wake-up. The forwarder wakes early and spins; how early, this tells."""
    percentiles = statistics.quantiles(late_ns, n=100, method="inclusive")
    p50, p99, most = (format_duration(round(x)) for x in (percentiles[49], percentiles[98], max(late_ns)))
    return Finding.judge(
        "wake-ups",
        percentiles[98] <= _LATE_NS,
        f"late by {p50} (median), {p99} (p99), {most} (worst of {len(late_ns)})",
        "stop what else runs here, or links may be late",
    )


def check_open_files(most: int) -> Finding:
    """`most`: the hard limit, up to which a process may raise its own."""
    return Finding.judge(
        "open files",
        most == UNLIMITED or most >= _LEAST_OPEN_FILES,
        f"up to {_limit(most)}",
        f"for many links at once raise the limit: ulimit -Hn {_LEAST_OPEN_FILES}",
    )


def check_processes(limits: HostLimits) -> Finding:
    """Each program is one at least, plctl some 60 threads."""
    return Finding.judge(
        "processes",
        limits.processes >= _LEAST_PROCESSES,
        f"{limits.processes} more ({limits.processes_by})",
        f"end some, or raise the limit: plctl and a program need {_LEAST_PROCESSES}",
    )


def check_locked_memory(most: int) -> Finding:
    """`most`: the hard limit in bytes, which does not bind root."""
    seen = "unlimited" if most == UNLIMITED else f"up to {format_size(most)}"
    return Finding.judge("locked memory", most == UNLIMITED, seen, "raise it: ulimit -Hl unlimited")


def check_disk(limits: HostLimits) -> Finding:
    """Where programs' output waits for the controller, and where ledgers lie."""
    output, state = output_dir(), state_dir()
    return Finding.judge(
        "disk",
        limits.output_bytes >= _LEAST_OUTPUT_BYTES and limits.state_bytes >= _LEAST_STATE_BYTES,
        f"{format_size(limits.output_bytes)} free for output in {output}, {format_size(limits.state_bytes)} in {state}",
        "free some, or choose other folders with $PLCTL_OUTPUT_DIR and $PLCTL_STATE_DIR",
    )


def _limit(value: int) -> str:
    return "any number of" if value == UNLIMITED else str(value)
