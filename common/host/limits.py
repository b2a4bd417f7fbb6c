"""What this process may have of its machine, whoever limits it. The doctor tells it, and runs are held to it."""

from __future__ import annotations

import math
import os
import resource
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from plctl.common.host.control_groups import ControlGroup, groups_of
from plctl.common.host.state import output_dir, state_dir

#: Stands for no limit.
UNLIMITED = -1
#: Who limits, if no control group does.
THIS_MACHINE = "this machine"
#: A kernel's own limit, where it is not told.
_PROCESSES = 32768
#: Of the memory, links may fill this share with frames; of what is free now, they may have the other share.
_SHARE, _SHARE_OF_AVAILABLE = 1 / 2, 3 / 4


@dataclass(frozen=True, slots=True)
class HostLimits:
    """Limits as they are now; sizes in bytes, `UNLIMITED` where there is none."""

    memory_bytes: int
    memory_available_bytes: int  #: what can be had without swapping, or before the kernel ends somebody
    memory_by: str  #: who limits it: "this machine", "control group /slurm/job_7"
    cpus: int  #: that this process may use
    cpu_quota: float  #: how many CPUs' time it may take
    open_files: int  #: descriptors of one process
    processes: int  #: processes and threads that may still be started
    processes_by: str
    locked_bytes: int
    state_bytes: int  #: free where plctl keeps its ledgers
    output_bytes: int  #: free where programs' output lies

    @property
    def link_bytes(self) -> int:
        """How much frames inside links may take."""
        return max(0, int(min(self.memory_bytes * _SHARE, self.memory_available_bytes * _SHARE_OF_AVAILABLE)))


def gather_limits(proc: Path = Path("/proc")) -> HostLimits:
    """The limits of this process."""
    memory, available, by = _memory(proc, list(groups_of("memory", proc / "self")))
    processes, processes_by = _processes(proc, groups_of("pids", proc / "self"))
    quotas = [quota for group in groups_of("cpu", proc / "self") if (quota := group.read_quota())]
    quota = min(quotas, default=float(UNLIMITED))
    cpus = len(os.sched_getaffinity(0))
    return HostLimits(
        memory_bytes=memory,
        memory_available_bytes=available,
        memory_by=by,
        cpus=min(cpus, math.ceil(quota)) if quotas else cpus,
        cpu_quota=quota,
        open_files=_limit(resource.RLIMIT_NOFILE),
        processes=processes,
        processes_by=processes_by,
        locked_bytes=UNLIMITED if os.geteuid() == 0 else _limit(resource.RLIMIT_MEMLOCK),
        state_bytes=_free(state_dir()),
        output_bytes=_free(output_dir()),
    )


def _memory(proc: Path, groups: Iterable[ControlGroup]) -> tuple[int, int, str]:
    """In all, available, and by whom."""
    table = dict(line.split(":", 1) for line in _read(proc / "meminfo").splitlines())
    installed = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    total = _number(table.get("MemTotal"), installed // 1024) * 1024
    available, by = _number(table.get("MemAvailable"), total // 1024) * 1024, THIS_MACHINE
    for group in groups:
        highs = (group.read("memory.max", "memory.limit_in_bytes"), group.read("memory.high", ""))
        limit = min((high for high in highs if high is not None), default=None)
        if limit is None:
            continue
        if limit < total:
            total, by = limit, f"control group {group.name}"
        used = group.read("memory.current", "memory.usage_in_bytes") or 0
        given_back = group.read_stat("inactive_file", "total_inactive_file")
        available = min(available, max(0, limit - used + given_back))
    return total, available, by


def _processes(proc: Path, groups: Iterable[ControlGroup]) -> tuple[int, str]:
    """How many more may be started, and by whom that is limited."""
    running = _number("".join(_read(proc / "loadavg").split()[3:4]).partition("/")[2], 0)
    most = min(_number(_read(proc / "sys/kernel" / name), _PROCESSES) for name in ("pid_max", "threads-max"))
    left, by = most - running, THIS_MACHINE
    for group in groups:
        limit = group.read("pids.max", "pids.max")
        if limit is not None and (here := limit - (group.read("pids.current", "pids.current") or 0)) < left:
            left, by = here, f"control group {group.name}"
    return max(0, left), by


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def _number(text: str | None, otherwise: int) -> int:
    """The number with which `text` begins."""
    word = next(iter((text or "").split()), "")
    return int(word) if word.isdecimal() else otherwise


def _limit(which: int) -> int:
    _, hard = resource.getrlimit(which)
    return UNLIMITED if hard == resource.RLIM_INFINITY else hard


def _free(folder: Path) -> int:
    """Bytes that are free on the disk on which `folder` lies, or will lie; 0: that is not known."""
    there = next((each for each in (folder, *folder.parents) if each.exists()), None)
    return shutil.disk_usage(there).free if there else 0
