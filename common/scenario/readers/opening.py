"""Opens a scenario, whatever its format: the one function by which every command and run spec does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from importlib.metadata import entry_points
from itertools import islice
from pathlib import Path
from typing import cast

from plctl.common.base.errors import InputError, Problem
from plctl.common.base.text_file import read_text
from plctl.common.scenario.readers.foreign import UNREAD
from plctl.common.scenario.readers.reader import GROUP, Reader, ReadScenario
from plctl.common.scenario.schedule import Scenario

_SAMPLE_LINES = 100
_SAMPLE_CHARACTERS = 65536
#: The format of a file that no reader recognises: it says best what is missing.
_OURS = "plctl"


def open_scenario(path: Path, *, reader: str = "", repeat: bool = False) -> ReadScenario:
    """Read the scenario at `path`.

    :param reader: the name of its format; empty: it is recognised.
    :param repeat: let it start again after its last row (see `Schedule.repeated`).
    :raises InputError: every problem of the file; or its format is none that is read here, or more than one.
    """
    return parse_scenario(read_text(path, "a scenario"), str(path), reader=reader, repeat=repeat)


def parse_scenario(text: str, file: str, *, reader: str = "", repeat: bool = False) -> ReadScenario:
    """As `open_scenario`, of `text` that came from `file` (a name for the messages only)."""
    found = _named(reader, file) if reader else _recognised(text, file)
    read = found.read(text, file)
    if not repeat:
        return read
    up = read.scenario.up.repeated()
    down = up if read.scenario.down is read.scenario.up else read.scenario.down.repeated()
    return replace(read, scenario=Scenario(up, down))


def is_trace(text: str) -> bool:
    """Whether `text` is in a format that is known here, other than plctl's own."""
    return any(name != _OURS for name in (*_candidates(text, _installed()), *_candidates(text, UNREAD)))


@cache
def _installed() -> Mapping[str, Reader]:
    """Every reader by the name of its format."""
    return {each.name: cast(Reader, each.load()) for each in entry_points(group=GROUP)}


def _candidates(text: str, readers: Mapping[str, Reader]) -> list[str]:
    """The formats that `text` may be in."""
    lines = (line.strip() for line in text[:_SAMPLE_CHARACTERS].splitlines())
    sample = list(islice((line for line in lines if line and not line.startswith("#")), _SAMPLE_LINES))
    return [name for name, reader in readers.items() if sample and reader.recognises(sample)]


def _recognised(text: str, file: str) -> Reader:
    readers = _installed()
    names = _candidates(text, readers)
    if len(names) > 1:
        which = " or ".join(f"{readers[name].title} ({name})" for name in names)
        raise InputError([Problem(file, 0, 0, f"is {which}; say which: reader: {names[0]}")])
    if names:
        return readers[names[0]]
    unread = _candidates(text, UNREAD)
    return UNREAD[unread[0]] if unread else readers[_OURS]


def _named(name: str, file: str) -> Reader:
    readers = _installed()
    if name not in readers:
        sentence = f"has no reader {name!r:.80}; installed are {', '.join(sorted(readers))}"
        raise InputError([Problem(file, 0, 0, sentence)])
    return readers[name]
