"""Looks at a run a few times a second while somebody follows it, once for all readers."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from plctl.common.base.background import by_itself
from plctl.common.base.errors import PlctlError, UserError
from plctl.common.protocol import requests as rq
from plctl.controller.results.run_record import RunRecord
from plctl.controller.view.follow import is_over
from plctl.controller.view.live_model import LiveModel
from plctl.controller.view.live_state import apply_state
from plctl.controller.view.run_document import state_document
from plctl.controller.web.documents import event_document, matrix_row, read_log
from plctl.controller.web.sources.records import RecordCache
from plctl.controller.web.sources.source import WebSource
from plctl.controller.web.streams.event_stream import framed, message
from plctl.controller.web.streams.sample_tap import SampleTap

#: How often telemetry is passed on, and how often the whole run is looked at.
TICK_S = 0.2
LOOK_S = 0.5
#: So often every reader hears something, so that it notices a dead connection.
PING_S = 5.0


class RunFeed:
    """What is known of one run that somebody follows."""

    def __init__(self, source: WebSource, records: RecordCache, run: str) -> None:
        self.run = run
        self.over = False
        self.record: RunRecord
        self.state: rq.RunState
        self.taps: set[SampleTap] = set()
        self.readers = 0
        self._source = source
        self._records = records
        self._model: LiveModel
        self._rows: dict[str, tuple[int, dict[str, Any]]] = {}  #: link → since which look it is so, and its row
        self._number = 0  #: of the last look
        self._encoded: dict[int, bytes] = {}  #: rows since a look
        self._ticked = asyncio.Event()
        self._next_look_s = 0.0
        self._error: PlctlError | None = None

    async def begin(self) -> None:
        """Look for the first time.

        :raises UserError: there is no such run.
        """
        self.record = await self._records.get(self._source.path(self.run))
        self._model = LiveModel([link.plan for link in self.record.links], self.record.duration_ns)
        self.state = await self._source.runs.state(self.run)
        self._look(None, self.state)

    async def go_on(self) -> None:
        """Look again and again, until the run is over."""
        while not self.over and self._error is None:
            await asyncio.sleep(TICK_S)
            try:
                await self._tick()
            except PlctlError as error:  # its folder is gone, for example
                self._error = error
            self._ticked.set()
            self._ticked = asyncio.Event()

    async def ticked(self) -> None:
        """Return once there may be something new.

        :raises PlctlError: the run cannot be looked at any more.
        """
        if self._error:
            raise self._error
        if not self.over:
            await self._ticked.wait()

    @property
    def looks(self) -> int:
        """How many there were."""
        return self._number

    def rows_since(self, look: int) -> bytes:
        """The document of the rows that have changed since that look; empty if none has."""
        if look not in self._encoded:
            rows = [row for number, row in self._rows.values() if number > look]
            document = {"now_ns": self.state.now_ns, "links": rows}
            self._encoded[look] = json.dumps(document, separators=(",", ":")).encode() if rows else b""
        return self._encoded[look]

    def matrix(self) -> dict[str, Any]:
        """All rows."""
        return {"now_ns": self.state.now_ns, "links": [row for _, row in self._rows.values()]}

    def host_of(self, link: str) -> str:
        """The host that carries `link`."""
        return next((each.host for each in self.record.links if each.plan.name == link), "")

    async def _tick(self) -> None:
        view = await self._source.watch(self.run)
        for tap in self.taps:
            tap.attach(view)
        if (now_s := time.monotonic()) >= self._next_look_s:
            self._next_look_s = now_s + LOOK_S
            before, self.state = self.state, await self._source.runs.state(self.run)
            if (self.state.t0_ns and not self.record.t0_by_host()) or self.state.info.verdict:
                self.record = await self._records.get(self._source.path(self.run))
            self._look(before, self.state)

    def _look(self, before: rq.RunState | None, after: rq.RunState) -> None:
        self._number += 1
        self._encoded.clear()
        apply_state(self._model, before, after)
        for link in self.record.links:
            name = link.plan.name
            row = matrix_row(self._model.links[name], link)
            if name not in self._rows or self._rows[name][1] != row:
                self._rows[name] = self._number, row
        self.over = is_over(after)


class RunFeeds:
    """The feeds of runs that somebody follows: each begins with its first reader and ends with its last."""

    def __init__(self, source: WebSource, records: RecordCache) -> None:
        self._source = source
        self._records = records
        self._feeds: dict[str, RunFeed] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._opening = asyncio.Lock()

    @asynccontextmanager
    async def follow(self, run: str) -> AsyncIterator[RunFeed]:
        """The feed of `run`, for one reader.

        :raises UserError: there is no such run.
        """
        async with self._opening:
            feed = self._feeds.get(run)
            if feed is None or feed.over:
                feed = RunFeed(self._source, self._records, run)
                await feed.begin()
                self._feeds[run] = feed
                self._tasks[run] = asyncio.create_task(by_itself(feed.go_on(), f"the feed of {run}"))
            feed.readers += 1
        try:
            yield feed
        finally:
            feed.readers -= 1
            if not feed.readers and self._feeds.get(run) is feed:
                del self._feeds[run]
                self._tasks.pop(run).cancel()

    def known(self, run: str) -> RunFeed | None:
        """The feed of `run`, if somebody follows it."""
        return self._feeds.get(run)


@dataclass(frozen=True, slots=True)
class Followed:
    """What one reader wants of a run."""

    run: str
    links: tuple[str, ...] = ()  #: whose telemetry it gets point by point
    after: int = 0  #: from which byte of the log on


async def follow_run(source: WebSource, feeds: RunFeeds, wanted: Followed) -> AsyncGenerator[bytes, None]:
    """The messages for one reader, made when it is ready for them."""
    async with feeds.follow(wanted.run) as feed:
        tap = SampleTap(wanted.links)
        tap.attach(await source.watch(wanted.run))
        feed.taps.add(tap)
        try:
            async for each in _messages(source, feed, wanted, tap):
                yield each
        except UserError as error:
            yield message("error", {"error": str(error)})
        finally:
            feed.taps.discard(tap)
            tap.attach(None)


async def _messages(source: WebSource, feed: RunFeed, wanted: Followed, tap: SampleTap) -> AsyncGenerator[bytes, None]:
    seen, told, spoken_s, after = 0, "", 0.0, wanted.after
    while True:
        over = feed.over
        state = _state(source, feed)
        words = json.dumps({name: value for name, value in state.items() if name != "now_ns"})
        if words != told or time.monotonic() - spoken_s >= PING_S:
            told, spoken_s = words, time.monotonic()
            yield message("state", state)
            yield message("ping", {"now_ns": feed.state.now_ns})
        if rows := feed.rows_since(seen):
            yield framed("matrix", rows)
        seen = feed.looks
        for document in tap.take(feed.record.t0_by_host(), feed.host_of):
            yield message("sample", document)
        if dropped := tap.take_dropped():
            yield message("dropped", {"samples": dropped})
        events, next_byte = await read_log(source.runs, wanted.run, after)
        if next_byte > after:
            after = next_byte
            documents = [event_document(event, feed.record.t0_ns) for event in events]
            yield message("event", {"events": documents, "next": after})
            continue  # there may be more
        if over:
            yield message("end", {})
            return
        await feed.ticked()


def _state(source: WebSource, feed: RunFeed) -> dict[str, Any]:
    document = state_document(feed.record, feed.state, source.runs.folder(feed.run))
    return {**document, "lateness_budget_ns": feed.record.budget.lateness_ns}
