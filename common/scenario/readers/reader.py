"""What every reader of scenario files is: it recognises its format by a file's first lines, and reads it whole.

A package adds one by an entry point of the group `plctl.scenario_readers`: the format's name → a `Reader`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from plctl.common.base.errors import Problem
from plctl.common.scenario.schedule import Scenario

#: The entry points' group.
GROUP = "plctl.scenario_readers"


@dataclass(frozen=True, slots=True)
class ReadScenario:
    """A scenario that passed every check, with what its author should still know."""

    scenario: Scenario
    warnings: tuple[Problem, ...]
    text: str  #: the file as it was read


class Reader(Protocol):
    """One format."""

    @property
    def title(self) -> str:
        """What such a file is, as the end of "is …"."""
        ...

    def recognises(self, lines: Sequence[str]) -> bool:
        """Whether a file with these first lines, without blank ones and comments, is of this format. There is one."""
        ...

    def read(self, text: str, file: str) -> ReadScenario:
        """The scenario that `text` describes; `file` is its name for messages.

        :raises InputError: every problem of the file, each with its place, what was found and what is legal.
        """
        ...
