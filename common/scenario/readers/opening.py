"""Opens a scenario, whatever its format and however many files it stands in: every command does it here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, cast

from plctl.common.base.errors import InputError, Problem, UserError
from plctl.common.base.problems import suggest
from plctl.common.base.units import parse_duration, parse_rate
from plctl.common.scenario.readers.joining import NamedPart, join, uneven_rounds
from plctl.common.scenario.readers.read_as import AS_IT_IS, ReadAs
from plctl.common.scenario.readers.reader import GROUP, SERVICE, WORTH, Reader, ReaderOption, ReadScenario
from plctl.common.scenario.readers.serving import is_traced, serve
from plctl.common.scenario.readers.trace import Trace, in_a_row
from plctl.common.scenario.readers.trace_file import TraceFile
from plctl.common.scenario.schedule import DIRECTIONS, Direction, Scenario

#: The format of a file that no reader recognises: it says best what is missing.
_OURS = "plctl"
#: What may be said of every format: a constant for what the files do not say. By option → the row's field.
FILL = {
    "rate_bps": ReaderOption("rate", parse_rate, None, "The rate, e.g. `50Mbit/s`, where the files say none."),
    "delay_ns": ReaderOption("delay", parse_duration, None, "The delay, e.g. `20ms`, where the files say none."),
}
#: By what it is served.
SERVED = (SERVICE, WORTH)
ANY_FORMAT = (*FILL.values(), *SERVED)


@dataclass(frozen=True, slots=True)
class GivenFile:
    """A file and the direction that it is for; None: both, or as it says itself."""

    file: TraceFile
    direction: Direction | None = None


def open_scenario(path: Path, reading: ReadAs = AS_IT_IS, *, repeat: bool = False) -> ReadScenario:
    """Read the scenario at `path`; `repeat` lets it start again at its end (see `Schedule.repeated`).

    :raises InputError: every problem of the file; or its format is none that is read here, or more than one.
    """
    return read_scenario([GivenFile(TraceFile.at(path))], reading, repeat=repeat)


def parse_scenario(text: str, file: str, reading: ReadAs = AS_IT_IS, *, repeat: bool = False) -> ReadScenario:
    """As `open_scenario`, of `text` that came from `file` (a name for the messages only)."""
    return read_scenario([GivenFile(TraceFile(file, text))], reading, repeat=repeat)


def read_scenario(given: Sequence[GivenFile], reading: ReadAs = AS_IT_IS, *, repeat: bool = False) -> ReadScenario:
    """The one scenario that these files make together, each of a format of its own unless `reading` names it.

    :raises InputError: as `open_scenario`; or the files contradict each other, or do not say what a path needs.
    """
    readers = [_named(reading.reader, each.file) if reading.reader else _recognised(each.file) for each in given]
    values = _Values(reading.options, readers, given[0].file)
    parts: list[NamedPart] = []
    traces: list[Trace] = []
    for each, reader in zip(given, readers, strict=True):
        trace = _read(reader, each.file, values.of(reader))
        traces.append(trace)
        parts += [
            NamedPart(each.file.name, part.towards(each.direction) if each.direction else part)
            for part in trace.parts
            if each.direction is None or part.direction in (None, each.direction)
        ]
    scenario = values.served(join(_with_epochs(parts), values.fill))
    warnings = [warning for trace in traces for warning in trace.warnings] + uneven_rounds(parts)
    return ReadScenario(
        scenario.repeated() if repeat else scenario,
        tuple(warnings),
        tuple(each.file for each in given),
    )


def _read(reader: Reader, file: TraceFile, options: Mapping[str, Any]) -> Trace:
    """What `file` says.

    :raises InputError: as `Reader.read`; or it is nested so deeply that no reader could follow.
    """
    try:
        return reader.read(file, options)
    except RecursionError:
        raise file.refusal(f"is nested too deeply for {reader.title}") from None


def _with_epochs(parts: Sequence[NamedPart]) -> list[NamedPart]:
    """`parts`, those that follow one another made into one for each direction."""
    found = [each for each in parts if each.part.epoch_ns is None]
    for way in (None, *DIRECTIONS):
        chain = [each for each in parts if each.part.epoch_ns is not None and each.part.direction == way]
        if chain:
            try:
                found.append(NamedPart(chain[0].file, in_a_row([each.part for each in chain])))
            except ValueError as error:
                raise InputError([Problem(chain[0].file, 0, 0, str(error))]) from None
    return found


def given_files(names: Sequence[str]) -> list[GivenFile]:
    """What a user gave: names of files, each behind `up=` or `down=` if it is for that direction alone.

    Files that end in .up and .down and are given together are for these directions.
    """
    parted = [_parted(name) for name in names]
    suffixes = {Path(path).suffix for way, path in parted if not way}
    by_suffix = {".up", ".down"} <= suffixes
    found = []
    for way, path in parted:
        suffix = Path(path).suffix.removeprefix(".")
        direction = way or (suffix if by_suffix and suffix in DIRECTIONS else "")
        found.append(GivenFile(TraceFile.at(Path(path)), cast(Direction, direction) if direction else None))
    return found


def _parted(name: str) -> tuple[str, str]:
    """The direction that is said before a file's name, and the name."""
    way, _, path = name.partition("=")
    return (way, path) if way in DIRECTIONS and path else ("", name)


