"""Reads the scenarios that a run spec names, each file once, and locates what is wrong with them in the spec."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from plctl.common.base.errors import InputError, Problem
from plctl.common.base.problems import Problems
from plctl.common.base.units import format_duration
from plctl.common.plan.run_request import SourceFile
from plctl.common.scenario.readers.opening import open_scenario
from plctl.common.scenario.readers.reader import ReadScenario
from plctl.common.scenario.schedule import Scenario, Schedule
from plctl.controller.spec.yaml_marks import Marked
from plctl.controller.spec.yaml_marks import Path as YamlPath


class SpecScenarios:
    """The scenarios of one spec in `folder`, to which their names are relative."""

    def __init__(self, folder: Path, marked: Marked, problems: Problems) -> None:
        self._folder = folder
        self._marked = marked
        self._problems = problems
        self._read: dict[tuple[str, str], ReadScenario | None] = {}  # by name and reader

    def find(self, value: Any, at: YamlPath, reader: str = "") -> Scenario | None:
        """The scenario that the spec's `value` at `at` names, or None if that fails, of which the problems then tell.

        `reader` names its format; without it, the format is recognised.

        A value that is neither a name nor a pair of names is left to the spec's validation.
        """
        if isinstance(value, str):
            found = self._load(value, at, reader)
            return found.scenario if found else None
        if not isinstance(value, dict):
            return None
        up, down = (self._load(value.get(way), (*at, way), reader) for way in ("up", "down"))
        return Scenario(up.scenario.up, down.scenario.down) if up and down else None

    def repeated(self, schedule: Schedule, repeat: bool | int, at: YamlPath) -> Schedule:
        """`schedule` repeated as the spec's key at `at` asks; an impossible period is added to the problems."""
        if repeat is False:
            return schedule
        period_ns = 0 if repeat is True else repeat
        last_ns = schedule.last_ns
        if repeat is True or period_ns > last_ns:
            return schedule.repeated(period_ns)
        place = self._marked.place(at)
        text = f"repeat: a period of {format_duration(period_ns)} must exceed the last row's time, "
        self._problems.add(place.line, place.column, text + format_duration(last_ns))
        return schedule

    def sources(self) -> list[SourceFile]:
        """The files read so far."""
        texts = {name: found.text for (name, _), found in self._read.items() if found}
        return [SourceFile.of(name, text) for name, text in texts.items()]

    def warnings(self) -> list[Problem]:
        """What is legal in these files but worth a word."""
        return [warning for found in self._read.values() if found for warning in found.warnings]

    def _load(self, name: Any, at: YamlPath, reader: str) -> ReadScenario | None:
        if not isinstance(name, str) or not name:
            return None
        if (name, reader) not in self._read:
            self._read[name, reader] = self._try(name, at, reader)
        return self._read[name, reader]

    def _try(self, name: str, at: YamlPath, reader: str) -> ReadScenario | None:
        try:
            return open_scenario(self._folder / name, reader=reader)
        except InputError as error:
            self._problems.take(InputError([self._place(p, at) for p in error.problems], error.more))
            return None

    def _place(self, problem: Problem, at: YamlPath) -> Problem:
        """A file that cannot be used at all is a mistake of the spec's, where it names the file."""
        if problem.line:
            return problem
        place = self._marked.place(at)
        return Problem(self._problems.file, place.line, place.column, f"{problem.file} {problem.text}")
