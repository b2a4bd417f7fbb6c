"""Find and end processes that are provably ours; a recycled pid is never signalled.

A process is known by its pid *and* the tick at which it started. To signal it, a pidfd is opened first and the tick is
compared afterwards: from then on the descriptor means that very process, whatever happens to the number.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from plctl.common.base.errors import KernelError

GRACE_S = 2.0  #: what a process gets between SIGTERM and SIGKILL
#: What a killed process gets to be gone. Only one that the kernel does not let go of (state D) can need so long.
KILLED_S = 10.0


@dataclass(frozen=True, slots=True)
class Process:
    """A process as /proc shows it. `started` is in clock ticks since boot; together with `pid` it is unique."""

    pid: int
    started: int
    session: int


def identify(pid: int) -> Process:
    """The identity of a process that exists, be it a zombie.

    :raises ProcessLookupError: there is no such process.
    """
    return _read(pid)[0]


def is_alive(process: Process) -> bool:
    """Whether this very process exists and has not ended."""
    with contextlib.suppress(ProcessLookupError):
        now, state = _read(process.pid)
        return now.started == process.started and state not in "ZX"
    return False


def living() -> Iterator[Process]:
    """Every process of the machine that has not ended."""
    for name in os.listdir("/proc"):  # noqa: PTH208  a Path per process would cost more than the reading
        if name.isdigit():
            with contextlib.suppress(ProcessLookupError):
                process, state = _read(int(name))
                if state not in "ZX":
                    yield process


def has_variable(pid: int, name: str, value: str) -> bool:
    """Whether `name`=`value` is in the environment that process `pid` was started with; False if it is gone."""
    with contextlib.suppress(OSError):
        return os.fsencode(f"{name}={value}") in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    return False


def end(processes: Iterable[Process], grace_s: float = GRACE_S, killed_s: float = KILLED_S) -> list[Process]:
    """Send SIGTERM, then SIGKILL to those still there after `grace_s`, and wait until all are gone.

    :param grace_s: 0: SIGKILL at once.
    :return: those that were alive.
    :raises PermissionError: one of them may not be signalled by us.
    :raises KernelError: one of them is still there so long after it was killed.
    """
    held = {fd: process for process in processes if (fd := hold(process)) is not None}
    steps = ((signal.SIGTERM, grace_s), (signal.SIGKILL, killed_s))
    try:
        waiting = set(held)
        for number, patience_s in steps if grace_s else steps[1:]:
            for fd in waiting:
                with contextlib.suppress(ProcessLookupError):
                    signal.pidfd_send_signal(fd, number)
            waiting = await_exits(waiting, patience_s)
        if waiting:
            raise KernelError(f"cannot end process {_describe(min(held[fd].pid for fd in waiting))}: it was killed, "
                              f"and is still there {killed_s:g} s later")  # fmt: skip
    finally:
        for fd in held:
            os.close(fd)
    return list(held.values())


def hold(process: Process) -> int | None:
    """A pidfd, to be closed, that provably means `process`; None if that has ended."""
    try:
        fd = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return None
    if is_alive(process):
        return fd
    os.close(fd)
    return None


def await_exits(fds: set[int], patience_s: float) -> set[int]:
    """Those of `fds` whose processes still run when all have ended or `patience_s` is over."""
    deadline = time.monotonic() + patience_s
    running = set(fds)
    poll = select.poll()
    for fd in running:
        poll.register(fd, select.POLLIN)
    while running:
        ended = poll.poll(max(0.0, deadline - time.monotonic()) * 1e3)
        if not ended:
            break
        for fd, _ in ended:
            poll.unregister(fd)
            running.discard(fd)
    return running


def _describe(pid: int) -> str:
    """``123 (state D)``."""
    try:
        return f"{pid} (state {_read(pid)[1]})"
    except ProcessLookupError:
        return str(pid)


def _read(pid: int) -> tuple[Process, str]:
    """Identity and state letter of `pid` from /proc/<pid>/stat (proc(5): fields 3, 6 and 22)."""
    try:
        # The command in parentheses may hold anything, so fields are counted from its end.
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except FileNotFoundError:
        raise ProcessLookupError(f"no process {pid}") from None
    return Process(pid, started=int(fields[19]), session=int(fields[3])), fields[0].decode()
