"""Reads the JSON that IRTT writes: a round trip a line, some of them lost.

Half of each round-trip time is the delay; a lost one is never a delay of 0. Source: the documentation of IRTT.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from plctl.common.base.problems import quote
from plctl.common.scenario.readers.formats.gaps import GAP, Measurements
from plctl.common.scenario.readers.formats.json_text import load_json, place_of, refuse_item
from plctl.common.scenario.readers.reader import ReaderOption
from plctl.common.scenario.readers.trace import Trace
from plctl.common.scenario.readers.trace_file import TraceFile


class Irtt:
    """The reader of it."""

    title = "a measurement of IRTT's (JSON with round_trips)"
    options: Sequence[ReaderOption] = (GAP,)

    def recognises(self, lines: Sequence[str]) -> bool:
        """By what its documents begin with, or by their round trips."""
        text = "\n".join(lines)
        return text.startswith("{") and (
            '"round_trips"' in text or ('"irtt_version"' in text or '"server_addr"' in text)
        )

    def read(self, file: TraceFile, options: Mapping[str, Any]) -> Trace:
        """As `Reader.read`."""
        document = load_json(file)
        trips = document.get("round_trips") if isinstance(document, dict) else None
        if not isinstance(trips, list) or not trips:
            place = place_of(file.text, ("round_trips",))
            raise file.refusal("has no round_trips; legal is a list of one mapping for each", *place)
        interval_ns = _at(document, "config", "params", "interval")
        samples = Measurements(file, "delay_ns")
        for number, trip in enumerate(trips, 1):
            try:
                samples.add(_when(trip, interval_ns), _delay_ns(trip))
            except ValueError as error:
                refuse_item(samples.problems, file.text, ("round_trips", number - 1), f"round trip {number}: {error}")
        warning = file.refusal("is measured: the delay is half of each round-trip time, queues included").problems
        return Trace((samples.part(options[GAP.name]),), warning)


READER = Irtt()


def _at(document: Any, *keys: str) -> Any:
    for key in keys:
        document = document.get(key) if isinstance(document, dict) else None
    return document


def _when(trip: Any, interval_ns: Any) -> int:
    """When it was sent, by the best clock that the document has."""
    for clock in ("monotonic", "wall"):
        if isinstance(found := _at(trip, "timestamps", "client", "send", clock), int) and not isinstance(found, bool):
            return found
    if isinstance(number := _at(trip, "seqno"), int) and isinstance(interval_ns, int) and interval_ns > 0:
        return number * interval_ns
    raise ValueError("it has no timestamp, and the document no interval")


def _delay_ns(trip: Any) -> int | None:
    """Half of the round-trip time; None: it was lost."""
    lost = _at(trip, "lost")
    if lost in (True, "true", "true_up", "true_down"):
        return None
    rtt_ns = _at(trip, "delay", "rtt")
    if not isinstance(rtt_ns, int) or isinstance(rtt_ns, bool) or rtt_ns < 0:
        raise ValueError(f"it has neither lost nor a delay.rtt in ns: {quote(str(trip))}")
    return rtt_ns // 2
