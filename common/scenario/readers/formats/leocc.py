"""Reads the delays of LeoCC's Starlink traces: one whole one-way delay in ms a line, a line every 10 ms.

The other half of such a trace, `bw_N.txt`, is in mahimahi's format. Source: LeoReplayer (Lai et al., SIGCOMM '25).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from plctl.common.base.units import NS_PER_MS, parse_duration
from plctl.common.scenario.readers.formats.records import Lines, quantity
from plctl.common.scenario.readers.reader import ReaderOption
from plctl.common.scenario.readers.trace import Part, Trace
from plctl.common.scenario.readers.trace_file import TraceFile

_NUMBER = re.compile(r"[0-9]{1,18}(\.[0-9]{1,18})?")


class LeoccDelay:
    """The reader of them."""

    title = "a list of delays in ms, one a line, as LeoCC has them"
    options: Sequence[ReaderOption] = (
        ReaderOption("step", parse_duration, 10 * NS_PER_MS, "The time from line to line; by default `10ms`."),
        ReaderOption("grid", parse_duration, 0,
                     "Begin a new route each such time, e.g. `15s`, as Starlink allocates paths anew."),
    )  # fmt: skip

    def recognises(self, lines: Sequence[str]) -> bool:
        """By numbers that fall somewhere: those that do not are a mahimahi trace."""
        if len(lines) < 2 or not all(map(_NUMBER.fullmatch, lines)):
            return False
        return any("." in line for line in lines) or any(int(a) > int(b) for a, b in pairwise(lines))

    def read(self, file: TraceFile, options: Mapping[str, Any]) -> Trace:
        """As `Reader.read`."""
        step_ns, grid_ns = options["step"] or 10 * NS_PER_MS, options["grid"]
        lines = Lines(file, "delay_ns", *(["route"] if grid_ns else []))
        for index, (number, line) in enumerate(file.lines()):
            route = {"route": index * step_ns // grid_ns} if grid_ns else {}
            try:
                lines.add(number, index * step_ns, delay_ns=quantity(line, NS_PER_MS, "the delay"), **route)
            except ValueError as error:
                lines.refuse(number, error)
        lines.check("each line has a delay in ms")
        return Trace((Part(lines.columns, end_ns=len(lines) * step_ns, repeats=True),))


READER = LeoccDelay()
