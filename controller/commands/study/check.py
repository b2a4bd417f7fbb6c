"""`plctl study check | plan`: what a study would run, how long it takes and how much disk; touches nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from plctl.common.base.units import format_duration, format_size
from plctl.common.cli.terminal import echo
from plctl.controller.commands.study.options import FILE, JSON, STUDIES, read_visibly

if TYPE_CHECKING:
    from plctl.controller.study.cells import Study
    from plctl.controller.study.course import StudyCourse
    from plctl.controller.study.estimate import Estimate
    from plctl.controller.study_folder.attempts import Attempt

_FIGURES = ("number", "runs")


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="STUDY.YAML…")
@JSON
def check(files: tuple[Path, ...], as_json: bool) -> None:
    """Report everything that is wrong with STUDY.YAML…, its run spec or any of its cells; else sum it up.

    Exit status 2 if anything is wrong.

    \b
      plctl study check scenarios/study.yaml
    """
    from plctl.common.base.errors import InputError
    from plctl.common.base.problems import combine

    found, errors = [], []
    for file in files:
        try:
            found.append(read_visibly(file))
        except InputError as error:
            errors.append(error)
    if as_json:
        echo(json.dumps([_summary(study) for study in found], indent=1))
    else:
        for study in found:
            echo(_sentence(study))
    if errors:
        raise combine(errors)


@click.command()
@FILE
@STUDIES
@JSON
def plan(file: Path, base: Path, as_json: bool) -> None:
    """Show every cell of STUDY.YAML, what was run of it already, and what the rest takes.

    The estimate rests on the runs that were made, or else on the durations that the run spec gives.

    \b
      plctl study plan scenarios/study.yaml
      plctl study plan scenarios/study.yaml --json | jq -r '.cells[].repetitions[].digest'
    """
    from plctl.controller.study.course import Standing, StudyCourse
    from plctl.controller.study.estimate import estimate
    from plctl.controller.study_folder.attempts import attempts, by_digest
    from plctl.controller.study_folder.journal import read_journal

    study = read_visibly(file)
    entries = read_journal(base / study.record.study)
    runs = by_digest(entries)
    course = StudyCourse(study.record, runs)
    waiting = [digest for digest in study.requests if course.standing(digest) is Standing.WAITING]
    left = estimate(study.record, waiting, attempts(entries), study.requests)
    if as_json:
        echo(json.dumps(_document(study, course, runs, left), indent=1))
    else:
        _show(study, course, left)


def _summary(study: Study) -> dict[str, Any]:
    record = study.record
    return {
        "study": record.study,
        "file": str(study.file),
        "factors": {name: list(levels) for name, levels in record.factors.items()},
        "cells": len(record.cells),
        "repetitions": record.repetitions,
        "runs": len(study.requests),
    }


def _sentence(study: Study) -> str:
    record = study.record
    factors = " × ".join(f"{len(levels)} {name}" for name, levels in record.factors.items()) or "nothing varies"
    cells, runs = _many(len(record.cells), "cell"), _many(len(study.requests), "run")
    asked = f"{cells}, {record.repetitions} of each: {runs}, {record.order}"
    return f"{study.file}: study {record.study}: {factors}; {asked}"


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"


def _document(
    study: Study, course: StudyCourse, runs: Mapping[str, Sequence[Attempt]], left: Estimate
) -> dict[str, Any]:
    from plctl.controller.study.course import in_order

    place = {digest: number for number, digest in enumerate(in_order(study.record), 1)}
    cells = [
        {
            "cell": cell.cell,
            "values": cell.values,
            "repetitions": [
                {
                    "repetition": each.repetition,
                    "seed": each.seed,
                    "digest": each.digest,
                    "place": place[each.digest],
                    "standing": str(course.standing(each.digest)),
                    "runs": [run.run for run in runs.get(each.digest, ())],
                }
                for each in cell.repetitions
            ],
        }
        for cell in study.record.cells
    ]
    estimated = {
        "runs": left.runs,
        "time_ns": left.time_ns,
        "runs_of_unknown_time": left.untold,
        "disk_bytes": left.disk_bytes,
        "from_runs": left.measured,
    }
    return {**_summary(study), "cells": cells, "estimate": estimated}


def _show(study: Study, course: StudyCourse, left: Estimate) -> None:
    from plctl.controller.study.course import Standing
    from plctl.controller.view.screen import stdout_screen
    from plctl.controller.view.tables import print_table

    names = list(study.record.factors)
    rows = []
    for number, cell in enumerate(study.record.cells, 1):
        standings = [course.standing(each.digest) for each in cell.repetitions]
        counts = [f"{count} {each}" for each in Standing if (count := standings.count(each))]
        rows.append([str(number), cell.cell, *cell.values.values(), ", ".join(counts)])
    print_table(stdout_screen(), ("number", "cell", *names, "runs"), rows, right=_FIGURES[:1])
    echo()
    echo(_sentence(study))
    echo(rest_in_words(left))


def rest_in_words(left: Estimate) -> str:
    """What is still to be run, and what that takes."""
    if not left.runs:
        return "nothing is left to run"
    basis = f"from {_many(left.measured, 'run')}" if left.measured else "from the durations alone"
    times = [f"{format_duration(left.time_ns)} one after the other"] if left.time_ns else []
    if left.untold:
        times.append(f"{left.untold} end with their workloads, and nobody knows when")
    return f"left: {_many(left.runs, 'run')}; {', '.join(times)}; {format_size(left.disk_bytes)} of disk ({basis})"
