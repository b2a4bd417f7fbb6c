"""From the lines of a journal to what became of each repetition: pure, and the same for whoever asks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from plctl.controller.study_folder.journal import StudyEntry

OK = "ok"
#: A run that was ended from outside says nothing of its cell.
CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One run of a repetition. It goes on, or is broken off, while it has neither a verdict nor was left."""

    run: str  #: its id
    digest: str  #: of the repetition
    cell: str
    repetition: int
    begun_utc: str
    verdict: str = ""  #: empty until it ended
    cause: str = ""
    setback: str = ""  #: what kept it from its end that another need not meet
    left: bool = False  #: it will come to no verdict; its folder is in `unfinished`
    wall_ns: int = 0
    disk_bytes: int = 0
    controller: str = ""  #: that carries it; none: this machine

    @property
    def is_open(self) -> bool:
        """Whether nothing says that it is over."""
        return not (self.verdict or self.left)

    @property
    def is_judged(self) -> bool:
        """Whether it says something of its cell."""
        return self.verdict not in ("", CANCELLED)


def attempts(entries: Iterable[StudyEntry]) -> list[Attempt]:
    """Every run that `entries` tell of, in the order in which they began."""
    found: dict[str, Attempt] = {}
    for entry in entries:
        if entry.event == "begun":
            found[entry.run] = Attempt(
                entry.run, entry.digest, entry.cell, entry.repetition, entry.t_utc, controller=entry.controller
            )
        elif (known := found.get(entry.run)) and entry.event == "ended":
            found[entry.run] = replace(
                known,
                verdict=entry.verdict,
                cause=entry.cause,
                setback=entry.setback,
                wall_ns=entry.wall_ns,
                disk_bytes=entry.disk_bytes,
            )
        elif known and entry.event == "left":
            found[entry.run] = replace(known, left=True, cause=entry.cause)
    return list(found.values())


def by_digest(entries: Iterable[StudyEntry]) -> dict[str, tuple[Attempt, ...]]:
    """The runs of each repetition, in the order in which they began."""
    found: dict[str, tuple[Attempt, ...]] = {}
    for attempt in attempts(entries):
        found[attempt.digest] = (*found.get(attempt.digest, ()), attempt)
    return found


def counting(runs: Sequence[Attempt]) -> Attempt | None:
    """Of the runs of one repetition the one that stands for it: the first that is ok, else the last with a verdict.

    None if none says anything. Only one that is ok may enter a summary; the others are told of.
    """
    judged = [each for each in runs if each.is_judged]
    return next((each for each in judged if each.verdict == OK), judged[-1] if judged else None)
