"""A study of runs that take no time: two links' worth of budgets, of which one can be kept and the other never."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from plctl.controller.study_folder.attempts import Attempt, by_digest
from plctl.controller.study_folder.journal import read_journal

PLCTL = [sys.executable, "-m", "plctl.common"]

STUDY = """\
study: tiny
base: base.yaml
factors:
  buffer: [1bdp, 4bdp]
  lateness: [1s, 1ns]
where: buffer == '4bdp' or lateness == 1s
repetitions: 2
retry: {late: 1}
"""
BASE = """\
duration: 300ms
budget: {lateness: {lateness}, skew: 2s, workload: 2s}
links:
  - name: leo
    scenario: flat.csv
    queue: {capacity: {buffer}}
    workload:
      - {at: client, command: "ping -i 0.02 -c 5 {server}", start: 0s}
"""


class TinyStudy:
    """The study's files in a folder, and what was run of it."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "study.yaml"
        self.studies = folder / "studies"
        self.folder = self.studies / "tiny"
        (folder / "flat.csv").write_text("Time[ms],RouteID,Delay[ms],Btldr[Mbps]\n0,0,5,8\n")
        (folder / "base.yaml").write_text(BASE)
        self.file.write_text(STUDY)

    def command(self, name: str, *arguments: object) -> list[str]:
        """A command of `plctl study` about it."""
        what = str(self.file) if name in ("run", "plan") else "tiny"
        return [*PLCTL, "study", name, what, "--studies", str(self.studies), *map(str, arguments)]

    def start(self, *arguments: object) -> subprocess.Popen[str]:
        """`plctl study run`."""
        return subprocess.Popen(
            self.command("run", *arguments), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def attempts(self) -> dict[str, tuple[Attempt, ...]]:
        """What was run of each digest."""
        return by_digest(read_journal(self.folder))

    def count(self, event: str) -> int:
        """Lines of the journal with this event; one that is being written is none yet."""
        return sum(entry.event == event for entry in read_journal(self.folder)) if self.folder.exists() else 0


def verdicts(runs: Sequence[Attempt]) -> list[str]:
    """Of runs of one repetition; of one that was left, `left`."""
    return [run.verdict or "left" for run in runs]
