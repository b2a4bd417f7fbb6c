"""Finds and removes what killed laboratories left: their keepers, be they still building, and control groups.

The name of a laboratory tells who started it; one whose starter is gone belongs to nobody.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

from lab.trees import cache_folder
from plctl.agent.cleanup.reap import reap
from plctl.agent.lab import folder
from plctl.agent.lab.lab import LabHost, take_down
from plctl.agent.ownership import processes
from plctl.common.base.errors import BusyError
from plctl.common.host.state import owner_folders

PREFIX = "real"
#: What a keeper gets to say in its lock who it is, and another process to take down what this one would.
_PATIENCE_S = 30
_LOOK_EVERY_S = 0.05


def sweep() -> list[str]:
    """Take down the laboratories whose starters are gone; their names. In the laboratories' own state folder.

    Found by their folders: the keeper of a killed starter builds on until it has all and would report.

    :raises BusyError: one can be taken down neither by this process nor by another.
    """
    names = [path.name.removeprefix(folder.PREFIX) for path in owner_folders() if path.name.startswith(folder.PREFIX)]
    gone = [name for name in names if not _is_starter_alive(name)]
    for name in gone:
        _take_down_at_last(name)
    reap()
    return gone


def _take_down_at_last(name: str) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        try:
            take_down(name)
            return
        except BusyError:
            if time.monotonic() > deadline:
                raise
        time.sleep(_LOOK_EVERY_S)


def _is_starter_alive(lab: str) -> bool:
    """Whether the process that the name of a laboratory tells of runs; the name stands for a control group, too."""
    prefix, pid, started, _ = lab.split("-")
    assert prefix == PREFIX, f"{lab} is no laboratory of real hosts"
    return processes.is_alive(processes.Process(int(pid), int(started), 0))


def cgroup(lab: str) -> str:
    """The control group of a laboratory, below the root of the hierarchy."""
    return f"plctl-lab-{lab}"


def remove_cgroups(shell: LabHost, lab: str) -> None:
    """Remove the empty control groups of `lab`, and those of laboratories that were swept.

    Seen through the mounts of `shell`, as the machine's own need not have that hierarchy.
    """
    done = shell.run(["sh", "-c", "test -e /sys/fs/cgroup/cgroup.procs || mount -t cgroup2 cgroup2 /sys/fs/cgroup"])
    assert done.returncode == 0, done.stderr
    root = Path(f"/proc/{shell.holder.pid}/root/sys/fs/cgroup")
    for top in root.glob(f"{cgroup(PREFIX)}-*"):
        if top.name == cgroup(lab) or _is_swept(top.name.removeprefix(cgroup(""))):
            with contextlib.suppress(FileNotFoundError):  # somebody else does so right now
                for group in sorted((path for path in top.rglob("*") if path.is_dir()), reverse=True):
                    group.rmdir()
                top.rmdir()


def _is_swept(lab: str) -> bool:
    """Whether all of a killed laboratory has ended. Its folder goes last: one killed since the sweep still has it."""
    with own_state():
        return not _is_starter_alive(lab) and not folder.lab_folder(lab).exists()


@contextlib.contextmanager
def own_state() -> Iterator[None]:
    """Let plctl's laboratory code keep its state beside the trees, so that the next to come finds it, whoever it is."""
    name = "PLCTL_STATE_DIR"
    before = os.environ.get(name)
    os.environ[name] = str(cache_folder() / "state")
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before
