"""What every reader of scenario files is: it recognises its format by a file's first lines, and reads it whole.

A package adds one by an entry point of the group `plctl.scenario_readers`: the format's name → a `Reader`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from plctl.common.base.errors import Problem, UserError
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


def _service(text: str) -> str:
    if text not in SERVICES:
        raise UserError(f"legal is {' or '.join(SERVICES)}")
    return text


def _worth(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MAX_WORTH_BYTES:
        raise UserError(f"legal is a whole number of bytes from 1 to {MAX_WORTH_BYTES}")
    return int(text)


#: What a bottleneck may serve by.
SERVICES = ("opportunities", "rate")
#: The most bytes that an opportunity may be worth: a large super-frame.
MAX_WORTH_BYTES = 1_000_000
#: What may be said of every scenario with delivery opportunities, whatever its format.
SERVICE = ReaderOption(
    "service", _service, "",
    "`opportunities`: each instant of a trace as it is; `rate`: their mean over windows.",
)  # fmt: skip
WORTH = ReaderOption("bytes", _worth, 0, "What an opportunity is worth, of a frame less its Ethernet header: `1500`.")


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
