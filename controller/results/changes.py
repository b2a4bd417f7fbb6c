"""Finds in a run's log how its links were changed while they ran, as their agents told it in their reports."""

from __future__ import annotations

from pathlib import Path

from plctl.common.base.errors import ProtocolError
from plctl.common.plan.link_change import CHANGEABLE, AppliedChange
from plctl.common.protocol.wire import from_plain
from plctl.controller.results import event_log
from plctl.controller.results.event_log import Event

EVENT = "scenario.changed"


def changes_by_link(path: Path) -> dict[str, tuple[AppliedChange, ...]]:
    """The changes that the log at `path` tells of, in the order in which they hold, by link.

    :raises OSError: it cannot be read.
    """
    found: dict[str, dict[int, AppliedChange]] = {}
    for event in event_log.from_lines(line for line in event_log.lines_of(path) if EVENT in line):
        if event.get("event") == EVENT and (change := change_of(event)):
            found.setdefault(str(event.get("link")), {})[change.at_ns] = change
    return {link: tuple(each for _, each in sorted(changes.items())) for link, changes in found.items()}


def change_of(event: Event) -> AppliedChange | None:
    """The change that an event tells of; None if it is not one, whatever its agent meant."""
    try:
        change = from_plain(
            AppliedChange,
            {
                "at_ns": event.get("at_ns"),
                "change": {"up": event.get("up"), "down": event.get("down"), "hold": event.get("hold")},
                "before": {"up": event.get("up_before"), "down": event.get("down_before")},
                "by": event.get("by"),
            },
        )
    except ProtocolError:
        return None
    named = {*change.change.up, *change.change.down}
    return change if change.at_ns >= 0 and named and named <= {*CHANGEABLE} else None
