"""What a process that carried a study left when it was killed: runs that were judged count, others are set aside."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

from plctl.common.base.errors import UserError
from plctl.controller.results.run_folder import complete
from plctl.controller.results.run_reader import is_open, read_record
from plctl.controller.results.run_record import RunRecord
from plctl.controller.study_folder.attempts import Attempt, attempts
from plctl.controller.study_folder.journal import StudyEntry, StudyJournal, read_journal
from plctl.controller.study_folder.study_reader import RUNS_NAME
from plctl.controller.study_folder.study_writer import now_utc, set_aside, size_of

BROKEN_OFF = "its plctl study run was killed before there was a verdict"


def recover(folder: Path, journal: StudyJournal, controller: str = "") -> list[Attempt]:
    """Bring the journal of the study in `folder` up to date; the runs that go on with the `controller`.

    :raises WorldError: the folder cannot be written.
    """
    made = attempts(read_journal(folder))
    going_on = []
    for attempt in made:
        if attempt.is_open and controller and attempt.controller == controller:
            going_on.append(attempt)
        elif attempt.is_open:
            _close(folder, journal, attempt)
    known = {attempt.run for attempt in made}
    for path in sorted((folder / RUNS_NAME).iterdir()):
        if path.name not in known and not is_open(path) and not _record(path).verdict:
            set_aside(folder, path.name)  # killed between a folder and the line that names it
    return going_on


def leave(folder: Path, journal: StudyJournal, attempt: Attempt, cause: str) -> None:
    """`attempt` will come to no verdict."""
    set_aside(folder, attempt.run)
    journal.add(replace(_entry(attempt, "left"), cause=cause))


def _close(folder: Path, journal: StudyJournal, attempt: Attempt) -> None:
    path = folder / RUNS_NAME / attempt.run
    record = _record(path)
    if attempt.controller:
        leave(folder, journal, attempt, f"it was with the controller at {attempt.controller}, which is not asked now")
    elif record.verdict:
        complete(path)
        entry = _entry(attempt, "ended")
        entry = replace(entry, verdict=record.verdict, cause=record.cause, setback=record.setback)
        journal.add(replace(entry, disk_bytes=size_of(path)))
    else:
        leave(folder, journal, attempt, BROKEN_OFF)


def _record(path: Path) -> RunRecord:
    """What the run says of itself; nothing if it cannot."""
    try:
        return read_record(path)
    except UserError:
        return RunRecord(path.name, "", 0, ())


def _entry(attempt: Attempt, event: Literal["ended", "left"]) -> StudyEntry:
    return StudyEntry(now_utc(), event, attempt.run, attempt.digest, attempt.cell, attempt.repetition)
