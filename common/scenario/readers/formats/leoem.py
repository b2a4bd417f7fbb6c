"""Reads LeoEM's paths: a line a second with the nodes, the delays of the hops and their sum, between dollar signs.

    t$[nodes]$n$[delays]$total   seconds, one way; −1 and −2 are the two ends
    t$NULL                       no path

Source: LeoEM (Cao and Zhang, "SaTCP", INFOCOM '23).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from plctl.common.base.problems import quote
from plctl.common.base.units import NS_PER_S
from plctl.common.scenario.readers.formats.records import Lines, RouteIds, quantity
from plctl.common.scenario.readers.reader import ReaderOption
from plctl.common.scenario.readers.text_lines import cells_of
from plctl.common.scenario.readers.trace import OUTAGE, Part, Trace
from plctl.common.scenario.readers.trace_file import TraceFile

_LINE = re.compile(r"[0-9.]+\$.*")
_FIELDS = 5


class LeoEm:
    """The reader of them."""

    title = "a trace of LeoEM's (time, nodes and delays between dollar signs)"
    options: Sequence[ReaderOption] = ()

    def recognises(self, lines: Sequence[str]) -> bool:
        """By a number and a dollar sign on each line."""
        return all(map(_LINE.fullmatch, lines))

    def read(self, file: TraceFile, options: Mapping[str, Any]) -> Trace:  # noqa: ARG002  (it has none)
        """As `Reader.read`."""
        lines = Lines(file, "delay_ns", "route", OUTAGE)
        routes = RouteIds()
        for number, line in file.lines():
            cells = cells_of(line, "$")
            before = {name: lines.columns[name][-1] if len(lines) else 0 for name in ("delay_ns", "route")}
            try:
                row = _row(cells, routes) if cells[1:] != ["NULL"] else {**before, OUTAGE: 1}
                lines.add(number, quantity(cells[0], NS_PER_S, "the time"), **row)
            except ValueError as error:
                lines.refuse(number, error)
        lines.check("each line is t$[nodes]$n$[delays]$total, or t$NULL")
        lines.shift_to_zero()
        return Trace((Part(lines.columns),))


READER = LeoEm()


def _row(cells: Sequence[str], routes: RouteIds) -> dict[str, int]:
    if len(cells) != _FIELDS:
        raise ValueError(f"{quote('$'.join(cells))} is not t$[nodes]$n$[delays]$total, nor t$NULL")
    route = routes.of("".join(cells[1].split()))
    return {"delay_ns": quantity(cells[4], NS_PER_S, "the delay"), "route": route, OUTAGE: 0}
