"""Control groups for disturbing a run: a quota of CPU time, a limit of memory, for processes that are put into them.

By version 1 where the controller has a hierarchy of its own, else by version 2. The guard removes them.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from truth.world import World


class Group:
    """A new group of one controller (``cpu`` or ``memory``) below the root of its hierarchy.

    The hierarchy is mounted for it in the run's folder, because not every machine has it at the usual place.
    """

    def __init__(self, world: World, controller: str) -> None:
        self.version = version_of(controller)
        top = world.folder / f"{controller}-groups"
        if not top.exists():
            top.mkdir()
            world.guard.note("mount", str(top))
            options = ("-t", "cgroup", "-o", controller) if self.version == 1 else ("-t", "cgroup2")
            subprocess.run(["mount", *options, "none", str(top)], check=True, capture_output=True)
        self.path = top / f"plctl-truth-{os.getpid()}-{controller}"
        world.guard.note("group", str(self.path))
        if self.version == 2:
            (top / "cgroup.subtree_control").write_text(f"+{controller}")
        self.path.mkdir()

    def limit_cpu(self, share: float, period_us: int) -> None:
        """Let what is inside have `share` of one CPU in each period."""
        quota_us = round(share * period_us)
        if self.version == 2:
            (self.path / "cpu.max").write_text(f"{quota_us} {period_us}")
        else:
            (self.path / "cpu.cfs_period_us").write_text(str(period_us))
            (self.path / "cpu.cfs_quota_us").write_text(str(quota_us))

    def limit_memory(self, limit_bytes: int) -> None:
        """Let what is inside take no more than so much new memory."""
        name = "memory.high" if self.version == 2 else "memory.limit_in_bytes"
        (self.path / name).write_text(str(limit_bytes))

    def take(self, pid: int) -> None:
        """Put a process into the group."""
        (self.path / "cgroup.procs").write_text(str(pid))

    def empty(self) -> None:
        """Put everybody back into the root, where limits end."""
        for pid in (self.path / "cgroup.procs").read_text().split():
            try:
                (self.path.parent / "cgroup.procs").write_text(pid)
            except OSError:  # it ended just now
                continue


def version_of(controller: str) -> int:
    """Of which version the controller's groups are on this machine.

    :raises OSError: it has none.
    """
    for line in Path("/proc/cgroups").read_text().splitlines():
        name, hierarchy, _, enabled = line.split()[:4]
        if name == controller and enabled == "1":
            return 1 if int(hierarchy) else 2
    raise OSError(f"this machine has no control groups for {controller}")
