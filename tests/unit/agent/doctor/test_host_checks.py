"""The doctor's judgement of CPUs, memory, clocks and limits, on made-up machines."""

from __future__ import annotations

import dataclasses

import pytest

from plctl.agent.doctor import host_checks
from plctl.agent.doctor.finding import Level
from plctl.common.host.limits import UNLIMITED, gather_limits

LIMITS = gather_limits()


@pytest.mark.parametrize(
    ("cpus", "quota", "level", "seen"),
    [
        (1, UNLIMITED, Level.NOTE, "1"),
        (2, UNLIMITED, Level.OK, "2"),
        (2, 1.5, Level.NOTE, "2, for the time of 1.5 (quota of a control group)"),
    ],
)
def test_one_cpu_is_noted(cpus: int, quota: float, level: Level, seen: str) -> None:
    """Forwarder and workload need a CPU each to be on time; the time of one and a half is too little, too."""
    finding = host_checks.check_cpus(dataclasses.replace(LIMITS, cpus=cpus, cpu_quota=quota))
    assert (level, seen) == (finding.level, finding.seen)


@pytest.mark.parametrize(("available", "level"), [(511_999_999, Level.NOTE), (512_000_000, Level.OK)])
def test_little_memory_is_noted(available: int, level: Level) -> None:
    """What counts is what is available, not what is installed."""
    limits = dataclasses.replace(LIMITS, memory_bytes=2**40, memory_available_bytes=available)
    assert level == host_checks.check_memory(limits).level


def test_who_limits_memory_is_told_and_what_links_get_of_it() -> None:
    """The figure that runs are refused by."""
    limits = dataclasses.replace(
        LIMITS, memory_bytes=300_000_000, memory_available_bytes=250_000_000, memory_by="control group /job"
    )
    assert host_checks.check_memory(limits).seen == (
        "250 MB of 300 MB available (limit of control group /job), 150 MB of it for frames inside links"
    )


def test_few_processes_and_a_full_disk_are_noted() -> None:
    """Programs need both; who limits the one, and where the other is, is told."""
    limits = dataclasses.replace(LIMITS, processes=20, processes_by="control group /job", output_bytes=1000)
    assert [(each.level, each.seen.partition(",")[0]) for each in (
        host_checks.check_processes(limits), host_checks.check_disk(limits),
    )] == [(Level.NOTE, "20 more (control group /job)"), (Level.NOTE, "1 kB free for output in /var/tmp")]  # fmt: skip


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


@pytest.mark.parametrize(("most", "level"), [(1024, Level.NOTE), (4096, Level.OK), (UNLIMITED, Level.OK)])
def test_few_open_files_are_noted(most: int, level: Level) -> None:
    """The hard limit counts: the agent can raise the soft one itself."""
    assert level == host_checks.check_open_files(most).level


@pytest.mark.parametrize(("most", "level"), [(65536, Level.NOTE), (UNLIMITED, Level.OK)])
def test_little_locked_memory_is_noted(most: int, level: Level) -> None:
    """The forwarder's pages should stay in memory."""
    assert level == host_checks.check_locked_memory(most).level


def test_root_may_lock_what_it_likes() -> None:
    """The limit binds others only."""
    assert gather_limits().locked_bytes == UNLIMITED