def is_trace(file: TraceFile) -> bool:
    """Whether `file` is in a format that is known here, other than plctl's own."""
    return any(name != _OURS for name in _candidates(file))


def reader_names() -> list[str]:
    """The formats that are read here."""
    return sorted(_installed())


def installed_reader(name: str) -> Reader:
    """The reader of the format `name`, which is one of `reader_names`."""
    return _installed()[name]


class _Values:
    """What the user said for options, as values."""

    def __init__(self, given: Mapping[str, str], readers: Sequence[Reader], file: TraceFile) -> None:
        self._given = given
        self._file = file
        known = {option.name: option for reader in readers for option in reader.options}
        known |= {option.name: option for option in ANY_FORMAT}
        self._declared = {option.name for reader in readers for option in reader.options}
        for name in given:
            if name not in known:
                raise file.refusal(f"is not read with an option {name!r:.80}; {suggest(name, sorted(known))}")

    @property
    def fill(self) -> dict[str, int]:
        """Constants for what files do not say, by the row's field."""
        return {name: self._value(option) for name, option in FILL.items() if option.name in self._given}

    def of(self, reader: Reader) -> dict[str, Any]:
        """A value for each option of `reader`."""
        return {
            option.name: self._value(option) if option.name in self._given else option.default
            for option in reader.options
        }

    def served(self, scenario: Scenario) -> Scenario:
        """`scenario` served by what was said."""
        service, worth_bytes = (self._value(each) if each.name in self._given else each.default for each in SERVED)
        if worth_bytes and WORTH.name not in self._declared and not is_traced(scenario):
            raise self._file.refusal("has no delivery opportunities that could be worth some bytes")
        try:
            return serve(scenario, service, worth_bytes)
        except ValueError as error:
            raise self._file.refusal(str(error)) from None

    def _value(self, option: ReaderOption) -> Any:
        try:
            return option.read(self._given[option.name])
        except (UserError, ValueError) as error:
            raise self._file.refusal(
                f"cannot be read with {option.name}={self._given[option.name]!r:.80}: {error}"
            ) from None


@cache
def _installed() -> Mapping[str, Reader]:
    """Every reader by the name of its format."""
    return {each.name: cast(Reader, each.load()) for each in entry_points(group=GROUP)}


def _candidates(file: TraceFile) -> list[str]:
    """The formats that `file` may be in: plctl's own, which says itself what it is, or any others."""
    found = [name for name, reader in _installed().items() if file.sample and reader.recognises(file.sample)]
    return [_OURS] if _OURS in found else found


def _recognised(file: TraceFile) -> Reader:
    readers = _installed()
    names = _candidates(file)
    if len(names) > 1:
        which = " or ".join(f"{readers[name].title} ({name})" for name in names)
        raise file.refusal(f"is {which}; say which: reader: {names[0]}")
    return readers[names[0] if names else _OURS]


def _named(name: str, file: TraceFile) -> Reader:
    readers = _installed()
    if name not in readers:
        raise file.refusal(f"has no reader {name!r:.80}; {suggest(name, sorted(readers))}")
    return readers[name]
