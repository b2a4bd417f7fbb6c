"""Reads what Hypatia's satgenpy writes for a pair of ground stations: round-trip times on a step, and paths.

    networkx_rtt_S_to_D.txt    t_ns,rtt_ns     0: the stations do not reach each other
    networkx_path_S_to_D.txt   t_ns,n1-n2-…    or Unreachable

Source: satgenpy of Hypatia (Kassing et al., IMC '20).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from plctl.common.base.problems import quote
from plctl.common.scenario.readers.formats.records import Lines, RouteIds, quantity
from plctl.common.scenario.readers.reader import ReaderOption
from plctl.common.scenario.readers.text_lines import CellError, cells_of
from plctl.common.scenario.readers.trace import OUTAGE, Part, Trace
from plctl.common.scenario.readers.trace_file import TraceFile

_RTT = re.compile(r"[0-9]+,[0-9]+(\.[0-9]*)?")
_PATH = re.compile(r"[0-9]+,([0-9]+(-[0-9]+)+|Unreachable)")


class HypatiaRtt:
    """The reader of round-trip times: the delay is half of each."""

    title = "a list of times and round-trip times, as Hypatia writes them"
    options: Sequence[ReaderOption] = ()

    def recognises(self, lines: Sequence[str]) -> bool:
        """By two numbers a line."""
        return all(map(_RTT.fullmatch, lines))

    def read(self, file: TraceFile, options: Mapping[str, Any]) -> Trace:  # noqa: ARG002  (it has none)
        """As `Reader.read`."""
        lines = Lines(file, "delay_ns", OUTAGE)
        last_ns = 0

        def row(rest: str) -> dict[str, int]:
            nonlocal last_ns
            rtt_ns = quantity(rest, 1, "the round-trip time")
            last_ns = rtt_ns // 2 or last_ns  # while there is no path, what left on the last one still has its delay
            return {"delay_ns": last_ns, OUTAGE: int(not rtt_ns)}

        return _read(lines, row, "each line has a time and a round-trip time in ns")


class HypatiaPath:
    """The reader of paths: each has a RouteID of its own, and no path is an outage."""

    title = "a list of times and paths, as Hypatia writes them"
    options: Sequence[ReaderOption] = ()

    def recognises(self, lines: Sequence[str]) -> bool:
        """By a time and a path a line."""
        return all(map(_PATH.fullmatch, lines))

    def read(self, file: TraceFile, options: Mapping[str, Any]) -> Trace:  # noqa: ARG002  (it has none)
        """As `Reader.read`."""
        lines = Lines(file, "route", OUTAGE)
        routes = RouteIds()
        last = 0

        def row(rest: str) -> dict[str, int]:
            nonlocal last
            if not _PATH.fullmatch(f"0,{rest}"):
                raise CellError(rest, f"{quote(rest)} is no path; legal is e.g. 12-3-4, or Unreachable")
            if rest == "Unreachable":
                return {"route": last, OUTAGE: 1}
            last = routes.of(rest)
            return {"route": last, OUTAGE: 0}

        return _read(lines, row, "each line has a time in ns and a path")


RTT = HypatiaRtt()
PATH = HypatiaPath()


def _read(lines: Lines, row: Callable[[str], Mapping[str, int]], expected: str) -> Trace:
    for number, line in lines.file.lines():
        try:
            cells = cells_of(line)
            if len(cells) != 2:
                raise ValueError(f"{quote(line)} has {len(cells)} cells where 2 are legal; {expected}")
            lines.add(number, quantity(cells[0], 1, "the time"), **row(cells[1]))
        except ValueError as error:
            lines.refuse(number, error)
    lines.check(expected)
    return Trace((Part(lines.columns),))
