"""Imports what writes and draws results while the run goes on, so that neither its start nor its end waits for that.

Before T0 it would take the time from what the run waits for; so it begins with the run, in a thread.
"""

from __future__ import annotations

import importlib
import os
import threading
from contextlib import suppress

#: Of the thread, while links run and it imports what only the end needs: it gets a CPU if others leave one.
NICE = 10

#: The page, and what it makes Arrow import when it looks for a link's rows.
_FOR_REPORTS = ("plctl.controller.report.page", "pyarrow.dataset", "pyarrow.acero")


class ReportImport:
    """The thread. Without `begin` there is none, and nothing is imported."""

    def __init__(self, *, report: bool) -> None:
        """`report`: there will be one, and not just files of numbers."""
        self.thread = threading.Thread(target=self._work, name="report", daemon=True)
        self._report = report
        self._begun = False
        self._awaited = False
        self._nice = os.getpriority(os.PRIO_PROCESS, 0)  #: of this process

    def begin(self) -> None:
        """Twice is harmless."""
        if not self._begun:
            self._begun = True
            self.thread.start()

    def hurry(self) -> None:
        """Now somebody waits for it."""
        self._awaited = True
        if self._begun and self.thread.native_id:
            self._set_nice(self.thread.native_id, self._nice)

    def wait(self) -> None:
        """Until it is over; at once without `begin`."""
        if self._begun:
            self.thread.join()

    def _work(self) -> None:
        with suppress(ImportError):  # whoever needs it will meet it again
            importlib.import_module("plctl.controller.results.run_columns")  # soon the first numbers come
            importlib.import_module("plctl.controller.run.books")
            if self._report:
                self._set_nice(threading.get_native_id(), self._nice + (0 if self._awaited else NICE))
                for name in _FOR_REPORTS:
                    importlib.import_module(name)
            if self._report and not self._awaited:
                importlib.import_module("plctl.controller.report.figure_style").draw_nothing()

    @staticmethod
    def _set_nice(thread: int, nice: int) -> None:
        with suppress(OSError):  # it is over, or nobody may
            os.setpriority(os.PRIO_PROCESS, thread, nice)
