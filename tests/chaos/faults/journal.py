"""Faults of the controller's journal: it is cut anywhere, as by a disk that lost its last writes."""

from __future__ import annotations

import os
import signal
import time

from chaos.cluster import CONTROLLER, JOURNAL
from chaos.faults.fault import ANY, Fault

#: So long it may take to find out that a journal is none.
_START_S = 15.0


class JournalCut(Fault):
    """The controller is killed, and its journal or what was to go into it is cut, before it begins again.

    A journal that is none any more it must refuse, by name and at once; then somebody moves it away.
    """

    name, where, lengths_ms, running, spoils_journal = "cut journal", "controller", (200, 1500), ANY, True
    ends_daemons = True

    def inject(self) -> bool:
        """Somewhere, more often near the end."""
        runs = self.cluster.hosts.root(CONTROLLER, self.cluster.runs)
        file = runs / (JOURNAL + self.dice.choice(("-wal", "-wal", "-wal", "")))
        if not file.exists() or self.cluster.daemon(CONTROLLER) is None:
            return False
        self.cluster.end(CONTROLLER, signal.SIGKILL)
        whole = file.stat().st_size
        left = round(whole * max(self.dice.random(), self.dice.random()))
        self.what = f"{file.name} to {left} of {whole} bytes"
        os.truncate(file, left)
        self.cluster.has_cut_journal = True
        return True

    def undo(self) -> None:
        """Begin again; without the journal, if it is refused."""
        self.cluster.start(CONTROLLER)
        said = self.cluster.log(CONTROLLER).count("controller.listening")
        process = self.cluster.daemons[CONTROLLER].process
        deadline = time.monotonic() + _START_S
        while time.monotonic() < deadline and self.cluster.log(CONTROLLER).count("controller.listening") == said:
            assert process is not None
            if process.poll() is not None:
                self.cluster.move_journal_away()
                self.what += f"; refused with status {process.returncode}, moved away"
                self.cluster.start(CONTROLLER)
                return
            time.sleep(0.05)


FAULTS = (JournalCut,)
