"""Finds in a run's log which limits its agents ran into: they spoil no verdict, but its reader should know them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from plctl.controller.results import event_log
from plctl.controller.results.event_log import Event

#: Events that tell of a limit, and the sentence that each comes to; an empty one is none.
_SENTENCES: dict[str, Callable[[Event], str]] = {
    "telemetry.dropped": lambda event: f"{event.get('reports')} reports of telemetry are missing: {event.get('cause')}",
    "socket_stats.failed": lambda event: f"sockets were not looked at to the end: {event.get('cause')}",
    "output.disk_full": lambda event: str(event.get("cause")),
    "output.unread": lambda event: str(event.get("cause")),
    "output.left_out": lambda event: f"{event.get('link')}: {event.get('cause')}",
    "forwarder.started": lambda event: _refused(event.get("refused")),
}


def limits_by_host(path: Path) -> dict[str, tuple[str, ...]]:
    """The limits that the log at `path` tells of, a sentence each, by host.

    :raises OSError: it cannot be read.
    """
    found: dict[str, dict[str, None]] = {}
    for event in event_log.from_lines(filter(_may_tell, event_log.lines_of(path))):
        tell = _SENTENCES.get(str(event.get("event")))
        if tell and (sentence := tell(event)):
            found.setdefault(str(event.get("host")), {})[sentence] = None
    return {host: tuple(sentences) for host, sentences in found.items()}


def _may_tell(line: str) -> bool:
    """A log may be long, and few lines are worth reading as JSON."""
    return any(name in line for name in _SENTENCES)


def _refused(wishes: object) -> str:
    if not isinstance(wishes, Iterable) or isinstance(wishes, str):
        return ""
    return "; ".join(map(str, wishes))
