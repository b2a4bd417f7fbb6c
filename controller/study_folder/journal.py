"""The journal of a study: what was begun and what came of it, a JSON line each, only ever appended.

A line is on the disk before the run that it announces touches anything, so SIGKILL at any moment leaves either no trace
of a run or a line that names it. A last line that was cut off is taken out by whoever writes next.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal

from plctl.common.base.errors import BusyError, ProtocolError
from plctl.common.base.json_text import read_json
from plctl.common.base.names import is_file_name
from plctl.common.protocol.wire import from_plain
from plctl.controller.results.disk_errors import explained
from plctl.controller.results.event_log import cut_torn_line

JOURNAL_NAME = "journal.jsonl"
#: How often, and after what pause, the lock is tried.
_LOOKS, _LOOK_S = 20, 0.01


@dataclass(frozen=True, slots=True)
class StudyEntry:
    """One line. A field that has its default is left out of it."""

    t_utc: str  #: when, RFC 3339
    #: `opened`, `closed`: `plctl study run` began, ended. `begun`: a run began. `ended`: it came to a verdict.
    #: `left`: it will come to none, as nobody carries it any more; its folder was moved to `unfinished`.
    event: Literal["opened", "begun", "ended", "left", "closed"]
    run: str = ""  #: the run's id, the name of its folder
    digest: str = ""  #: of the repetition that it is a run of
    cell: str = ""  #: likewise
    repetition: int = 0  #: likewise, from 1
    verdict: str = ""  #: of the run (`ended`)
    cause: str = ""  #: why the verdict is not `ok`, why the run was left, or how the command ended (`closed`)
    setback: str = ""  #: what kept the run from its end that another need not meet (`ended`)
    wall_ns: int = 0  #: from `begun` to `ended`; 0: not known, as another process began it
    disk_bytes: int = 0  #: of the run's folder (`ended`)
    controller: str = ""  #: the address of the controller that carries it; none: this machine
    version: str = ""  #: of plctl (`opened`)


class StudyJournal:
    """The journal of the study in a folder, open for writing; only one process has it at a time."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor

    def add(self, entry: StudyEntry) -> None:
        """Write `entry` down, for good: it is on the disk when this returns.

        :raises WorldError: it cannot be written.
        """
        with explained(f"write {self._path}"):
            os.write(self._descriptor, to_line(entry).encode())
            os.fdatasync(self._descriptor)


@contextmanager
def open_journal(folder: Path) -> Iterator[StudyJournal]:
    """The journal of the study in `folder`, which exists; nobody else may write to it within the block.

    :raises BusyError: somebody else does.
    :raises WorldError: it cannot be written.
    """
    path = folder / JOURNAL_NAME
    with explained(f"open {path}"):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
    try:
        if not _lock_patiently(descriptor):
            raise BusyError(f"another plctl study run goes on with {folder}; look at it: plctl study status")
        with explained(f"write {path}"):
            cut_torn_line(path)
        yield StudyJournal(path, descriptor)
    finally:
        os.close(descriptor)


def is_going_on(folder: Path) -> bool:
    """Whether a process carries the study in `folder`; the kernel knows, even if that one was killed."""
    try:
        descriptor = os.open(folder / JOURNAL_NAME, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        return not _lock(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


def read_journal(folder: Path) -> list[StudyEntry]:
    """What happened to the study in `folder` so far, in order; also while it goes on. Nothing if it was never run.

    :raises ProtocolError: a line is none of ours; the last one may be cut off.
    :raises WorldError: it cannot be read.
    """
    path = folder / JOURNAL_NAME
    with explained(f"read {path}"):
        if not path.exists():
            return []
        text = path.read_text(encoding="utf-8", errors="replace")
    whole = text[: text.rfind("\n") + 1]
    return [_entry(line, f"{path}:{number}") for number, line in enumerate(whole.splitlines(), 1)]


def to_line(entry: StudyEntry) -> str:
    """`entry` as one JSON line, ending in a newline."""
    values = {each.name: getattr(entry, each.name) for each in fields(entry)}
    return json.dumps({name: value for name, value in values.items() if value not in ("", 0)}) + "\n"


def _entry(line: str, place: str) -> StudyEntry:
    try:
        plain = read_json(line)
    except ValueError:
        raise ProtocolError(f"{place}: not a line of a study's journal: {line!r:.80}") from None
    entry: StudyEntry = from_plain(StudyEntry, plain, place)
    if entry.run and not is_file_name(entry.run):
        raise ProtocolError(f"{place}: {entry.run!r:.80} is not the name of a run's folder")
    return entry


def _lock_patiently(descriptor: int) -> bool:
    """Have the journal for oneself; whoever only looks whether somebody has it is gone in a moment."""
    for _ in range(_LOOKS):
        if _lock(descriptor, fcntl.LOCK_EX):
            return True
        time.sleep(_LOOK_S)
    return False


def _lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
