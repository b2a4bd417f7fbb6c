"""Makes the folder of a study and brings it up to date, before anything runs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from plctl.common.host.caller import caller, give_to_caller, make_for_caller
from plctl.controller.results.disk_errors import explained
from plctl.controller.results.source_files import FOLDER_NAME as SOURCES_NAME
from plctl.controller.study_folder.journal import JOURNAL_NAME
from plctl.controller.study_folder.study_reader import RUNS_NAME, SPEC_NAME, STUDY_NAME, UNFINISHED_NAME
from plctl.controller.study_folder.study_record import StudyRecord, to_json


def make_study_folder(folder: Path) -> None:
    """Make `folder`, if need be, for the journal of a study.

    :raises WorldError: it cannot be made.
    """
    with explained(f"make the folder {folder} for a study"):
        make_for_caller(folder / RUNS_NAME)


def write_study(folder: Path, record: StudyRecord, text: str, sources: Mapping[str, str]) -> None:
    """Write down what is asked for: whoever has the study's journal may do so.

    :param text: of the study's file.
    :param sources: of each file that it names: its path as in the record → its text.
    :raises WorldError: it cannot be written.
    """
    with explained(f"write {folder}"):
        (folder / SOURCES_NAME).mkdir(exist_ok=True)
        _replace(folder / SPEC_NAME, text)
        for named, name in record.sources.items():
            _replace(folder / SOURCES_NAME / name, sources[named])
        _replace(folder / STUDY_NAME, to_json(record))
    for path in (folder, folder / JOURNAL_NAME, folder / SPEC_NAME, folder / STUDY_NAME):
        _give(path)
    give_to_caller(folder / SOURCES_NAME)


def set_aside(folder: Path, run: str) -> None:
    """Move the folder of `run`, which was broken off, out of the way of those that count. None: nothing happens.

    :raises WorldError: it cannot be moved.
    """
    source, target = folder / RUNS_NAME / run, folder / UNFINISHED_NAME / run
    if not source.exists():
        return
    with explained(f"move {source} to {target.parent}"):
        make_for_caller(target.parent)
        source.replace(target)
    give_to_caller(target)


def size_of(folder: Path) -> int:
    """Bytes that the files below `folder` take, as far as they can be looked at."""
    return sum(path.lstat().st_blocks * 512 for path in folder.rglob("*") if path.is_file())


def now_utc() -> str:
    """The time of the wall clock, as entries of a journal have it."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _give(path: Path) -> None:
    """As `give_to_caller`, but of a folder only itself."""
    if (to := caller()) and path.stat().st_uid == 0:
        os.chown(path, *to)


def _replace(path: Path, text: str) -> None:
    """Give `path` the content `text` so that a reader sees the old one or the new one, whole."""
    draft = path.with_name(path.name + ".tmp")
    with draft.open("w", encoding="utf-8", newline="") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
