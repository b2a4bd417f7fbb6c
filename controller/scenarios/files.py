"""Reads any file that names scenarios, a bare CSV or a run spec, into the scenarios to check or to show."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from plctl.common.base.errors import Problem, UserError
from plctl.common.base.text_file import SIZE_LIMIT
from plctl.common.base.units import format_duration
from plctl.common.scenario.readers.opening import GivenFile, read_scenario
from plctl.common.scenario.readers.read_as import AS_IT_IS, ReadAs
from plctl.common.scenario.readers.trace_file import TraceFile
from plctl.common.scenario.schedule import Scenario
from plctl.controller.spec.run_spec import RunRequest, load_run, looks_like_scenario

#: What stands for standard input in place of a file's name.
STANDARD = "-"


@dataclass(frozen=True, slots=True)
class Readable:
    """What a file holds that was read without an error."""

    path: Path
    head: str  #: what to say of the file as a whole
    is_spec: bool
    scenarios: Mapping[str, Scenario]  #: distinct ones, by the file's name or by those of the links that have it
    warnings: tuple[Problem, ...]


def read_readable(path: Path, reading: ReadAs = AS_IT_IS) -> Readable:
    """Read the scenario at `path`, as `reading` says, or the run spec there, which says so itself.

    :raises InputError: everything that is wrong with it.
    :raises UserError: it is a run spec and the libraries to read one are not installed here.
    """
    file = standard_input() if str(path) == STANDARD else TraceFile.at(path, "a run spec or scenario")
    if reading.reader or looks_like_scenario(file):
        found = read_scenario([GivenFile(file)], reading)
        name = Path(file.name).name
        return Readable(Path(file.name), "a scenario", False, {name: found.scenario}, found.warnings)
    if reading.options:
        raise file.refusal("is a run spec, which says itself how its scenarios are read; leave -O out")
    if str(path) == STANDARD:
        raise file.refusal("is no scenario; a run spec must be a file, as what it names lies beside it")
    request = load_run(path)
    return Readable(path, _head(request), True, _distinct(request), request.warnings)


def standard_input() -> TraceFile:
    """What comes from standard input.

    :raises UserError: it is a terminal, or too long.
    """
    if sys.stdin.isatty():
        raise UserError("standard input is a terminal; give a file, or the output of another plctl scenario command")
    text = sys.stdin.buffer.read(SIZE_LIMIT + 1)
    if len(text) > SIZE_LIMIT:
        raise UserError(f"standard input is too long: at most {SIZE_LIMIT} bytes are read")
    return TraceFile("standard input", text.decode("utf-8", "replace"))


def _head(request: RunRequest) -> str:
    workloads = sum(len(link.plan.workloads) for link in request.links)
    length = format_duration(request.duration_ns) if request.duration_ns else "until the workloads end"
    links = f"{len(request.links)} link{'' if len(request.links) == 1 else 's'}"
    return f"{links}, {workloads} workload{'' if workloads == 1 else 's'}, {length}"


def _distinct(request: RunRequest) -> dict[str, Scenario]:
    """Scenario by link; links with the same one are named together, by the first and last."""
    links: dict[Scenario, list[str]] = {}
    for link in request.links:
        links.setdefault(Scenario(link.plan.up, link.plan.down), []).append(link.plan.name)
    return {names[0] if len(names) == 1 else f"{names[0]} … {names[-1]}": key for key, names in links.items()}
