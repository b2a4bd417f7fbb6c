"""What goes wrong with hosts of a testbed, done to a host of the laboratory: a full disk, an ssh that dies half way."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from pathlib import PurePosixPath

from lab.real_host import RealHost

_LOOK_EVERY_S = 0.002

#: Kills the processes of sshd that serve connections, by pid, and prints how many; the one that listens stays.
_END_SESSIONS = """
listener=$(systemctl show --property=MainPID --value ssh)
set -- $(cat /proc/$listener/task/$listener/children)
[ $# -eq 0 ] || kill -KILL "$@"
echo $#
"""


@contextlib.contextmanager
def full_disk(host: RealHost, folder: str = "/opt", left_bytes: int = 1 << 20) -> Iterator[None]:
    """Within the block, `folder` lies on a file system of its own on which `left_bytes` are free."""
    host.run(["mkdir", "-p", folder])
    host.run(["mount", "-t", "tmpfs", "-o", f"size={left_bytes}", "tmpfs", folder])
    try:
        yield
    finally:
        host.run(["umount", folder])


@contextlib.contextmanager
def ssh_cut_when(host: RealHost, path: str) -> Iterator[list[int]]:
    """Within the block, all ssh connections to `host` die as soon as `path` (a pattern) exists on it.

    :return: a list to which the number of the killed sessions is appended when it happened.
    """
    killed: list[int] = []
    over = threading.Event()
    pattern = str(PurePosixPath(path).relative_to("/"))

    def watch() -> None:
        while not over.wait(_LOOK_EVERY_S):
            if any(host.disk.glob(pattern)) and (sessions := end_ssh_sessions(host)):
                killed.append(sessions)
                return

    watcher = threading.Thread(target=watch, name="ssh-cutter")
    watcher.start()
    try:
        yield killed
    finally:
        over.set()
        watcher.join()


def end_ssh_sessions(host: RealHost) -> int:
    """Kill every ssh connection to `host`, as a broken line would; how many there were."""
    return int(host.run(["sh", "-c", _END_SESSIONS]).stdout)


def change_host_key(host: RealHost) -> None:
    """Let `host` come back with another key, as after a reinstallation; `RealLab.trust_host_keys` accepts it."""
    host.change_host_key()
    host.run(["systemctl", "restart", "ssh"])
