"""A study's folder as `plctl study run` would leave it, with synthetic runs: nothing here was measured."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from support.synthetic_run import RUN, handover_plan, make_run, plan_record

from plctl.controller.study_folder import study_record
from plctl.controller.study_folder.journal import StudyEntry, StudyJournal, open_journal
from plctl.controller.study_folder.study_record import CellRecord, RepetitionRecord, StudyRecord

NAME = "cc-and-buffers"
FACTORS = {"cc": ("cubic", "bbr"), "buffer": ("0.5bdp", "1bdp")}
REPETITIONS = 3


def goodput_bps(values: Mapping[str, str], repetition: int) -> float:
    """What the client of a synthetic run claims to have reached."""
    return 1e6 * (3 + 2 * (values["cc"] == "bbr") + (values["buffer"] == "1bdp")) + 1e4 * repetition


def make_study(base: Path, *, late: Sequence[tuple[str, int]] = (), undone: Sequence[tuple[str, int]] = ()) -> Path:
    """Two factors of two levels, three times.

    :param late: (cell, repetition) whose first run is late, and whose claims would spoil every mean.
    :param undone: likewise, that were not carried out.
    """
    folder = base / NAME
    (folder / "runs").mkdir(parents=True)
    cells = tuple(_cell(cc, buffer) for cc in FACTORS["cc"] for buffer in FACTORS["buffer"])
    record = StudyRecord(NAME, 1, dict(FACTORS), REPETITIONS, cells, metrics={"client": "json:goodput_bps=end.bps"})
    (folder / "study.json").write_text(study_record.to_json(record))
    with open_journal(folder) as journal:
        for cell in cells:
            for each in cell.repetitions:
                if (cell.cell, each.repetition) in late:
                    journal_run((journal, folder), cell, each, "late", 9e9)
                if (cell.cell, each.repetition) not in undone:
                    journal_run((journal, folder), cell, each, "ok", goodput_bps(cell.values, each.repetition))
    return folder


def journal_run(
    where: tuple[StudyJournal, Path], cell: CellRecord, each: RepetitionRecord, verdict: str, bps: float
) -> None:
    """Write one run into the journal and into the folder."""
    journal, folder = where
    run = f"{RUN[:-5]}-{cell.cell[:4]}{each.repetition}{verdict}"
    labels = {
        **cell.values,
        "study": NAME,
        "cell": cell.cell,
        "repetition": str(each.repetition),
        "digest": each.digest,
    }
    plans = (handover_plan("leo"),)
    output = json.dumps({"end": {"bps": bps}}).encode()
    made = folder / "made"
    with make_run(
        made, plans, slow="leo" if verdict == "late" else "", record=replace(plan_record(plans), labels=labels),
        artifacts={"client.stdout": output},
    ) as written:  # fmt: skip
        path = written.path
    target = folder / "runs" / run
    path.rename(target)
    text = (target / "run.json").read_text().replace(f'"run": "{RUN}"', f'"run": "{run}"')
    (target / "run.json").write_text(text)
    known = StudyEntry("2026-11-28T00:00:00Z", "begun", run, each.digest, cell.cell, each.repetition)
    journal.add(known)
    journal.add(replace(known, event="ended", verdict=verdict, cause="" if verdict == "ok" else "p99 of lateness"))


def _cell(cc: str, buffer: str) -> CellRecord:
    name = sha256(f"{cc}/{buffer}".encode()).hexdigest()[:8]
    repetitions = tuple(RepetitionRecord(n, 1000 + n, f"{name}-{n}") for n in range(1, REPETITIONS + 1))
    return CellRecord(name, {"cc": cc, "buffer": buffer}, repetitions)
