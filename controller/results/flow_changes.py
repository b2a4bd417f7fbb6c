"""Which TCP flows of a run got another congestion control than they began with, in sentences for people."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from plctl.controller.results import event_log
from plctl.controller.results.event_log import Event
from plctl.controller.results.run_reader import EVENTS_NAME

_EVENT = "socket.congestion_control"
#: Of more flows than this, the first are told.
MAX_FLOWS = 10


def flow_changes(folder: Path) -> list[str]:
    """One sentence for each flow whose congestion control changed, in the order of its first change.

    :raises OSError: the log of the run cannot be read.
    """
    flows: dict[str, list[Event]] = defaultdict(list)
    lines = (line for line in event_log.lines_of(folder / EVENTS_NAME) if _EVENT in line)
    for event in event_log.from_lines(lines):
        if event.get("event") == _EVENT:
            flows[_name(event)].append(event)
    told = [f"{name}: {_in_words(events)}" for name, events in flows.items()]
    more = [f"… and {len(told) - MAX_FLOWS} more: plctl events"] if len(told) > MAX_FLOWS else []
    return told[:MAX_FLOWS] + more


def _name(event: Event) -> str:
    local, remote = (f"{event.get(end)}:{event.get(f'{end}_port')}" for end in ("local", "remote"))
    return f"{event.get('link')}: congestion control of {local} → {remote}"


def _in_words(events: list[Event]) -> str:
    return ", ".join([str(events[0].get("was")), *(f"from {_since_t0(event)} {event.get('now')}" for event in events)])


def _since_t0(event: Event) -> str:
    after_s = event.get("after_t0_s")
    return f"{after_s:.3g} s" if isinstance(after_s, int | float) else "an unknown time"
