"""The traces of other tools that are recognised but not read yet: who brings one is told what it is.

An entry leaves this table when a reader of that name is installed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from plctl.common.base.errors import InputError, Problem
from plctl.common.scenario.readers.columns import EXAMPLE_HEADER
from plctl.common.scenario.readers.reader import Reader, ReadScenario

_WHOLE = re.compile(r"[0-9]+")


@dataclass(frozen=True, slots=True)
class UnreadFormat:
    """A format by which a file can be known, and no more."""

    title: str
    recognises: Callable[[Sequence[str]], bool]

    def read(self, text: str, file: str) -> ReadScenario:  # noqa: ARG002  (as `Reader.read`)
        """Refuse it.

        :raises InputError: always.
        """
        remedy = f"a scenario begins with the line {EXAMPLE_HEADER}"
        raise InputError([Problem(file, 0, 0, f"is {self.title}, which this version does not read; {remedy}")])


def _all(pattern: str) -> Callable[[Sequence[str]], bool]:
    compiled = re.compile(pattern)
    return lambda lines: all(compiled.fullmatch(line) for line in lines)


def _first(pattern: str) -> Callable[[Sequence[str]], bool]:
    compiled = re.compile(pattern, re.IGNORECASE)
    return lambda lines: bool(compiled.match(lines[0]))


def _is_mahimahi(lines: Sequence[str]) -> bool:
    """Two lines at least: a single number is anything."""
    whole = all(map(_WHOLE.fullmatch, lines))
    return whole and len(lines) > 1 and all(int(a) <= int(b) for a, b in pairwise(lines))


def _is_netem_trace(lines: Sequence[str]) -> bool:
    return lines[0].startswith(("{", "[")) and any("Config" in line for line in lines)


_TABLE = (
    ("mahimahi", "a mahimahi trace (on each line the millisecond of a delivery opportunity)", _is_mahimahi),
    ("leoreplayer-delay", "a list of one number a line, as LeoReplayer has them for delays",
     _all(r"[0-9]+(\.[0-9]+)?")),
    ("netem-trace", "a trace of rattan's, in the format of netem-trace", _is_netem_trace),
    ("fau", "a trace derived from Hypatia's (at, delay, stddev, …)", _first("at *, *delay *, *stddev")),
    ("hypatia-rtt", "a list of times and round-trip times, as Hypatia writes them", _all("[0-9]+,[0-9]+")),
    ("hypatia-path", "a list of times and paths, as Hypatia writes them",
     _all("[0-9]+,([0-9]+(-[0-9]+)+|Unreachable)")),
    ("leoem", "a trace of LeoEM's (time, nodes and delays between dollar signs)", _all(r"[0-9.]+\$.*")),
    ("theaterq", "a trace of TheaterQ's (durations, latencies, rates, …)",
     _all("[0-9]+(,-?[0-9]+){4}((,-?[0-9]+){4,6})?")),
)  # fmt: skip
#: By the format's name; the first that recognises a file tells what it is.
UNREAD: Mapping[str, Reader] = {name: UnreadFormat(title, recognises) for name, title, recognises in _TABLE}
