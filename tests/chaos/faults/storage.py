"""Faults of disks: each folder that matters is a file system of its own, small enough to be filled.

The agents' hosts have one for the state folder and one for /var/tmp, the controller's one for the runs
(`mount_small`). A quota needs a file system that has them and holds root to them, as plctl's daemons are root here:
ext4 and XFS let CAP_SYS_RESOURCE write on. btrfs does not, so a host that is to meet a quota has btrfs in a file.
Besides, the size of a file can be limited (RLIMIT_FSIZE).
"""

from __future__ import annotations

import contextlib
import errno
import os
import resource
from pathlib import Path
from typing import ClassVar

from chaos.cluster import CONTROLLER
from chaos.faults.fault import ANY, Fault
from chaos.hosts import Hosts

SIZE_BYTES, INODES = 64 << 20, 3000
#: btrfs takes no less for itself and some files.
_IMAGE_BYTES = 160 << 20
_VAR_TMP = Path("/var/tmp")
#: What a file system with quotas has below its top.
_VOLUME = "limited"
_PIECE = bytes(1 << 16)


def small_folders(hosts: Hosts, host: str, runs: Path) -> list[Path]:
    """The folders of `host` that are file systems of their own."""
    return [runs] if host == CONTROLLER else [hosts.lab.host(host).state_folder, _VAR_TMP]


def mount_small(hosts: Hosts, runs: Path, with_quotas: frozenset[str]) -> None:
    """Mount a small file system over each of these folders, on the host alone; one with quotas on these hosts."""
    for host in [CONTROLLER, *hosts.names]:
        for folder in small_folders(hosts, host, runs):
            if host in with_quotas:
                _mount_btrfs(hosts, host, folder, runs.parent)
            else:
                options = f"size={SIZE_BYTES},nr_inodes={INODES},mode=0755"
                _do(hosts, host, "mount", "-t", "tmpfs", "-o", options, "chaos", str(folder))


def _mount_btrfs(hosts: Hosts, host: str, folder: Path, plan: Path) -> None:
    """In a file in memory, which goes with the mounts of the host. What is limited is a volume below the top."""
    top = top_of(plan, host, folder)
    top.mkdir()
    _do(hosts, host, "mount", "-t", "tmpfs", "-o", f"size={_IMAGE_BYTES}", "chaos", str(top))
    image = top / "image"
    with hosts.root(host, image).open("wb") as file:
        file.truncate(_IMAGE_BYTES)
    _do(hosts, host, "mkfs.btrfs", "-q", "-M", str(image))
    device = _do(hosts, host, "losetup", "--show", "--find", str(image)).strip()
    _do(hosts, host, "mount", device, str(top))
    _do(hosts, host, "losetup", "--detach", device)  # once it is not mounted any more
    _do(hosts, host, "btrfs", "quota", "enable", str(top))
    _do(hosts, host, "btrfs", "subvolume", "create", str(top / _VOLUME))
    _do(hosts, host, "mount", "-o", f"subvol={_VOLUME}", device, str(folder))


def top_of(plan: Path, host: str, folder: Path) -> Path:
    """Where the whole of a file system with quotas is mounted, of which `folder` shows a volume."""
    return plan / f"top-{host}-{folder.name}"


def _do(hosts: Hosts, host: str, *command: str) -> str:
    """What a command on the host prints.

    :raises AssertionError: it fails.
    """
    done = hosts.do(host, *command)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
    return done.stdout


class _Storage(Fault):
    """Something with one of the folders of the host."""

    where, lengths_ms, running = "either", (500, 5000), ANY
    ends_daemons = True

    def choose(self) -> Path:
        """One of the folders."""
        folder = self.dice.choice(small_folders(self.cluster.hosts, self.host, self.cluster.runs))
        self.variant = {self.cluster.runs: "runs", _VAR_TMP: "/var/tmp"}.get(folder, "state")
        return folder


class FullDisk(_Storage):
    name = "full disk"

    def inject(self) -> bool:
        """A file takes what there is."""
        self.file = self.cluster.hosts.root(self.host, self.choose()) / ".full"
        with self.file.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(_PIECE)
        return True

    def undo(self) -> None:
        """It goes."""
        self.file.unlink()


class NoInodes(_Storage):
    name = "no inodes"

    def inject(self) -> bool:
        """Empty files take what there are."""
        self.folder = self.cluster.hosts.root(self.host, self.choose()) / ".many"
        if not os.statvfs(self.folder.parent).f_files:
            raise LookupError("this file system has no limit of inodes")
        self.folder.mkdir()
        try:
            for number in range(10 * INODES):
                (self.folder / str(number)).touch()
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
        return True

    def undo(self) -> None:
        """They go."""
        for path in self.folder.iterdir():
            path.unlink()
        self.folder.rmdir()


class ReadOnly(_Storage):
    """Files that are open go on; nothing can be opened for writing, made or removed."""

    name = "read-only folder"

    def inject(self) -> bool:
        """The folder is mounted over itself."""
        self.folder = str(self.choose())
        bound = self.cluster.hosts.do(self.host, "mount", "--bind", self.folder, self.folder)
        done = self.cluster.hosts.do(self.host, "mount", "-o", "remount,bind,ro", self.folder)
        assert bound.returncode == done.returncode == 0, bound.stderr + done.stderr
        return True

    def undo(self) -> None:
        """The mount goes."""
        done = self.cluster.hosts.do(self.host, "umount", "-l", self.folder)
        assert done.returncode == 0, done.stderr


class Quota(_Storage):
    """The folder may hold little more than it does; the disk has room."""

    name, with_quota = "quota", True
    more: ClassVar[tuple[int, ...]] = (0, 64 << 10, 512 << 10)

    def inject(self) -> bool:
        """Of the volume; asked for at the top, which has none, as who is beyond a limit can change none."""
        self.top, more = str(top_of(self.cluster.folder, self.host, self.choose())), self.dice.choice(self.more)
        shown = _do(self.cluster.hosts, self.host, "btrfs", "qgroup", "show", "--raw", "--sync", self.top)
        group, there = next(line.split()[:2] for line in shown.splitlines() if line.endswith(_VOLUME))
        self.group = group
        self.what = f"{more} bytes more than there are"
        self._limit(str(int(there) + more))
        return True

    def undo(self) -> None:
        """None."""
        self._limit("none")

    def _limit(self, most: str) -> None:
        _do(self.cluster.hosts, self.host, "btrfs", "qgroup", "limit", most, self.group, self.top)


class FileLimit(_Storage):
    """No file of the daemon's may grow beyond a size."""

    name = "file size limit"
    limits: ClassVar[tuple[int, ...]] = (0, 4096, 65536)

    def inject(self) -> bool:
        """For the process that there is now and what it starts."""
        if (daemon := self.cluster.daemon(self.host)) is None:
            return False
        limit = self.dice.choice(self.limits)
        self.what = f"{limit} bytes"
        self.process = daemon
        _, hard = resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(daemon.pid, resource.RLIMIT_FSIZE, (limit, hard))
        return True

    def undo(self) -> None:
        """Back to what is allowed at most."""
        if self.process.is_alive():
            _, hard = resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE)
            resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (hard, hard))


FAULTS = (FullDisk, NoInodes, ReadOnly, Quota, FileLimit)
