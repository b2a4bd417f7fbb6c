"""Reads traces that FAU derived from Hypatia's.

    at,delay,stddev,min_link_cap,max_link_cap,queue_capacity,hops,dropratio,route

Times and delays in µs, capacities in bit/s, the queue in packets, the ratio from 0 to 1. The rate of a path is its
smallest link's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from plctl.common.base.problems import quote
from plctl.common.base.units import NS_PER_US
from plctl.common.scenario.readers.formats.records import Lines, RouteIds, quantity
from plctl.common.scenario.readers.reader import ReaderOption
from plctl.common.scenario.readers.text_lines import CellError, cells_of
from plctl.common.scenario.readers.trace import Part, Trace
from plctl.common.scenario.readers.trace_file import TraceFile

_HEADER = re.compile("at *, *delay *, *stddev", re.IGNORECASE)
_NEEDED = ("at", "delay", "min_link_cap")
_NAMES = "at, delay, stddev, min_link_cap, max_link_cap, queue_capacity, hops, dropratio, route"
_FULL_FRAME = 1514
_PPB = 10**9


class Fau:
    """The reader of them."""

    title = "a trace derived from Hypatia's (at, delay, stddev, …)"
    options: Sequence[ReaderOption] = ()

    def recognises(self, lines: Sequence[str]) -> bool:
        """By its header."""
        return _HEADER.match(lines[0]) is not None

    def read(self, file: TraceFile, options: Mapping[str, Any]) -> Trace:  # noqa: ARG002  (it has none)
        """As `Reader.read`."""
        rows = file.lines()
        number, header = next(rows, (0, ""))
        names = ["route" if cell.strip() == "route_id" else cell.strip() for cell in header.lower().split(",")]
        lines = Lines(file, "delay_ns", "rate_bps", "jitter_ns", "queue_bytes", "loss_ppb", "route")
        if missing := [name for name in _NEEDED if names.count(name) != 1]:
            text = f"the header has {names.count(missing[0]) or 'no'} {missing[0]}; legal is one each of {_NAMES}"
            raise file.refusal(text, number, 1)
        routes = RouteIds()
        for line, text in rows:
            cells = cells_of(text)
            try:
                if len(cells) != len(names):
                    raise ValueError(f"has {len(cells)} cells where the header has {len(names)}")
                lines.add(line, **_row(dict(zip(names, cells, strict=True)), routes))
            except ValueError as error:
                lines.refuse(line, error)
        lines.check("each line has a time, a delay and a capacity")
        return Trace((Part(lines.columns),))


READER = Fau()


def _row(cells: Mapping[str, str], routes: RouteIds) -> dict[str, int]:
    loss_ppb = quantity(cells.get("dropratio", "0"), _PPB, "the drop ratio")
    if loss_ppb > _PPB:
        ratio = cells["dropratio"]
        raise CellError(ratio, f"the drop ratio {quote(ratio)} is more than 1; legal is 0 to 1")
    return {
        "time_ns": quantity(cells["at"], NS_PER_US, "the time"),
        "delay_ns": quantity(cells["delay"], NS_PER_US, "the delay"),
        "rate_bps": quantity(cells["min_link_cap"], 1, "the capacity"),
        "jitter_ns": quantity(cells.get("stddev", "0"), NS_PER_US, "the deviation"),
        "queue_bytes": quantity(cells["queue_capacity"], _FULL_FRAME, "the queue") if "queue_capacity" in cells else -1,
        "loss_ppb": loss_ppb,
        "route": routes.of(cells.get("route", "").strip()),
    }
