"""Follows the log of a run: what is there in order, then what comes as it comes, and nothing twice.

When a run ends its log is put in order, so places in the file mean nothing any more: what was not told yet is then
found by comparing lines.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator

from plctl.common.base.clock import Clock
from plctl.common.base.units import NS_PER_MS
from plctl.controller.results.event_log import Event, from_lines, merge
from plctl.controller.results.run_reader import EVENTS_NAME
from plctl.controller.view.run_source import RunSource, read_whole

#: Between two looks.
LOOK_NS = 500 * NS_PER_MS


async def tail_events(source: RunSource, run: str, clock: Clock) -> AsyncIterator[Event]:
    """All events of `run` until it is over."""
    told: Counter[bytes] = Counter()
    offset, rest = 0, b""
    while True:
        part = await source.read(run, EVENTS_NAME, offset)
        if part.over:
            break
        offset += len(part.data)
        *lines, rest = (rest + part.data).split(b"\n")
        told.update(lines)
        for event in _events(lines):
            yield event
        if not part.data:
            await clock.sleep_until(clock.monotonic_ns() + LOOK_NS)
    late = Counter((await read_whole(source, run, EVENTS_NAME)).splitlines()) - told
    for event in _events(list(late.elements())):
        yield event


def _events(lines: list[bytes]) -> list[Event]:
    return merge(from_lines(line.decode(errors="replace") for line in lines))
