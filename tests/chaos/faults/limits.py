"""Faults of limits: a daemon that may open no further file, start no further process, or take no further memory.

Descriptors by prlimit(2). Processes and memory by a control group of version 1 or 2, mounted for the time of the fault
in the plan's folder, because not every machine has it at the usual place; what the daemon has already does not count.
"""

from __future__ import annotations

import os
import resource
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

from truth.groups import version_of
from truth.world import await_it

from chaos.faults.fault import ANY, Fault


class Descriptors(Fault):
    """Most of what a daemon does opens something."""

    name, where, lengths_ms, running, ends_daemons = "no descriptors", "either", (500, 4000), ANY, True

    def inject(self) -> bool:
        """As many as are open, or few more."""
        if (daemon := self.cluster.daemon(self.host)) is None:
            return False
        self.process = daemon
        limit = sum(1 for _ in Path(f"/proc/{daemon.pid}/fd").iterdir()) + self.dice.choice((0, 0, 2, 6))
        self.what = f"at most {limit}"
        self._before = resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE)
        resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, (limit, self._before[1]))
        return True

    def undo(self) -> None:
        """As before."""
        if self.process.is_alive():
            resource.prlimit(self.process.pid, resource.RLIMIT_NOFILE, self._before)


class _Grouped(Fault):
    where, lengths_ms, running, ends_daemons = "either", (500, 4000), ANY, True
    controller: ClassVar[str]

    def limit(self) -> dict[int, tuple[str, str]]:
        """By version: the file of the group that says how much there is at most, and what it is to say."""
        raise NotImplementedError

    def inject(self) -> bool:
        """The daemon goes into a group of its own."""
        if (daemon := self.cluster.daemon(self.host)) is None:
            return False
        version = version_of(self.controller)
        self._top = self.cluster.folder / f"{self.controller}-{self.host}"
        self._top.mkdir()
        options = ("-t", "cgroup", "-o", self.controller) if version == 1 else ("-t", "cgroup2")
        subprocess.run(["mount", *options, "none", str(self._top)], check=True, capture_output=True)
        if version == 2:
            (self._top / "cgroup.subtree_control").write_text(f"+{self.controller}")
        self._group = self._top / f"plctl-chaos-{os.getpid()}-{self.host}"
        self._group.mkdir()
        (self._group / "cgroup.procs").write_text(str(daemon.pid))
        file, text = self.limit()[version]
        self.what = f"control group v{version}, {file} {text}"
        with suppress(OSError):  # it has more already, and the kernel says so
            (self._group / file).write_text(text)
        return True

    def undo(self) -> None:
        """All who are in the group leave it, and it goes."""
        await_it(self._remove, "the end of the group", 10)
        subprocess.run(["umount", str(self._top)], check=True, capture_output=True)
        self._top.rmdir()

    def _remove(self) -> bool | None:
        for pid in (self._group / "cgroup.procs").read_text().split():
            with suppress(OSError):  # it ended just now
                (self._top / "cgroup.procs").write_text(pid)
        with suppress(OSError):
            self._group.rmdir()
        return None if self._group.exists() else True


class Pids(_Grouped):
    """No thread or process more than so many."""

    name, controller = "no pids", "pids"

    def limit(self) -> dict[int, tuple[str, str]]:
        """As many as there are, or few more."""
        there = int((self._group / "pids.current").read_text())
        limit = str(there + self.dice.choice((0, 0, 1, 4)))
        return {1: ("pids.max", limit), 2: ("pids.max", limit)}


class Memory(_Grouped):
    """Who needs more is killed by the kernel."""

    name, controller = "no memory", "memory"

    def limit(self) -> dict[int, tuple[str, str]]:
        """New memory, in bytes."""
        limit = str(self.dice.choice((2, 8, 24)) << 20)
        return {1: ("memory.limit_in_bytes", limit), 2: ("memory.max", limit)}


FAULTS = (Descriptors, Pids, Memory)
