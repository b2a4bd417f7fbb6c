"""A study for programs and in sentences: its JSON document, what was not ok in it, and the cells that a user means."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from plctl.common.base.errors import UserError
from plctl.controller.study.course import Standing
from plctl.controller.study.expansion import in_words
from plctl.controller.view.study.study_now import CellNow, StudyNow

#: Cells that are named of those that have one and the same finding.
_NAMED = 3


def document(now: StudyNow) -> dict[str, Any]:
    """`now` for programs; times in nanoseconds, sizes in bytes."""
    return {
        "study": now.record.study,
        "goes_on": now.goes_on,
        "runs": now.tally.total,
        "counts": {str(standing): now.tally.counts[standing] for standing in Standing},
        "left_ns": now.tally.left_ns() or None,
        "superseded": now.superseded,
        "cells": [cell_document(cell) for cell in now.cells],
    }


def findings(cells: Sequence[CellNow]) -> list[str]:
    """What was not ok in `cells`, a line each: what was found most often first."""
    about: dict[tuple[str, str], list[str]] = {}
    for cell in cells:
        for each in cell.repetitions:
            again = {Standing.OK: ", ok when run again", Standing.WAITING: ", to be run again"}.get(each.standing, "")
            for run in each.runs:
                if run.verdict != "ok" and not run.is_open:
                    where = f"{in_words(cell.record.values)} repetition {each.asked.repetition}{again} ({run.run})"
                    about.setdefault((run.verdict or "left", run.cause), []).append(where)
    lines = []
    for (verdict, cause), places in sorted(about.items(), key=lambda item: -len(item[1])):
        lines.append(f"{len(places)} {verdict}: {cause or 'without a cause'}")
        lines += [f"  {each}" for each in places[:_NAMED]]
        if len(places) > _NAMED:
            lines.append(f"  … and {len(places) - _NAMED} more")
    return lines


def choose_cells(now: StudyNow, words: Sequence[str]) -> list[CellNow]:
    """The cells that a user calls so.

    :raises UserError: there is none.
    """
    levels = dict(word.split("=", 1) for word in words if "=" in word)
    if unknown := [name for name in levels if name not in now.record.factors]:
        raise UserError(f"{unknown[0]!r:.80} is no factor of {now.record.study}: {', '.join(now.record.factors)}")
    named = [word for word in words if "=" not in word]
    found = [
        cell
        for cell in now.cells
        if levels.items() <= cell.record.values.items()
        and (not named or any(word == str(cell.number) or _begins(cell, word) for word in named))
    ]
    if not found:
        raise UserError(f"{now.record.study} has no cell {' '.join(words)!r:.80}; plctl study status lists them")
    return found


def _begins(cell: CellNow, word: str) -> bool:
    return len(word) >= 4 and cell.record.cell.startswith(word)


def cell_document(cell: CellNow) -> dict[str, Any]:
    """`cell` for programs, with every run of it."""
    return {
        "number": cell.number,
        "cell": cell.record.cell,
        "values": cell.record.values,
        "repetitions": [
            {
                "repetition": each.asked.repetition,
                "seed": each.asked.seed,
                "digest": each.asked.digest,
                "standing": str(each.standing),
                "runs": [
                    {
                        "run": run.run,
                        "verdict": run.verdict,
                        "cause": run.cause,
                        "left": run.left,
                        "begun_utc": run.begun_utc,
                        "wall_ns": run.wall_ns or None,
                        "disk_bytes": run.disk_bytes or None,
                    }
                    for run in each.runs
                ],
            }
            for each in cell.repetitions
        ],
    }
