"""Reads ntraces of Intel's link performance prediction: measured rates and latencies along a drive, as JSON.

`entries[]` have `dateTime`, and of `dlBw`, `ulBw` (kbit/s), `dlLatency`, `ulLatency` (µs) what was measured; what an
entry does not have holds on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from plctl.common.base.units import NS_PER_US
from plctl.common.scenario.readers.formats.json_text import load_json, place_of, refuse_item
from plctl.common.scenario.readers.formats.records import Lines, quantity
from plctl.common.scenario.readers.reader import ReaderOption
from plctl.common.scenario.readers.trace import Part, Trace
from plctl.common.scenario.readers.trace_file import TraceFile
from plctl.common.scenario.schedule import Direction

_FIELDS: Mapping[Direction, tuple[tuple[str, str, int], ...]] = {
    "up": (("ulBw", "rate_bps", 1000), ("ulLatency", "delay_ns", NS_PER_US)),
    "down": (("dlBw", "rate_bps", 1000), ("dlLatency", "delay_ns", NS_PER_US)),
}


class IntelLpp:
    """The reader of them."""

    title = "an ntrace of Intel's link performance prediction (JSON with entries)"
    options: Sequence[ReaderOption] = ()

    def recognises(self, lines: Sequence[str]) -> bool:
        """By the names of its keys."""
        text = "\n".join(lines)
        return text.startswith("{") and '"entries"' in text and '"dateTime"' in text

    def read(self, file: TraceFile, options: Mapping[str, Any]) -> Trace:  # noqa: ARG002  (it has none)
        """As `Reader.read`."""
        document = load_json(file)
        entries = document.get("entries") if isinstance(document, dict) else None
        if not isinstance(entries, list) or not entries:
            place = place_of(file.text, ("entries",))
            raise file.refusal("has no entries; legal is a list of one mapping for each time", *place)
        parts = []
        for direction, fields in _FIELDS.items():
            for key, name, unit in fields:
                if any(isinstance(entry, dict) and entry.get(key) is not None for entry in entries):
                    parts.append(_part(file, entries, direction, (key, name, unit)))
        if not parts:
            place = place_of(file.text, ("entries", 0))
            raise file.refusal("has entries without any of dlBw, ulBw, dlLatency and ulLatency", *place)
        warning = file.refusal("is what was measured, which is at most what the path could carry").problems
        return Trace(tuple(parts), warning)


READER = IntelLpp()


def _part(file: TraceFile, entries: Sequence[Any], direction: Direction, field: tuple[str, str, int]) -> Part:
    """One field of one direction."""
    key, name, unit = field
    lines = Lines(file, name)
    first: datetime | None = None
    for index, entry in enumerate(entries, 1):
        try:
            at = _when(entry)
            first = first or at
            if entry.get(key) is not None:
                time_ns = _ns(at, first)
                if time_ns < 0:
                    raise ValueError("dateTime is before the first entry's; times must ascend")
                value = quantity(str(entry[key]), unit, key)
                if fault := lines.fault(time_ns, {name: value}):
                    raise ValueError(fault)
                lines.add(0, time_ns, **{name: value})
        except (ValueError, TypeError) as error:
            refuse_item(lines.problems, file.text, ("entries", index - 1), f"entry {index}: {error}")
    lines.check(f"its entries have no {key}")
    return Part(lines.columns, direction)


def _when(entry: Any) -> datetime:
    if not isinstance(entry, dict) or not isinstance(entry.get("dateTime"), str):
        raise ValueError("it has no dateTime, e.g. 2020-11-10T12:50:03+01:00")
    try:
        return datetime.fromisoformat(entry["dateTime"])
    except ValueError:
        raise ValueError(f"dateTime {entry['dateTime']!r:.40} is no time in ISO 8601") from None


def _ns(at: datetime, first: datetime) -> int:
    """From `first` to `at`.

    :raises TypeError: only one of them has a time zone.
    """
    since = at - first
    return int(Decimal(since.days * 86_400 + since.seconds) * 10**9) + since.microseconds * 1000
