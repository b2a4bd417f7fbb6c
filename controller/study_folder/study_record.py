"""What `study.json` holds: the study as it is now, every cell and every repetition that it asks for.

The dataclasses are the format; `plctl.common.protocol.wire` turns them into plain maps and refuses a file that does not
fit. What has been run stands in the journal (`journal.py`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Literal

from plctl.common.base.json_text import read_json
from plctl.common.protocol.wire import from_plain, to_plain

Order = Literal["shuffled", "blocked", "as-written"]


@dataclass(frozen=True, slots=True)
class RepetitionRecord:
    """One run that the study asks for."""

    repetition: int  #: from 1
    seed: int  #: of the run, which follows from the study's, the cell and the repetition
    digest: str  #: of all that determines the run: links, scenario contents, seed, repetition


@dataclass(frozen=True, slots=True)
class CellRecord:
    """One combination of levels."""

    cell: str  #: twelve hex digits that follow from the values alone
    values: dict[str, str]  #: factor → level, as written; every factor, in the order of `factors`
    repetitions: tuple[RepetitionRecord, ...]  #: in order
    duration_ns: int = 0  #: of each run, after T0; 0: until the workloads end


@dataclass(frozen=True, slots=True)
class StudyRecord:
    """A whole study. Written anew by each `plctl study run`, before anything runs."""

    study: str  #: its name
    seed: int  #: from which all others follow
    factors: dict[str, tuple[str, ...]]  #: factor → its levels, as written, in their order
    repetitions: int  #: of each cell
    cells: tuple[CellRecord, ...]  #: in the order in which the study's author wrote them
    order: Order = "shuffled"  #: in which they are run
    retry: dict[str, int] = field(default_factory=dict)  #: verdict → how often a repetition with it is run again
    retries: int = 0  #: how often a repetition whose run had a setback is run again
    metrics: dict[str, str] = field(default_factory=dict)  #: workload → what reads its output
    #: Every file that was read: its path as written → its name in the folder `sources`.
    sources: dict[str, str] = field(default_factory=dict)
    file: str = ""  #: the path of study.yaml as the command named it
    versions: dict[str, str] = field(default_factory=dict)  #: of the software that made this record
    format: Literal[1] = 1  #: of this file and of the journal

    def by_digest(self) -> dict[str, tuple[CellRecord, RepetitionRecord]]:
        """Each repetition that is asked for, with its cell."""
        return {each.digest: (cell, each) for cell in self.cells for each in cell.repetitions}


def to_json(record: StudyRecord) -> str:
    """`record` as the text of study.json: a line for each field, and for each cell."""
    plain = to_plain(record)
    lines = [f" {json.dumps(name)}: {_lines(value)}" for name, value in plain.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def from_json(text: str) -> StudyRecord:
    """The record in the text of a study.json.

    :raises ProtocolError: a field is missing, unknown or of another type.
    :raises ValueError: not JSON at all.
    """
    return from_plain(StudyRecord, read_json(text), "study.json")


def _lines(value: object) -> str:
    if not isinstance(value, list) or not value:
        return json.dumps(value)
    return "[\n  " + ",\n  ".join(map(json.dumps, value)) + "\n ]"
