"""What tests of a run that is under way need: to wait for something that it does, to find its parts, to stop them."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

PATIENCE_S = 60
LOOK_EVERY_S = 0.01  #: seldom enough to leave the CPU to what is being waited for


def await_condition(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    """Return once `condition` holds; fail if `process` ends before or a minute passes."""
    deadline = time.monotonic() + PATIENCE_S
    ended = os.pidfd_open(process.pid)
    try:
        while not condition():
            assert time.monotonic() < deadline
            if select.select([ended], [], [], LOOK_EVERY_S)[0] and not condition():
                raise AssertionError(process.communicate())
    finally:
        os.close(ended)


def find_forwarder(state_folder: Path) -> int:
    """The pid of the forwarder that uses this state folder."""
    mark = f"PLCTL_STATE_DIR={state_folder}".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            ours = mark in (folder / "environ").read_bytes().split(b"\0")
            if ours and b"plctl.agent.forwarder.process" in (folder / "cmdline").read_bytes().split(b"\0"):
                return int(folder.name)
    raise AssertionError("there is no forwarder")


def stop(pid: int) -> None:
    """Return once every thread of the process stands still.

    The kernel stops them when the thread that gets the signal next runs; until then the others work on.
    """
    os.kill(pid, signal.SIGSTOP)
    deadline = time.monotonic() + PATIENCE_S
    while any(_state(thread) not in "TZ" for thread in Path(f"/proc/{pid}/task").iterdir()):
        assert time.monotonic() < deadline, f"process {pid} does not stop"
        time.sleep(0)


@contextlib.contextmanager
def stopped(pid: int) -> Iterator[None]:
    """It stands still in the block, and goes on afterwards if it lives yet."""
    stop(pid)
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def _state(thread: Path) -> str:
    """Its letter in proc(5); one that has ended is no different from a zombie."""
    try:
        return (thread / "stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "Z"
