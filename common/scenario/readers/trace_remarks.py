"""How delivery opportunities stand in a scenario CSV: comments before its header, for both directions or for each.

    # plctl: opportunities:down bytes=1500 unit=1ms period=140000ms
    # plctl: gaps 17 0*3 1*35 2

Gaps are in units: from 0 to the first instant, from there to the next, and so on; `1*35` is 35 gaps of 1. They may go
on in further lines.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from plctl.common.base import leb128
from plctl.common.base.errors import UserError
from plctl.common.base.problems import Problems, quote
from plctl.common.base.units import parse_duration
from plctl.common.scenario.opportunities import MAX_GAP_BYTES, Opportunities
from plctl.common.scenario.readers.trace import Part
from plctl.common.scenario.schedule import DIRECTIONS, Direction, Scenario

_HEAD = "# plctl: opportunities"
_GAPS = "# plctl: gaps "
_FACTS = re.compile(r"(?::(up|down))?\s+bytes=([0-9]{1,9})\s+unit=([0-9]+\S+)\s+period=([0-9]\S*)\s*")
_RUN = re.compile(r"([0-9]{1,18})(?:\*([0-9]{1,9}))?")
_WIDTH = 116
#: By direction; None: both.
Traces = Mapping[Direction | None, Opportunities]


@dataclass(slots=True)
class _Draft:
    """One of them as far as it is read."""

    line: int
    unit_ns: int
    period_ns: int
    worth_bytes: int
    gaps: bytearray


def read_traces(text: str, problems: Problems) -> Traces:
    """What the comments before the header of `text` say; what is wrong with them goes to `problems`."""
    drafts: dict[Direction | None, _Draft] = {}
    now: _Draft | None = None
    for number, line in enumerate(io.StringIO(text, newline=None), 1):
        if not line.startswith("#"):
            break
        try:
            if line.startswith(_HEAD):
                way, now = _head(line.removeprefix(_HEAD), number)
                drafts[way] = now
            elif line.startswith(_GAPS):
                _add_gaps(now, line.removeprefix(_GAPS))
        except (UserError, ValueError) as error:
            problems.add(number, 1, str(error))
    found: dict[Direction | None, Opportunities] = {}
    for direction, draft in drafts.items():
        trace = Opportunities(bytes(draft.gaps), draft.unit_ns, draft.period_ns, draft.worth_bytes)
        try:
            trace.check()
        except ValueError as error:
            problems.add(draft.line, 1, str(error))
        found[direction] = trace
    return found


def _head(text: str, number: int) -> tuple[Direction | None, _Draft]:
    match = _FACTS.fullmatch(text)
    if not match:
        example = f"{_HEAD}:down bytes=1500 unit=1ms period=140s"
        raise ValueError(f"{quote(text.strip())} says no opportunities; legal is e.g. {example}")
    way: Direction | None = next((each for each in DIRECTIONS if each == match[1]), None)
    return way, _Draft(number, parse_duration(match[3]), parse_duration(match[4]), int(match[2]), bytearray())


def _add_gaps(draft: _Draft | None, text: str) -> None:
    if draft is None:
        raise ValueError("gaps are without the opportunities that they belong to")
    for word in text.split():
        match = _RUN.fullmatch(word)
        if not match:
            raise ValueError(f"{quote(word)} is no gap; legal is a whole number, or one so many times, as in 1*35")
        gap = leb128.encode([int(match[1])])
        times = int(match[2] or 1)
        if len(draft.gaps) + len(gap) * times > MAX_GAP_BYTES:
            raise ValueError(f"there are more gaps than fit into {MAX_GAP_BYTES} bytes")
        draft.gaps += gap * times


def with_traces(parts: Sequence[Part], traces: Traces) -> tuple[Part, ...]:
    """`parts` of a scenario CSV served by `traces`."""
    if not traces:
        return tuple(parts)
    if set(traces) - {None} and len(parts) == 1:  # a trace for a direction parts what serves both
        parts = [replace(parts[0], direction=way) for way in DIRECTIONS]
    return tuple(replace(part, opportunities=traces.get(part.direction) or traces.get(None)) for part in parts)


def trace_lines(scenario: Scenario) -> Iterator[str]:
    """The comments for the opportunities of `scenario`."""
    if scenario.up.opportunities == scenario.down.opportunities:
        yield from _lines("", scenario.up.opportunities)
        return
    for way, trace in zip(DIRECTIONS, (scenario.up.opportunities, scenario.down.opportunities), strict=True):
        yield from _lines(f":{way}", trace)


def _lines(way: str, trace: Opportunities | None) -> Iterator[str]:
    if trace is None:
        return
    yield f"{_HEAD}{way} bytes={trace.worth_bytes} unit={trace.unit_ns}ns period={trace.period_ns}ns"
    line = _GAPS.rstrip()
    for word in _runs(trace):
        if len(line) + len(word) > _WIDTH:
            yield line
            line = _GAPS.rstrip()
        line += f" {word}"
    yield line


def _runs(trace: Opportunities) -> Iterator[str]:
    for piece in leb128.decode(trace.gaps):
        for gap, same in groupby(piece):
            count = sum(1 for _ in same)
            yield f"{gap}*{count}" if count > 1 else f"{gap}"
