"""Faults of disks: each folder that matters is a file system of its own, small enough to be filled.

The agents' hosts have one for the state folder and one for /var/tmp, the controller's one for the runs
(`mount_small`). There is no quota for root, which plctl's daemons are here; a limit of the size of files stands for it.
"""

from __future__ import annotations

import contextlib
import errno
import resource
from pathlib import Path
from typing import ClassVar

from chaos.cluster import CONTROLLER
from chaos.faults.fault import ANY, Fault
from chaos.hosts import Hosts

SIZE_BYTES, INODES = 64 << 20, 3000
_VAR_TMP = Path("/var/tmp")
_PIECE = bytes(1 << 16)


def small_folders(hosts: Hosts, host: str, runs: Path) -> list[Path]:
    """The folders of `host` that are file systems of their own."""
    return [runs] if host == CONTROLLER else [hosts.lab.host(host).state_folder, _VAR_TMP]


def mount_small(hosts: Hosts, runs: Path) -> None:
    """Mount a small file system over each of these folders, on the host alone."""
    for host in [CONTROLLER, *hosts.names]:
        for folder in small_folders(hosts, host, runs):
            options = f"size={SIZE_BYTES},nr_inodes={INODES},mode=0755"
            done = hosts.do(host, "mount", "-t", "tmpfs", "-o", options, "chaos", str(folder))
            assert done.returncode == 0, done.stderr


class _Storage(Fault):
    """Something with one of the folders of the host."""

    where, lengths_ms, running = "either", (500, 5000), ANY
    ends_daemons = True

    def choose(self) -> Path:
        """One of the folders."""
        folder = self.dice.choice(small_folders(self.cluster.hosts, self.host, self.cluster.runs))
        self.what = {self.cluster.runs: "runs", _VAR_TMP: "/var/tmp"}.get(folder, "state")
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


class FileLimit(_Storage):
    """No file of the daemon's may grow beyond a size, as with a quota."""

    name = "file quota"
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


FAULTS = (FullDisk, NoInodes, ReadOnly, FileLimit)
