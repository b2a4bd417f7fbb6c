"""Finds a `plctl probe` report in what a workload printed and sums it up; anything else is simply no report."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from plctl.common.scenario.schedule import DIRECTIONS

#: The version of the probe's JSON document that is understood here.
FORMAT = 1
_LIMIT = 2**63


@dataclass(frozen=True, slots=True)
class ProbeSummary:
    """One direction of one probe session. Delays are one-way, in ns; None where the probe could not know."""

    direction: str
    sent: int | None
    received: int
    lost: int | None
    duplicates: int
    reordered: int
    frame_bps: int  #: received, with Ethernet, IP and UDP headers
    delay_ns: tuple[int, int, int, int] | None  #: min, p50, p99, max


def find_summaries(output: str) -> list[ProbeSummary]:
    """Summaries of the report that is the last line of `output`; none if that is no probe's report."""
    try:
        document = json.loads(output.rstrip().rsplit("\n", 1)[-1])
        if document["format"] != FORMAT:
            return []
        sessions = document["sessions"] if document["role"] == "server" else [document]
        return [summary for session in sessions for summary in _summaries(session)]
    except (ValueError, KeyError, TypeError, RecursionError):
        return []


def _summaries(session: dict[str, Any]) -> Iterator[ProbeSummary]:
    for direction in DIRECTIONS:
        if session[direction] is not None:
            total = session[direction]["total"]
            delay = total["delay_ns"]
            yield ProbeSummary(
                direction=direction,
                sent=None if total["sent"] is None else _count(total["sent"]),
                received=_count(total["received"]),
                lost=None if total["lost"] is None else _count(total["lost"]),
                duplicates=_count(total["duplicates"]),
                reordered=_count(total["reordered"]),
                frame_bps=_count(total["frame_bps"]),
                delay_ns=(_count(delay["min"]), _count(delay["p50"]), _count(delay["p99"]), _count(delay["max"]))
                if delay
                else None,
            )


def _count(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < _LIMIT:
        return value
    raise ValueError("a report has a whole number here")
