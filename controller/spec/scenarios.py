"""Reads the scenarios that a run spec names, each file once, and locates what is wrong with them in the spec."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from plctl.common.base.errors import InputError, Problem
from plctl.common.base.problems import Problems
from plctl.common.base.units import format_duration
from plctl.common.plan.distributions import table_of_samples
from plctl.common.plan.run_request import SourceFile
from plctl.common.scenario.readers.opening import GivenFile, given_files, read_scenario
from plctl.common.scenario.readers.read_as import ReadAs
from plctl.common.scenario.readers.reader import ReadScenario
from plctl.common.scenario.readers.trace_file import TraceFile
from plctl.common.scenario.schedule import DIRECTIONS, Direction, Scenario
from plctl.controller.spec.yaml_marks import Marked
from plctl.controller.spec.yaml_marks import Path as YamlPath

#: Where the spec names a file: its name, the direction that it is for, and the place.
_Named = tuple[str, Direction | None, YamlPath]


@dataclass(slots=True)
class FilesBefore:
    """What specs in one folder have read so far, for specs that name the same files."""

    files: dict[str, TraceFile] = field(default_factory=dict)
    scenarios: dict[object, ReadScenario] = field(default_factory=dict)
    sources: dict[str, SourceFile] = field(default_factory=dict)


class SpecScenarios:
    """The scenarios of one spec in `folder`, to which their names are relative."""

    def __init__(self, folder: Path, marked: Marked, problems: Problems, before: FilesBefore | None = None) -> None:
        self._folder = folder
        self._before = before or FilesBefore()
        self._marked = marked
        self._problems = problems
        self._files: dict[str, TraceFile] = {}  # by the name in the spec
        self._tables: set[str] = set()  # names of files with distributions
        self._read: dict[object, ReadScenario | None] = {}  # by what was given and how it is read

    def find(
        self, value: Any, at: YamlPath, reader: Any = None, served: Mapping[str, str] = MappingProxyType({})
    ) -> Scenario | None:
        """The scenario that the spec's `value` at `at` names, or None if that fails, of which the problems then tell.

        `reader` is what the spec says of the format, see `LinkSpec.reader`; without it, the format is recognised.
        `served` are options of every format that the spec says beside it. A value that names no files is left to the
        spec's validation.
        """
        named = _named(value, at)
        if named is None:
            return None
        reading = _reading(reader, served)
        key = (tuple((name, way) for name, way, _ in named), reading.reader, *sorted(reading.options.items()))
        if key not in self._read:
            self._read[key] = self._read_once(key, named, reading)
        found = self._read[key]
        return found.scenario if found else None

    def repeated(self, scenario: Scenario, repeat: bool | int, at: YamlPath) -> Scenario:
        """`scenario` repeated as the spec's key at `at` asks; an impossible period is added to the problems."""
        if repeat is False:
            return scenario
        period_ns = 0 if repeat is True else repeat
        last_ns = max(scenario.up.last_ns, scenario.down.last_ns)
        traces = [way.opportunities for way in (scenario.up, scenario.down) if way.opportunities]
        if period_ns and any(trace.period_ns != period_ns for trace in traces):
            self._complain_of_period(period_ns, traces[0].period_ns, at)
            return scenario
        if repeat is True or period_ns > last_ns:
            return scenario.repeated(period_ns)
        place = self._marked.place(at)
        text = f"repeat: a period of {format_duration(period_ns)} must exceed the last row's time, "
        self._problems.add(place.line, place.column, text + format_duration(last_ns))
        return scenario

    def _complain_of_period(self, period_ns: int, own_ns: int, at: YamlPath) -> None:
        place = self._marked.place(at)
        text = f"repeat: {format_duration(period_ns)} is not when the delivery opportunities begin again, "
        self._problems.add(place.line, place.column, f"{text}{format_duration(own_ns)}; write repeat: true")

    def distribution(self, name: str) -> tuple[int, ...]:
        """The table of the numbers in a file; lines may have comments behind #.

        :raises InputError: it cannot be read, or holds no distribution.
        """
        file = self._file(name)
        self._tables.add(name)
        words = " ".join(line.partition("#")[0] for line in file.text.splitlines()).split()
        try:
            return table_of_samples([float(word) for word in words])
        except (ValueError, OverflowError) as error:
            raise file.refusal(f"is no distribution: {error}") from None

    def sources(self) -> list[SourceFile]:
        """The files read so far, but for those too long to be kept."""
        used = {id(file) for found in self._read.values() if found for file in found.files}
        used |= {id(self._files[name]) for name in self._tables}
        files = {name: file for name, file in self._files.items() if id(file) in used and not file.is_long}
        return [self._source(name, file) for name, file in files.items()]

    def warnings(self) -> list[Problem]:
        """What is legal in these files but worth a word."""
        found = (warning for read in self._read.values() if read for warning in read.warnings)
        return list(dict.fromkeys(found))

    def _source(self, name: str, file: TraceFile) -> SourceFile:
        known = self._before.sources
        if name not in known:
            known[name] = SourceFile.of(name, file.text)
        return known[name]

    def _read_once(self, key: object, named: list[_Named], reading: ReadAs) -> ReadScenario | None:
        if known := self._before.scenarios.get(key):
            for name, _, _ in named:
                self._file(name)
            return known
        found = self._try(named, reading)
        if found:
            self._before.scenarios[key] = found
        return found

    def _try(self, named: list[_Named], reading: ReadAs) -> ReadScenario | None:
        places = {str(self._folder / name): at for name, _, at in named}
        try:
            return read_scenario([GivenFile(self._file(name), way) for name, way, _ in named], reading)
        except InputError as error:
            self._problems.take(InputError([self._place(p, places, named[0][2]) for p in error.problems], error.more))
            return None

    def _file(self, name: str) -> TraceFile:
        if name not in self._files:
            if name not in self._before.files:
                self._before.files[name] = TraceFile.at(self._folder / name)
            self._files[name] = self._before.files[name]
        return self._files[name]

    def _place(self, problem: Problem, places: dict[str, YamlPath], otherwise: YamlPath) -> Problem:
        """A file that cannot be used at all is a mistake of the spec's, where it names the file."""
        if problem.line:
            return problem
        place = self._marked.place(places.get(problem.file, otherwise))
        return Problem(self._problems.file, place.line, place.column, f"{problem.file} {problem.text}")


def _named(value: Any, at: YamlPath) -> list[_Named] | None:
    """The files that `value` names; None if it is nothing that names files."""
    if isinstance(value, dict):
        ways = [(way, value.get(way)) for way in DIRECTIONS]
        found = [_files(names, (*at, way), way) for way, names in ways]
        return None if None in found else [each for some in found if some for each in some]
    return _files(value, at, None)


def _files(value: Any, at: YamlPath, way: Direction | None) -> list[_Named] | None:
    if isinstance(value, str) and value:
        return [(value, way, at)]
    if not isinstance(value, list) or not value or not all(isinstance(each, str) and each for each in value):
        return None
    if way is not None:
        return [(each, way, (*at, index)) for index, each in enumerate(value)]
    # Names that end in .up and .down say themselves for which direction they are.
    given = given_files(value)
    return [(each.file.name, each.direction, (*at, index)) for index, each in enumerate(given)]


def _reading(reader: Any, served: Mapping[str, str]) -> ReadAs:
    if isinstance(reader, str):
        return ReadAs(reader, served)
    if not isinstance(reader, dict):
        return ReadAs(options=served)
    options = {str(name): str(value) for name, value in reader.items() if name != "format"}
    return ReadAs(str(reader.get("format", "")), options | {**served})
