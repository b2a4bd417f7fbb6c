"""How an event reads to a person: one line, the facts behind it with their units, times as times."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from plctl.common.base.printable import printable
from plctl.common.base.process_end import how_it_ended
from plctl.common.base.units import format_duration, format_rate, format_size
from plctl.controller.results.event_log import KEYS, Event

#: Columns of the line that stand below each other.
_HOST_WIDTH, _LINK_WIDTH, _EVENT_WIDTH = 10, 10, 18
#: Facts that are instants of some monotonic clock: numbers that tell a person nothing.
_INSTANTS = ("t_ns", "t_host_ns", "t0_ns", "planned_ns", "started_ns", "begin_ns")


def matches(event: Event, *, links: Sequence[str] = (), hosts: Sequence[str] = (), names: Sequence[str] = ()) -> bool:
    """Whether `event` is of these links, hosts and names; each are globs, and none of a kind lets all pass."""
    wanted = (("link", links), ("host", hosts), ("event", names))
    return all(not globs or any(fnmatchcase(str(event.get(key, "")), glob) for glob in globs) for key, globs in wanted)


def line(event: Event) -> str:
    """``04:15:30.000000  edge-1  leo-0  link.failed  cannot …  facts``, in UTC; one line, whatever is in it."""
    clock = str(event.get("ts", "")).partition("T")[2].rstrip("Z")
    head = (
        f"{clock:<15}  {event.get('host', '')!s:<{_HOST_WIDTH}}  {event.get('link', '')!s:<{_LINK_WIDTH}}"
        f"  {event.get('event', '')!s:<{_EVENT_WIDTH}}"
    )
    return printable(f"{head}  {details(event)}".rstrip())


def details(event: Event) -> str:
    """Its cause, if it has one, and its other facts."""
    facts = [_fact(name, value) for name, value in event.items() if _tells(name, value)]
    return "  ".join([*filter(None, [str(event.get("cause") or "")]), *facts])


def _tells(name: str, value: object) -> bool:
    if isinstance(value, dict):  # for programs; whoever tells it says it in words, too
        return False
    return name not in (*KEYS, *_INSTANTS, "cause") and value not in ("", None, [])


def _fact(name: str, value: object) -> str:
    for suffix, form in (("_ns", format_duration), ("_bps", format_rate), ("_bytes", format_size)):
        if name.endswith(suffix) and isinstance(value, int) and value >= 0:
            return f"{name.removesuffix(suffix)} {form(value)}"
    if name == "status" and isinstance(value, int) and value < 0:
        return how_it_ended(value)
    return f"{name} {value}"
