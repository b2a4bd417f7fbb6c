"""The doctor's checks of what the machine offers: CPUs, memory, clocks and limits. None of them stops a link."""

from __future__ import annotations

import os
import resource
import statistics
import time
from collections.abc import Sequence

from plctl.agent.doctor.finding import Finding
from plctl.common.base.units import NS_PER_MS, NS_PER_S, NS_PER_US, format_duration, format_size
from plctl.common.host.facts import HostFacts

_GOOD_CLOCKS = ("tsc", "kvm-clock", "arch_sys_counter")  # read without a system call
_LEAST_CPUS = 2
_LEAST_MEMORY_BYTES = 512_000_000
_LEAST_OPEN_FILES = 4096  # some four a link, for a thousand links
_SLEEPS, _SLEEP_NS = 200, 500 * NS_PER_US
_LATE_NS = 1 * NS_PER_MS  # a link's default budget of lateness


def examine(facts: HostFacts) -> list[Finding]:
    """Run the checks of this module; takes some 150 ms, most of them asleep."""
    return [
        check_cpus(facts.cpus),
        check_memory(facts),
        check_clock(facts.clock_source),
        check_wake_ups(measure_wake_ups()),
        check_open_files(resource.getrlimit(resource.RLIMIT_NOFILE)[1]),
        check_locked_memory(resource.getrlimit(resource.RLIMIT_MEMLOCK)[1], is_root=os.geteuid() == 0),
    ]


def check_cpus(cpus: int) -> Finding:
    """`cpus` that this process may use."""
    return Finding.judge(
        "CPUs", cpus >= _LEAST_CPUS, str(cpus), "give it two: on one, forwarder and workloads take turns"
    )


def check_memory(facts: HostFacts) -> Finding:
    """Frames in flight are held in memory: rate × delay of every link."""
    return Finding.judge(
        "memory",
        facts.memory_available_bytes >= _LEAST_MEMORY_BYTES,
        f"{format_size(facts.memory_available_bytes)} of {format_size(facts.memory_bytes)} available",
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
        most == resource.RLIM_INFINITY or most >= _LEAST_OPEN_FILES,
        f"up to {_limit(most)}",
        f"for many links at once raise the limit: ulimit -Hn {_LEAST_OPEN_FILES}",
    )


def check_locked_memory(most: int, *, is_root: bool) -> Finding:
    """`most`: the hard limit in bytes, which does not bind root."""
    unlimited = is_root or most == resource.RLIM_INFINITY
    seen = "unlimited" + " for root" * is_root if unlimited else f"up to {format_size(most)}"
    return Finding.judge("locked memory", unlimited, seen, "raise it: ulimit -Hl unlimited")


def _limit(value: int) -> str:
    return "any number of" if value == resource.RLIM_INFINITY else str(value)
