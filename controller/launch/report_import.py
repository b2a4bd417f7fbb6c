"""Imports what draws a run's report while the run goes on: half a second that neither its start nor its end waits for.

Before T0 it would take the time from what the run waits for; so it begins with the run, by a thread that has a CPU if
others leave one.
"""

from __future__ import annotations

import importlib
import os
import threading
from contextlib import suppress

#: Of the thread, while links run.
NICE = 10


class ReportImport:
    """The thread. Without `begin` there is none, and nothing is imported."""

    def __init__(self) -> None:
        self.thread = threading.Thread(target=self._work, name="report", daemon=True)
        self._begun = False
        self._nice = os.getpriority(os.PRIO_PROCESS, 0)  #: of this process

    def begin(self) -> None:
        """Twice is harmless."""
        if not self._begun:
            self._begun = True
            self.thread.start()

    def hurry(self) -> None:
        """Now somebody waits for it."""
        if self._begun and self.thread.native_id:
            self._set_nice(self.thread.native_id, self._nice)

    def _work(self) -> None:
        self._set_nice(threading.get_native_id(), self._nice + NICE)
        with suppress(ImportError):  # `finish` will meet it again
            importlib.import_module("plctl.controller.report.page")

    @staticmethod
    def _set_nice(thread: int, nice: int) -> None:
        with suppress(OSError):  # it is over, or nobody may
            os.setpriority(os.PRIO_PROCESS, thread, nice)
