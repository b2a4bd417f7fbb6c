"""The lines of `events.jsonl`: what every event must carry, and the order that makes one log of all parts'."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from plctl.common.base.errors import ProtocolError
from plctl.common.base.json_text import read_json
from plctl.controller.results.run_record import rfc3339

#: What every line has, in this order; facts follow.
KEYS = ("ts", "t_ns", "host", "link", "event", "run")

#: The host of events that happened to the run as a whole.
CONTROLLER = "controller"

Event = Mapping[str, Any]

_INT64 = range(-(2**63), 2**63)
#: No line is longer than a message may be; what is, is read in pieces, and so is no event.
_MOST_CHARACTERS = 2**26


def translated(event: Event, host: str, run: str, offset_ns: int | None, arrived_ns: int) -> Event:
    """`event` of an agent in controller time, for its own host and run, whatever it says of them.

    `offset_ns` is what to add to the agent's clock for the controller's. Its own time stays as `t_host_ns` where that
    is another. While the offset is not known, the event is dated by its arrival, `arrived_ns`.

    :raises ProtocolError: it has no time.
    """
    t_ns = event.get("t_ns")
    if type(t_ns) is not int:
        raise ProtocolError("an event without a time")
    own = {**event, "host": host, "run": run}
    if offset_ns == 0:
        return own
    return {**own, "t_ns": arrived_ns if offset_ns is None else t_ns + offset_ns, "t_host_ns": t_ns}


def dated(event: Event, wall_minus_monotonic_ns: int) -> Event:
    """`event`, in controller time, with the wall-clock time that belongs to it."""
    return {**event, "ts": rfc3339(event["t_ns"] + wall_minus_monotonic_ns)}


def to_line(event: Event, run: str, host: str = "") -> str:
    """`event` as one JSON line, ending in a newline.

    What it lacks of `KEYS` is filled in: `run` and `host` as given, ``t_ns`` 0, text empty. Values that JSON does not
    know are written as text: an event is never lost for its facts.

    :raises ProtocolError: its facts lie too deep in each other.
    """
    blank = {"ts": "", "t_ns": 0, "host": host, "link": "", "event": "", "run": run}
    try:
        try:
            return json.dumps({**blank, **event}, default=str, skipkeys=True, allow_nan=False) + "\n"
        except ValueError:  # a number that JSON does not know
            return json.dumps(_with_finite_numbers({**blank, **event}), default=str, skipkeys=True) + "\n"
    except RecursionError:
        raise ProtocolError("an event whose facts lie too deep in each other") from None


def _with_finite_numbers(value: Any) -> Any:
    """`value` with whatever is not a number, or infinite, as text."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {key: _with_finite_numbers(each) for key, each in value.items()}
    return [_with_finite_numbers(each) for each in value] if isinstance(value, list | tuple) else value


def lines_of(path: Path) -> Iterator[str]:
    """The lines of the log at `path`, which anybody may have written: what is no text is replaced, nothing is endless.

    :raises OSError: it cannot be read.
    """
    with path.open(encoding="utf-8", errors="replace") as log:
        while line := log.readline(_MOST_CHARACTERS):
            yield line


def from_lines(lines: Iterable[str]) -> list[Event]:
    """The events in `lines`, without what is none, as a last line that was cut off by a full disk or a kill."""
    return [event for line in lines if (event := _parse(line)) is not None]


def cut_torn_line(path: Path) -> None:
    """Take a last line that was cut off out of the log at `path`, so that the next event begins a line of its own.

    :raises OSError: it cannot be written.
    """
    with path.open("rb+") as file:
        file.truncate(file.seek(0, os.SEEK_END) - _torn_bytes(file))


def merge(*logs: Iterable[Event]) -> list[Event]:
    """All events in the order of the controller's clock (`t_ns`); equal instants keep the order given."""
    return sorted((event for log in logs for event in log), key=lambda event: event.get("t_ns", 0))


def _torn_bytes(file: BinaryIO) -> int:
    """How many bytes come after the last newline."""
    torn, position = 0, file.seek(0, os.SEEK_END)
    while position:
        size = min(position, 65_536)
        position = file.seek(position - size)
        after = size - (file.read(size).rfind(b"\n") + 1)
        torn += after
        if after < size:
            break
    return torn


def _parse(line: str) -> Event | None:
    try:
        event = read_json(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and _is_event(event) else None


def _is_event(event: Event) -> bool:
    """Whether what every event has is of its type, as far as it is there."""
    t_ns = event.get("t_ns", 0)
    words = (event.get(key, "") for key in KEYS if key != "t_ns")
    return type(t_ns) is int and t_ns in _INT64 and all(isinstance(word, str) for word in words)
