"""How a study stands, from what is asked for and what its journal says; knows nothing of terminals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from plctl.controller.study.course import Standing, StudyCourse
from plctl.controller.study_folder.attempts import Attempt, attempts, by_digest
from plctl.controller.study_folder.journal import StudyEntry
from plctl.controller.study_folder.study_record import CellRecord, RepetitionRecord, StudyRecord
from plctl.controller.view.study.study_tally import StudyTally


@dataclass(frozen=True, slots=True)
class RepetitionNow:
    """One repetition and its runs so far."""

    asked: RepetitionRecord
    standing: Standing
    runs: tuple[Attempt, ...]


@dataclass(frozen=True, slots=True)
class CellNow:
    """One cell; `number` counts from 1, in the order in which the study's author wrote them."""

    number: int
    record: CellRecord
    repetitions: tuple[RepetitionNow, ...]

    @property
    def counts(self) -> Counter[Standing]:
        """How many repetitions stand how."""
        return Counter(each.standing for each in self.repetitions)

    @property
    def not_ok(self) -> Counter[str]:
        """How many runs had which verdict other than ok, retried ones, too."""
        verdicts = [run.verdict for each in self.repetitions for run in each.runs if run.is_judged]
        return Counter(verdict for verdict in verdicts if verdict != "ok")


@dataclass(frozen=True, slots=True)
class StudyNow:
    """A study at one moment."""

    record: StudyRecord
    goes_on: bool  #: somebody carries it
    cells: tuple[CellNow, ...]
    running: tuple[
        Attempt, ...
    ]  #: in the order in which they began; where nobody carries the study, they are broken off
    superseded: int  #: runs of cells that the study does not ask for any more
    tally: StudyTally  #: how far it is


def study_now(record: StudyRecord, entries: Sequence[StudyEntry], *, goes_on: bool, again: bool = False) -> StudyNow:
    """How the study stands whose journal has these `entries`.

    :param again: repetitions that ended not ok are run again, unless they were since it was `opened` last.
    """
    runs = by_digest(entries)
    opened = max((number for number, each in enumerate(entries) if each.event == "opened"), default=0)
    before = by_digest(entries[:opened]) if again else {}
    known = record.by_digest()
    made = attempts(entries)
    running = tuple(each for each in made if each.is_open and each.digest in known)
    open_digests = {each.digest for each in running} if goes_on else set[str]()
    standings = {}
    course = StudyCourse(record, runs)
    for digest in known:
        standing = course.standing(digest)
        if digest in open_digests:
            standing = Standing.RUNNING
        elif again and standing is Standing.NOT_OK and runs.get(digest) == before.get(digest):
            standing = Standing.WAITING
        standings[digest] = standing
    cells = tuple(
        CellNow(
            number,
            cell,
            tuple(RepetitionNow(e, standings[e.digest], runs.get(e.digest, ())) for e in cell.repetitions),
        )
        for number, cell in enumerate(record.cells, 1)
    )
    superseded = sum(each.digest not in known for each in made)
    return StudyNow(record, goes_on, cells, running, superseded, StudyTally(record, standings, made))


def seconds_since(utc: str, now: datetime) -> float:
    """How long ago the RFC 3339 time `utc` was."""
    return max(0.0, (now - datetime.fromisoformat(utc)).total_seconds())
