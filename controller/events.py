"""The lines of `events.jsonl`: what every event must carry, and the order that makes one story of all parts'."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

#: What every line has, in this order; facts follow.
KEYS = ("ts", "t_ns", "host", "link", "event", "run")

Event = Mapping[str, Any]


def to_line(event: Event, run: str, host: str = "") -> str:
    """`event` as one JSON line, ending in a newline.

    What it lacks of `KEYS` is filled in: `run` and `host` as given, ``t_ns`` 0, text empty. Values that JSON does not
    know are written as text: an event is never lost for its facts.
    """
    blank = {"ts": "", "t_ns": 0, "host": host, "link": "", "event": "", "run": run}
    return json.dumps({**blank, **event}, default=str) + "\n"


def from_lines(lines: Iterable[str]) -> list[Event]:
    """The events in `lines`. A last line that was cut off, as by a full disk or a kill, is left out."""
    return [event for line in lines if (event := _parse(line)) is not None]


def merge(*logs: Iterable[Event]) -> list[Event]:
    """All events in the order of the controller's clock (`t_ns`); equal instants keep the order given."""
    return sorted((event for log in logs for event in log), key=lambda event: int(event.get("t_ns", 0)))


def _parse(line: str) -> Event | None:
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None
