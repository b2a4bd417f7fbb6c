"""Which repetition of a study is next: a pure machine over what was run so far. It knows no clock, file or process.

A repetition waits, runs, and is then ok, or not. One that is not waits again, behind all others, as often as `retry`
allows for its verdict; a cancelled run says nothing, and its repetition waits on. One that had a setback (it did not
start, or an agent was lost) is no verdict either, as often as `retries` allows. Runs of earlier processes count, too.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from plctl.controller.study.identity import shuffle_key
from plctl.controller.study_folder.attempts import CANCELLED, OK, Attempt
from plctl.controller.study_folder.study_record import StudyRecord


class Standing(StrEnum):
    """How a repetition stands."""

    WAITING = "waiting"
    RUNNING = "running"
    OK = "ok"
    NOT_OK = "not ok"


@dataclass(slots=True)
class _Repetition:
    standing: Standing = Standing.WAITING
    verdicts: Counter[str] = field(default_factory=Counter)  #: of its runs, those that say something
    setbacks: int = 0  #: that were not counted among these


class StudyCourse:
    """The repetitions of `record`, known by their digests."""

    def __init__(
        self, record: StudyRecord, runs: Mapping[str, Sequence[Attempt]] | None = None, *, again: bool = False
    ) -> None:
        """With the `runs` so far of each digest, none of which goes on; those of other digests are not looked at.

        :param again: repetitions that ended not ok wait, as if they had not been run.
        """
        self._retry = record.retry
        self._retries = record.retries
        self._known: dict[str, _Repetition] = {}
        self._fresh: deque[str] = deque()
        self._retried: deque[str] = deque()
        for digest in in_order(record):
            known = self._known[digest] = _Repetition()
            for verdict, setback in _verdicts((runs or {}).get(digest, ()), again=again):
                self._judge(known, verdict, setback)
            if known.standing is Standing.WAITING:
                (self._retried if known.verdicts or known.setbacks else self._fresh).append(digest)

    def next(self) -> str | None:
        """The digest of the repetition to begin now; None if none waits."""
        return (self._fresh or self._retried or (None,))[0]

    def begin(self, digest: str) -> None:
        """The repetition that `next` named runs."""
        queue = self._fresh or self._retried
        if not queue or queue[0] != digest:
            raise AssertionError(f"{digest} is not next")
        queue.popleft()
        self._known[digest].standing = Standing.RUNNING

    def end(self, digest: str, verdict: str, setback: str = "") -> Standing:
        """A run of it has ended with `verdict`, after a `setback` if it had one; how the repetition stands now."""
        known = self._known[digest]
        if known.standing is not Standing.RUNNING:
            raise AssertionError(f"{digest} does not run")
        known.standing = Standing.WAITING
        if verdict == CANCELLED:
            self._fresh.appendleft(digest)
            return known.standing
        self._judge(known, verdict, setback)
        if known.standing is Standing.WAITING:
            self._retried.append(digest)
        return known.standing

    def adopt(self, digest: str) -> bool:
        """A run of it that an earlier process began goes on: whether it was waiting, and now runs."""
        for queue in (self._fresh, self._retried):
            if digest in queue:
                queue.remove(digest)
                self._known[digest].standing = Standing.RUNNING
                return True
        return False

    def standing(self, digest: str) -> Standing:
        """How the repetition stands."""
        return self._known[digest].standing

    def counts(self) -> dict[Standing, int]:
        """How many repetitions stand how; every standing is there."""
        found = Counter(each.standing for each in self._known.values())
        return {standing: found[standing] for standing in Standing}

    def _judge(self, known: _Repetition, verdict: str, setback: str) -> None:
        if setback and known.setbacks < self._retries:
            known.setbacks += 1
            return
        known.verdicts[verdict] += 1
        if verdict == OK:
            known.standing = Standing.OK
        elif known.verdicts[verdict] > self._retry.get(verdict, 0):
            known.standing = Standing.NOT_OK


def in_order(record: StudyRecord) -> list[str]:
    """The digests of `record` in the order in which they are to be run."""
    if record.order == "as-written":
        return [each.digest for cell in record.cells for each in cell.repetitions]
    if record.order == "shuffled":
        return _shuffled(record.seed, list(record.by_digest()))
    blocks = [[cell.repetitions[n].digest for cell in record.cells] for n in range(record.repetitions)]
    return [digest for block in blocks for digest in _shuffled(record.seed, block)]


def _shuffled(seed: int, digests: list[str]) -> list[str]:
    return sorted(digests, key=lambda digest: shuffle_key(seed, digest))


def _verdicts(runs: Sequence[Attempt], *, again: bool) -> list[tuple[str, str]]:
    """What counts of `runs`: an ok is enough; with `again`, nothing else counts."""
    found = [(each.verdict, each.setback) for each in runs if each.is_judged]
    if (OK, "") in found:
        return [(OK, "")]
    return [] if again else found
