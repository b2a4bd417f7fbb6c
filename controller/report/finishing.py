"""Completes a run's folder in a process of its own: Parquet and the report's plots take seconds of a CPU.

A process, not a thread: a thread would take the interpreter's lock from the event loop that answers agents, and would
keep the memory that matplotlib took. It runs at low priority, and one at a time. Only a small folder that is to have no
report is completed here: that takes some hundredths of a second, and to start a process half of one.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from plctl.common.base.errors import PlctlError, WorldError
from plctl.common.base.interpreter import module_command
from plctl.common.base.leaving import leave, leave_as
from plctl.controller.results import run_folder
from plctl.controller.results.run_reader import REPORT_NAME

_NICE = 10
#: What a folder holds at most that is completed without a process.
SMALL_BYTES = 4 * 2**20
#: On the command line: draw no report.
_WITHOUT = "--without-report"


def finish(path: Path) -> Path:
    """Complete the folder `path` of a run that was judged, here and now; return where its report is.

    :raises UserError: that is no folder of a run.
    """
    from plctl.controller.report import page  # noqa: PLC0415  # matplotlib takes a second, and a controller never needs it

    run_folder.complete(path, page.write)
    return path / REPORT_NAME


class Finisher:
    """Completes folders, one after the other."""

    def __init__(self) -> None:
        self._one_at_a_time = asyncio.Lock()

    async def finish(self, folder: Path, *, report: bool = True) -> None:
        """Complete `folder`; when cancelled, the process is ended, and another may complete it later.

        :param report: draw report.html, too.
        :raises WorldError: it could not be completed; what it holds is as readable as before.
        """
        async with self._one_at_a_time:
            if not report and await asyncio.to_thread(_is_small, folder):
                await asyncio.to_thread(run_folder.complete, folder)
                return
            process = await asyncio.create_subprocess_exec(
                *module_command("plctl.controller.report.finishing", str(folder), *([] if report else [_WITHOUT])),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
            )
            try:
                _, errors = await process.communicate()
            except asyncio.CancelledError:
                process.kill()
                await process.communicate()
                raise
            if process.returncode:
                raise WorldError(errors.decode(errors="replace").strip() or f"status {process.returncode}")


def _is_small(folder: Path) -> bool:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) <= SMALL_BYTES


def main() -> None:
    """Complete the folder that the command line names; a sentence on standard error and status 1 if it cannot be."""
    os.nice(_NICE)
    try:
        if _WITHOUT in sys.argv:
            run_folder.complete(Path(sys.argv[1]))
        else:
            finish(Path(sys.argv[1]))
    except PlctlError as error:
        leave_as(SystemExit(str(error)))
    leave()


if __name__ == "__main__":
    main()
