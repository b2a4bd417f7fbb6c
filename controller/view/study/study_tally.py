"""How far a study is, brought up to date with every line of its journal, however many runs it has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from plctl.controller.study.course import Standing
from plctl.controller.study.estimate import OVERHEAD_NS
from plctl.controller.study_folder.attempts import Attempt
from plctl.controller.study_folder.journal import StudyEntry
from plctl.controller.study_folder.study_record import CellRecord, StudyRecord

_OPEN = (Standing.WAITING, Standing.RUNNING)


class StudyTally:
    """Counts of repetitions by their standing, and what the rest takes."""

    def __init__(self, record: StudyRecord, standings: Mapping[str, Standing], runs: Iterable[Attempt] = ()) -> None:
        """Begin with the `standings` of all digests and the `runs` so far, none of which goes on."""
        self.counts = Counter(standings.values())
        self.total = len(standings)
        self.cells: dict[str, CellRecord] = {digest: cell for digest, (cell, _) in record.by_digest().items()}
        self._standings = dict(standings)
        self._durations = {cell.cell: cell.duration_ns for cell in record.cells}
        rest = [self.cells[digest].duration_ns for digest, standing in standings.items() if standing in _OPEN]
        self._planned_ns = sum(rest)
        self._unplanned = rest.count(0)  #: runs that end with their workloads
        self._walls: list[int] = [0, 0]  #: of these: time in all, and how many
        self._over: list[int] = [0, 0]  #: likewise of the others, beyond their durations
        for run in runs:
            self._measure(run.cell, run.wall_ns if run.is_judged else 0)

    @property
    def done(self) -> int:
        """Runs that need not be made any more."""
        return self.counts[Standing.OK] + self.counts[Standing.NOT_OK]

    def left_ns(self) -> int:
        """How long the rest takes, with as many at once as now; 0 if nobody knows."""
        if self._unplanned and not self._walls[1]:
            return 0
        overhead_ns = self._over[0] // self._over[1] if self._over[1] else OVERHEAD_NS
        wall_ns = self._walls[0] // self._walls[1] if self._walls[1] else 0
        planned = sum(self.counts[each] for each in _OPEN) - self._unplanned
        whole_ns = self._planned_ns + planned * overhead_ns + self._unplanned * wall_ns
        return whole_ns // max(1, self.counts[Standing.RUNNING])

    def note(self, entry: StudyEntry, standing: Standing | None = None) -> None:
        """Take in a line of the journal; after an end, the repetition has this `standing`."""
        if entry.digest not in self._standings:
            return
        if entry.event == "begun":
            self._change(entry.digest, Standing.RUNNING)
        elif entry.event == "left":
            self._change(entry.digest, Standing.WAITING)
        elif entry.event == "ended" and standing:
            self._measure(entry.cell, entry.wall_ns)
            self._change(entry.digest, standing)

    def _change(self, digest: str, standing: Standing) -> None:
        before, duration_ns = self._standings[digest], self.cells[digest].duration_ns
        self.counts[before] -= 1
        self.counts[standing] += 1
        self._standings[digest] = standing
        if before in _OPEN and standing not in _OPEN:
            self._planned_ns -= duration_ns
            self._unplanned -= not duration_ns

    def _measure(self, cell: str, wall_ns: int) -> None:
        duration_ns = self._durations.get(cell)
        if wall_ns and duration_ns is not None:
            sums = self._over if duration_ns else self._walls
            sums[0] += max(0, wall_ns - duration_ns)
            sums[1] += 1
