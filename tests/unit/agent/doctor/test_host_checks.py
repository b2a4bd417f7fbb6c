"""The doctor's judgement of CPUs, memory, clocks and limits, on made-up machines."""

from __future__ import annotations

import dataclasses
import resource

import pytest

from plctl.agent.doctor import host_checks
from plctl.agent.doctor.finding import Level
from plctl.common.host.facts import gather_host_facts


@pytest.mark.parametrize(("cpus", "level"), [(1, Level.NOTE), (2, Level.OK)])
def test_one_cpu_is_noted(cpus: int, level: Level) -> None:
    """Forwarder and workload need a CPU each to be on time."""
    assert level == host_checks.check_cpus(cpus).level


@pytest.mark.parametrize(("available", "level"), [(511_999_999, Level.NOTE), (512_000_000, Level.OK)])
def test_little_memory_is_noted(available: int, level: Level) -> None:
    """What counts is what is available, not what is installed."""
    facts = dataclasses.replace(gather_host_facts(), memory_bytes=2**40, memory_available_bytes=available)
    assert level == host_checks.check_memory(facts).level


@pytest.mark.parametrize(
    ("source", "level", "seen"),
    [("tsc", Level.OK, "tsc"), ("kvm-clock", Level.OK, "kvm-clock"), ("hpet", Level.NOTE, "hpet"),
     ("", Level.NOTE, "unknown")],
)  # fmt: skip
def test_a_clock_that_takes_a_system_call_is_noted(source: str, level: Level, seen: str) -> None:
    """The forwarder reads the clock for every frame."""
    finding = host_checks.check_clock(source)
    assert (level, seen) == (finding.level, finding.seen)


def test_wake_ups_are_told_by_percentiles() -> None:
    """Median, 99th percentile and worst, in units one can read."""
    finding = host_checks.check_wake_ups([60_000] * 199 + [3_000_000])
    assert finding.seen == "late by 60 µs (median), 60 µs (p99), 3 ms (worst of 200)"
    assert finding.level is Level.OK


def test_late_wake_ups_are_noted() -> None:
    """Beyond the budget of a link's lateness, links would be late."""
    assert host_checks.check_wake_ups([60_000] * 190 + [1_100_000] * 10).level is Level.NOTE


def test_no_sleep_ends_early() -> None:
    """Each measured wake-up is at or after the moment asked for."""
    late_ns = host_checks.measure_wake_ups()
    assert len(late_ns) == 200
    assert min(late_ns) >= 0


@pytest.mark.parametrize(("most", "level"), [(1024, Level.NOTE), (4096, Level.OK), (resource.RLIM_INFINITY, Level.OK)])
def test_few_open_files_are_noted(most: int, level: Level) -> None:
    """The hard limit counts: the agent can raise the soft one itself."""
    assert level == host_checks.check_open_files(most).level


@pytest.mark.parametrize(
    ("most", "is_root", "level"),
    [(65536, True, Level.OK), (65536, False, Level.NOTE), (resource.RLIM_INFINITY, False, Level.OK)],
)
def test_locked_memory_binds_only_others_than_root(most: int, is_root: bool, level: Level) -> None:
    """Root may lock what it likes."""
    assert level == host_checks.check_locked_memory(most, is_root=is_root).level
