"""Reads what control groups, version 1 or 2, leave to this process: every group that it is in has a say.

A process in a container sees its groups below the mounted folder, or the folder itself where the host's path to it is
not shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ControlGroup:
    """One, with its limits, for one controller (`memory`, `pids`, `cpu`)."""

    folder: Path
    name: str  #: as messages call it
    is_v2: bool

    def read(self, v2: str, v1: str) -> int | None:
        """The number in the file that version 2 or 1 has; None: there is no such limit."""
        try:
            word = (self.folder / (v2 if self.is_v2 else v1)).read_text().split()[0]
        except (OSError, IndexError):
            return None
        return int(word) if word.isdecimal() and int(word) < _UNLIMITED else None

    def read_stat(self, v2: str, v1: str) -> int:
        """An entry of memory.stat; 0: there is none."""
        wanted = v2 if self.is_v2 else v1
        try:
            lines = (self.folder / "memory.stat").read_text().splitlines()
        except OSError:
            return 0
        return next((int(line.split()[1]) for line in lines if line.startswith(f"{wanted} ")), 0)

    def read_quota(self) -> float | None:
        """How many CPUs' time the group may take; None: as much as there is."""
        try:
            if self.is_v2:
                quota, period = (self.folder / "cpu.max").read_text().split()
            else:
                quota = (self.folder / "cpu.cfs_quota_us").read_text().strip()
                period = (self.folder / "cpu.cfs_period_us").read_text().strip()
        except (OSError, ValueError):
            return None
        return int(quota) / int(period) if quota.isdecimal() else None


#: Version 1 writes no limit as the largest multiple of a page in 63 bits.
_UNLIMITED = 2**60


def groups_of(controller: str, proc: Path = Path("/proc/self")) -> Iterator[ControlGroup]:
    """The groups of this process that limit what `controller` stands for, the innermost first."""
    mounts = list(_mounts(proc))
    for line in _lines(proc / "cgroup"):
        _, controllers, path = line.split(":", 2)
        is_v2 = not controllers
        if not is_v2 and controller not in controllers.split(","):
            continue
        for kind, options, root, point in mounts:
            fits = kind == ("cgroup2" if is_v2 else "cgroup") and (is_v2 or controller in options)
            if fits and (point / "cgroup.procs").exists():  # another mount may lie over this one
                yield from _upwards(path, root, point, is_v2=is_v2)
                break


def _upwards(path: str, root: str, point: Path, *, is_v2: bool) -> Iterator[ControlGroup]:
    below = Path(path).relative_to(root) if Path(path).is_relative_to(root) else Path()
    folder = point / below
    while folder != point.parent:
        yield ControlGroup(folder, f"/{folder.relative_to(point)}" if folder != point else "/", is_v2)
        folder = folder.parent


def _mounts(proc: Path) -> Iterator[tuple[str, list[str], str, Path]]:
    """(type, options, what of the hierarchy is mounted, where) of each mount of control groups (proc(5))."""
    for line in _lines(proc / "mountinfo"):
        left, _, right = line.partition(" - ")
        kind, _, options = right.split(" ", 2)
        if kind in ("cgroup", "cgroup2"):
            _, _, _, root, point, *_ = left.split()
            yield kind, options.split(","), root, Path(point)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []
