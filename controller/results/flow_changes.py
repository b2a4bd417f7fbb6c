"""Which TCP flows of a run got another congestion control than they began with, in sentences for people."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

from plctl.controller.results.run_reader import EVENTS_NAME

_EVENT = "socket.congestion_control"
#: Of more flows than this, the first are told.
MAX_FLOWS = 10


def flow_changes(folder: Path) -> list[str]:
    """One sentence for each flow whose congestion control changed, in the order of its first change.

    :raises OSError: the log of the run cannot be read.
    """
    flows: dict[str, list[dict[str, Any]]] = defaultdict(list)
    with (folder / EVENTS_NAME).open(encoding="utf-8") as log:
        for line in log:
            if _EVENT in line and (event := json.loads(line))["event"] == _EVENT:
                flows[_name(event)].append(event)
    told = [f"{name}: {_in_words(events)}" for name, events in flows.items()]
    more = [f"… and {len(told) - MAX_FLOWS} more: plctl events"] if len(told) > MAX_FLOWS else []
    return told[:MAX_FLOWS] + more


def _name(event: dict[str, Any]) -> str:
    local, remote = (f"{event[end]}:{event[f'{end}_port']}" for end in ("local", "remote"))
    return f"{event['link']}: congestion control of {local} → {remote}"


def _in_words(events: list[dict[str, Any]]) -> str:
    return ", ".join([events[0]["was"], *(f"from {event['after_t0_s']:.3g} s {event['now']}" for event in events)])
