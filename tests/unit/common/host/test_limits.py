"""Limits are those of the machine or of the tightest control group, of either version, wherever it is mounted."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from plctl.common.host.limits import THIS_MACHINE, UNLIMITED, gather_limits

MEMINFO = "MemTotal:  4096000 kB\nMemFree: 1 kB\nMemAvailable:  2048000 kB\n"
NO_LIMIT_V1 = 9223372036854771712


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    """A machine of 4 GB without control groups, on which 100 threads run of 10 000 that may."""
    proc = tmp_path / "proc"
    write(proc, {
        "meminfo": MEMINFO, "loadavg": "0.1 0.2 0.3 2/100 4242\n", "sys/kernel/pid_max": "10000\n",
        "sys/kernel/threads-max": "20000\n", "self/cgroup": "", "self/mountinfo": "",
    })  # fmt: skip
    return proc


def write(folder: Path, files: dict[str, str]) -> None:
    """Make files with their folders."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def test_without_control_groups_the_machine_limits(proc: Path) -> None:
    """Links may have half of the memory, and three quarters of what is free if that is less."""
    limits = gather_limits(proc)
    assert (4_194_304_000, 2_097_152_000, THIS_MACHINE) == (
        limits.memory_bytes, limits.memory_available_bytes, limits.memory_by,
    )  # fmt: skip
    assert (9900, THIS_MACHINE) == (limits.processes, limits.processes_by)
    assert (len(os.sched_getaffinity(0)), UNLIMITED) == (limits.cpus, limits.cpu_quota)
    assert limits.link_bytes == 2_097_152_000 * 3 // 4
    assert replace(limits, memory_available_bytes=4_000_000_000).link_bytes == 2_097_152_000


def test_groups_of_version_2(proc: Path, tmp_path: Path) -> None:
    """The tightest of all that this process is in, also where only one of a container's is shown."""
    point = tmp_path / "cgroup"
    write(proc, {
        "self/cgroup": "0::/slurm/job_7/step\n",
        "self/mountinfo": f"31 30 0:26 /slurm {point} rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n",
    })  # fmt: skip
    write(point, {
        "cgroup.procs": "",
        "job_7/memory.max": "1000000000\n", "job_7/memory.high": "900000000\n", "job_7/memory.current": "700000000\n",
        "job_7/memory.stat": "anon 1\ninactive_file 100000000\n", "job_7/step/memory.max": "max\n",
        "job_7/pids.max": "500\n", "job_7/pids.current": "50\n", "job_7/cpu.max": "150000 100000\n",
        "job_7/step/cpu.max": "max 100000\n",
    })  # fmt: skip

    limits = gather_limits(proc)

    assert (900_000_000, 300_000_000, "control group /job_7") == (
        limits.memory_bytes, limits.memory_available_bytes, limits.memory_by,
    )  # fmt: skip
    assert (450, "control group /job_7") == (limits.processes, limits.processes_by)
    assert (min(2, len(os.sched_getaffinity(0))), 1.5) == (limits.cpus, limits.cpu_quota)
    assert limits.link_bytes == 225_000_000


def test_groups_of_version_1(proc: Path, tmp_path: Path) -> None:
    """Each controller has a hierarchy of its own; the largest number there is means no limit."""
    write(proc, {
        "self/cgroup": "9:name=systemd:/\n4:memory:/open5\n2:cpu,cpuacct:/\n0::/\n",
        "self/mountinfo": f"20 31 0:35 / {tmp_path / 'hidden'} rw - cgroup cgroup rw,memory\n" + "".join(
            f"{n} 31 0:{n} / {tmp_path / name} rw,relatime - cgroup cgroup rw,{name}\n"
            for n, name in ((35, "memory"), (32, "cpu"))
        ) + f"41 31 0:38 / {tmp_path / 'unified'} rw - cgroup2 cgroup2 rw\n",
    })  # fmt: skip
    write(tmp_path, {
        "memory/cgroup.procs": "", "cpu/cgroup.procs": "",
        "memory/memory.limit_in_bytes": f"{NO_LIMIT_V1}\n", "memory/open5/memory.limit_in_bytes": "314572800\n",
        "memory/open5/memory.usage_in_bytes": "214572800\n", "memory/open5/memory.stat": "total_inactive_file 4096\n",
        "cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n",
    })  # fmt: skip

    limits = gather_limits(proc)

    assert (314_572_800, 100_004_096, "control group /open5") == (
        limits.memory_bytes, limits.memory_available_bytes, limits.memory_by,
    )  # fmt: skip
    assert limits.cpu_quota == UNLIMITED


def test_without_proc_there_is_what_system_calls_tell(tmp_path: Path) -> None:
    """No file is needed."""
    limits = gather_limits(tmp_path)
    assert limits.memory_bytes == os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert limits.processes > 0
