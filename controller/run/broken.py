"""Writes down the verdict of a run that broke because its folder could not be written: once it can, for a while.

Else the folder of such a run would say for ever that the run goes on, or was broken off, when all that was wrong with
it was a disk that was full for a moment.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from plctl.common.base.clock import Clock
from plctl.common.base.errors import UserError, WorldError
from plctl.common.base.units import NS_PER_S
from plctl.controller.results.disk_errors import explained
from plctl.controller.results.run_folder import RunFolder
from plctl.controller.results.run_reader import EVENTS_NAME, read_record

#: It is tried so often, with so long a pause.
TRIES, PAUSE_NS = 15, 2 * NS_PER_S


async def write_verdict(path: Path, cause: str, clock: Clock) -> bool:
    """Let run.json in `path` say that all links failed for `cause`, unless it has a verdict; whether it has one now."""
    for _ in range(TRIES):
        try:
            await asyncio.to_thread(_write, path, cause, clock.wall_ns())
        except UserError:  # it is no folder of a run any more
            return False
        except WorldError:  # the disk still says no
            await clock.sleep_until(clock.monotonic_ns() + PAUSE_NS)
        else:
            return True
    return False


def _write(path: Path, cause: str, wall_ns: int) -> None:
    record = read_record(path)
    if record.verdict:
        return
    log = path / EVENTS_NAME
    with explained(f"write {log}"):
        log.touch()  # somebody may have deleted it, and it will not come back
    with RunFolder.reopen(path) as folder:
        failures = {link.plan.name: cause for link in record.links}
        folder.record_result([], failures=failures, cancelled=False, finished_wall_ns=wall_ns)
