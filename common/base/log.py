"""The event log: what happened, as one flat JSON document an event, with the same seven words first in every line.

    {"ts": "2026-01-02T03:04:05.000006Z", "t_ns": 81…, "host": "edge-1", "link": "leo-0", "event": "link.ready",
     "run": "…", "cause": "…", …facts with units in their names}

The clock and the sink are handed in: the controller writes a file, an agent sends batches, a test keeps a list.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, MutableMapping
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import structlog

from plctl.common.base.clock import Clock, format_wall

Event = dict[str, Any]
Sink = Callable[[Event], None]

#: The words of every event, in the order they are written.
FIELDS = ("ts", "t_ns", "host", "link", "event", "run", "cause")

_EVENT_NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")


class EventLog(structlog.BoundLoggerBase):
    """Emits events that carry whatever was bound: ``log.bind(link="leo-0").emit("link.ready", built_ms=12)``."""

    def emit(self, event: str, **facts: Any) -> None:
        """Hand one event to the sink.

        :param event: lower-case dotted words, e.g. ``link.ready``.
        :param facts: `link`, `run`, `cause` where they are not bound, and anything JSON can carry; `t_ns`, by the log's
            own clock, if it happened before now.
        :raises ValueError: `event` is spelled otherwise.
        """
        if not _EVENT_NAME.fullmatch(event):
            raise ValueError(f"{event!r} is not an event's name; write lower-case words and dots, e.g. link.ready")
        self._proxy_to_logger("write", event, **facts)


class JsonLines:
    """A sink that appends each event as one line of JSON to a stream or a file, and flushes it."""

    def __init__(self, stream: IO[str]) -> None:
        """Write to `stream`, which `close` will close."""
        self._stream = stream

    @classmethod
    def open(cls, path: Path) -> Self:
        """Append to the file at `path`, made if need be.

        :raises OSError: it cannot be opened.
        """
        return cls(path.open("a", encoding="utf-8"))

    def __call__(self, event: Event) -> None:
        """Write `event`; what JSON does not know is written as its `str`.

        :raises OSError: the stream refuses.
        """
        self._stream.write(json.dumps(event, ensure_ascii=False, default=str) + "\n")
        self._stream.flush()

    def close(self) -> None:
        """Close the stream; may be called twice."""
        self._stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def make_log(sink: Sink, clock: Clock, *, host: str, run: str = "") -> EventLog:
    """An event log of the host `host` that stamps by `clock` and writes to `sink`.

    `run` may stay empty and be bound later.
    """
    stamp = _Stamp(clock)
    return EventLog(_Target(sink), [stamp], {"host": host, "run": run})


class _Stamp:
    """The structlog processor that dates an event and puts its words in order."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def __call__(self, logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:  # noqa: ARG002  (structlog's signature)
        now_ns = self._clock.monotonic_ns()
        t_ns = event.setdefault("t_ns", now_ns)
        event["ts"] = format_wall(self._clock.wall_ns() - (now_ns - t_ns))
        first = {field: event.pop(field, "") for field in FIELDS}
        return first | dict(event)


class _Target:
    """What structlog calls a logger: the last stop of an event."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    def write(self, **event: Any) -> None:
        self._sink(event)
