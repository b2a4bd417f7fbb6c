"""Bounds what a power failure takes from a controller's machine: what was acknowledged is on the disk soon after.

A controller acknowledges what agents report once it has handed it to the kernel. So a power failure takes what was
handed over since the last call of syncfs(2), which is made `PERIOD_S` after the one before it has returned.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
from collections.abc import Sequence
from pathlib import Path

from plctl.common.base.clock import Clock
from plctl.common.base.errors import WorldError
from plctl.common.base.log import EventLog
from plctl.controller.hub.journal import Journal

PERIOD_S = 1.0
#: A disk that takes longer is worth a line in the log: so much more is lost.
SLOW_S = 10.0


async def keep_on_disk(journal: Journal, folders: Sequence[Path], clock: Clock, log: EventLog) -> None:
    """Have the file systems of `folders` written to their disks, as long as `journal` changes; never returns."""
    written, slow = -1, False
    while True:
        await asyncio.sleep(PERIOD_S)
        if journal.changes == written:
            continue
        changes, began_ns = journal.changes, clock.monotonic_ns()
        try:
            for folder in filter(Path.exists, folders):
                await asyncio.to_thread(write_out, folder)
        except WorldError as error:
            log.emit("disk.refused", cause=str(error))
        written = changes
        took_s = (clock.monotonic_ns() - began_ns) / 1e9
        if slow != (slow := took_s > SLOW_S):
            log.emit("disk.slow" if slow else "disk.quick", took_s=round(took_s, 3))


def write_out(path: Path) -> None:
    """Wait until all that was written to the file system of `path` is on its disk.

    :raises WorldError: the disk refuses; what it refuses is lost.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        place = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise WorldError(f"cannot write {path} to its disk: {error.strerror}") from error
    try:
        if libc.syncfs(place) < 0:
            raise WorldError(f"cannot write {path} to its disk: {os.strerror(ctypes.get_errno())}")
    finally:
        os.close(place)
