"""Watches how the forwarder's workers live: when each last passed through its loop, and when it failed to.

A worker notes in shared memory until when it means to sleep, which is 100 ms at most, and how long after that it came
back (agent/native/shared/heartbeat.h). So a worker that has nothing to do is told from one that is stopped. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from plctl.common.base.units import NS_PER_S
from plctl.common.telemetry.histogram import Histogram
from plctl.common.telemetry.witness import WorkerGap, WorkerWatch

#: As many gaps are told one by one; beyond that they are counted.
GAPS_TOLD = 16
#: A worker is silent if it has been due for so long: ten times as long as it ever sleeps.
SILENT_NS = 1 * NS_PER_S


@dataclass(frozen=True, slots=True)
class WorkerBeat:
    """What a worker showed at one look. Every instant is on the host's monotonic clock."""

    passes: int  #: of its loop, since it was started
    pass_ns: int  #: when the last one began; 0: there is no such worker
    until_ns: int  #: it sleeps until then at most, unless that is before `pass_ns`
    recorded: int  #: how many gaps it wrote down since it was started
    gaps: tuple[WorkerGap, ...]  #: the last of those
    all_gaps: Histogram  #: one for each pass

    @property
    def due_ns(self) -> int:
        """When the pass that has not begun yet should at the latest."""
        return max(self.pass_ns, self.until_ns)

    def is_silent(self, now_ns: int) -> bool:
        """Whether it has been due for so long that something keeps it from working."""
        return self.pass_ns > 0 and now_ns - self.due_ns > SILENT_NS


def silent_since(beats: Iterable[WorkerBeat], now_ns: int) -> int | None:
    """When the last sign of life came from a worker of `beats` that is silent at `now_ns`; None if all live."""
    return max((beat.pass_ns for beat in beats if beat.is_silent(now_ns)), default=None)


class Watch:
    """One worker, from the beginning of a run on."""

    def __init__(self, first: WorkerBeat, from_ns: int, budget_ns: int) -> None:
        """It begins at `from_ns`, with `first`; gaps are told if they are longer than `budget_ns`."""
        self._first = first
        self._last = first
        self._from_ns = from_ns
        self._until_ns = from_ns
        self._budget_ns = budget_ns
        self._gaps: list[WorkerGap] = []
        self._count = 0

    def look(self, beat: WorkerBeat, now_ns: int) -> list[WorkerGap]:
        """Take what it shows at `now_ns`; the gaps over the budget that are new."""
        fresh = beat.recorded - self._last.recorded
        known = beat.gaps[max(0, len(beat.gaps) - fresh) :] if fresh else ()
        found = [gap for gap in known if gap.length_ns > self._budget_ns and gap.end_ns > self._from_ns]
        self._count += len(found) + fresh - len(known)  # of those that it has overwritten only their number is known
        self._gaps = _longest([*self._gaps, *found])
        self._last, self._until_ns = beat, now_ns
        return found

    def result(self, overdue_packets: int = 0, overdue_ns: int = 0) -> WorkerWatch:
        """All that was seen until the last look. A worker that is still missing then has a gap until then."""
        since = self._last.all_gaps.minus(self._first.all_gaps)
        missing = WorkerGap(self._last.due_ns, self._until_ns - self._last.due_ns)
        is_missing = self._last.is_silent(self._until_ns)
        lost_ns = missing.length_ns if is_missing else 0
        return WorkerWatch(
            from_ns=self._from_ns,
            until_ns=self._until_ns,
            passes=self._last.passes - self._first.passes,
            greatest_gap_ns=max(since.max if since.count else 0, lost_ns),
            gaps=tuple(_longest([*self._gaps, missing]) if is_missing else self._gaps),
            gap_count=self._count + is_missing,
            stalled_ns=since.total_above(self._budget_ns) + lost_ns,
            overdue_packets=overdue_packets,
            overdue_ns=overdue_ns,
        )


def _longest(gaps: list[WorkerGap]) -> list[WorkerGap]:
    """As many of `gaps` as are told, in order of time."""
    longest = sorted(gaps, key=lambda gap: gap.length_ns)[-GAPS_TOLD:]
    return sorted(longest, key=lambda gap: gap.begin_ns)
