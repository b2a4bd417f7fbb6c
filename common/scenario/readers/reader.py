"""What every reader of scenario files is: it recognises its format by a file's first lines, and reads it whole.

A package adds one by an entry point of the group `plctl.scenario_readers`: the format's name → a `Reader`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from plctl.common.base.errors import Problem
from plctl.common.scenario.readers.trace import Trace
from plctl.common.scenario.readers.trace_file import TraceFile
from plctl.common.scenario.schedule import Scenario

#: The entry points' group.
GROUP = "plctl.scenario_readers"


@dataclass(frozen=True, slots=True)
class ReadScenario:
    """A scenario that passed every check, with what its author should still know."""

    scenario: Scenario
    warnings: tuple[Problem, ...]
    files: tuple[TraceFile, ...]  #: what it was read from


@dataclass(frozen=True, slots=True)
class ReaderOption:
    """What a user may say about how a format is to be read."""

    name: str
    read: Callable[[str], Any]  #: makes a value of text; raises UserError
    default: Any
    doc: str  #: one sentence


class Reader(Protocol):
    """One format."""

    @property
    def title(self) -> str:
        """What such a file is, as the end of "is …"."""
        ...

    @property
    def options(self) -> Sequence[ReaderOption]:
        """Those of this format."""
        ...

    def recognises(self, lines: Sequence[str]) -> bool:
        """Whether a file with these first lines, without blank ones and comments, is of this format. There is one."""
        ...

    def read(self, file: TraceFile, options: Mapping[str, Any]) -> Trace:
        """What `file` says; `options` has a value for each of this format's.

        :raises InputError: every problem of the file, each with its place, what was found and what is legal.
        """
        ...
