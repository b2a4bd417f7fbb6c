"""Reads the light traces of CellReplay: the base delay of a cellular path; its heavy ones are in mahimahi's format.

    time_ms base_oneway_ms pdo0 pdo1 …

Source: CellReplay (Sentosa et al., NSDI '25).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from plctl.common.base.units import NS_PER_MS
from plctl.common.scenario.readers.formats.records import Lines, quantity
from plctl.common.scenario.readers.reader import ReaderOption
from plctl.common.scenario.readers.text_lines import words_of
from plctl.common.scenario.readers.trace import Part, Trace
from plctl.common.scenario.readers.trace_file import TraceFile

_LINE = re.compile(r"[0-9]+(\.[0-9]+)?([ \t]+[0-9]+(\.[0-9]+)?){2,}")
_LONG = 3


class CellReplay:
    """The reader of them."""

    title = "a light trace of CellReplay's (times, base delays, offsets of single packets)"
    options: Sequence[ReaderOption] = ()

    def recognises(self, lines: Sequence[str]) -> bool:
        """By numbers between blanks, at least one of more than three lines longer than a pair."""
        return len(lines) >= _LONG and all(map(_LINE.fullmatch, lines))

    def read(self, file: TraceFile, options: Mapping[str, Any]) -> Trace:  # noqa: ARG002  (it has none)
        """As `Reader.read`."""
        lines = Lines(file, "delay_ns")
        for number, line in file.lines():
            cells = words_of(line)
            try:
                if len(cells) < 2:
                    raise ValueError("has no base delay behind its time")
                time_ns = quantity(cells[0], NS_PER_MS, "the time")
                lines.add(number, time_ns, delay_ns=quantity(cells[1], NS_PER_MS, "the base delay"))
            except ValueError as error:
                lines.refuse(number, error)
        lines.check("each line has a time and a base delay in ms")
        lines.shift_to_zero()
        text = "only its base delay is read; offsets of single packets depend on the workload and are not modelled"
        return Trace((Part(lines.columns),), file.refusal(text).problems)


READER = CellReplay()
