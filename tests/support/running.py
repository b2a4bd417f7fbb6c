"""What tests of a run that is under way need: to wait for something that it does, and to find its parts."""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import time
from collections.abc import Callable
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
