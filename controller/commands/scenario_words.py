"""What `plctl scenario` says of a file of scenarios, to people and to machines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from plctl.common.base.errors import InputError, Problem
from plctl.common.cli.terminal import echo, warn
from plctl.common.scenario.schedule import Scenario
from plctl.controller.scenarios.files import Readable
from plctl.controller.scenarios.summary import directions, summarize


def print_summary(readable: Readable) -> None:
    """One line for a file whose directions are alike, else one for each scenario and direction."""
    lines = [line for name, found in readable.scenarios.items() for line in _lines(name, found)]
    if len(lines) == 1 and not readable.is_spec:
        echo(f"{readable.path}: ok: {lines[0].partition(': ')[2]}")
    else:
        echo("\n  ".join([f"{readable.path}: ok: {readable.head}", *lines]))
    for warning in readable.warnings:
        warn(warning)


def _lines(name: str, found: Scenario) -> list[str]:
    ways = directions(found)
    return [f"{name}{'' if way == 'both' else ' ' + way}: {summarize(rows)}" for way, rows in ways.items()]


def as_facts(readable: Readable) -> dict[str, Any]:
    """What was read, for JSON."""
    return {
        "file": str(readable.path),
        "ok": True,
        "problems": [],
        "warnings": [_problem(warning) for warning in readable.warnings],
        "scenarios": [
            {"name": name, **{way: summarize(rows).as_json() for way, rows in zip(("up", "down"), pair, strict=True)}}
            for name, pair in ((name, (found.up, found.down)) for name, found in readable.scenarios.items())
        ],
    }


def as_faults(file: Path, error: InputError) -> dict[str, Any]:
    """What is wrong with a file, for JSON."""
    problems = [_problem(problem) for problem in error.problems]
    return {"file": str(file), "ok": False, "problems": problems, "more_problems": error.more, "warnings": []}


def _problem(problem: Problem) -> dict[str, Any]:
    return {"file": problem.file, "line": problem.line, "column": problem.column, "text": problem.text}


def print_json(document: Any) -> None:
    """One document."""
    echo(json.dumps(document, indent=2))
