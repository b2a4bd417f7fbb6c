"""Follows agents, runs and studies as a whole: small documents, sent again when they have changed."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from plctl.common.base.background import by_itself
from plctl.common.base.errors import PlctlError
from plctl.controller.study_folder.journal import is_going_on
from plctl.controller.web.documents import agents_document, runs_document, study_of
from plctl.controller.web.sources.records import FileCache
from plctl.controller.web.sources.source import WebSource
from plctl.controller.web.streams.event_stream import framed, message

#: Between two looks, and between two documents that differ only in how long agents have been silent.
LOOK_S = 0.5
AGENTS_S = 2.0
#: So often every reader hears something.
PING_S = 5.0
#: Runs that are listed.
MOST_RUNS = 100
#: Studies whose documents are kept.
_STUDIES = 64


class Studies:
    """The documents of studies, made anew when their journals have grown."""

    def __init__(self, source: WebSource) -> None:
        self._source = source
        self._cache = FileCache[dict[str, Any]](lambda path: study_of(path.parent), _STUDIES)

    def all(self) -> list[dict[str, Any]]:
        """Those that can be read, by name."""
        found = []
        for folder in self._source.study_folders():
            try:
                found.append(self.one(folder))
            except PlctlError:  # it is being made, or was spoiled
                continue
        return found

    def one(self, folder: Path) -> dict[str, Any]:
        """That of the study in `folder`.

        :raises UserError: it cannot be read.
        """
        document = self._cache.get(folder / "journal.jsonl")
        return {**document, "goes_on": is_going_on(folder)}


class Overview:
    """Looks at agents, runs and studies while somebody follows them, once for all readers."""

    def __init__(self, source: WebSource) -> None:
        self._source = source
        self.studies = Studies(source)
        self._topics: dict[str, tuple[int, bytes]] = {}  #: topic → since which look it is so, and its document
        self._look = 0
        self._readers = 0
        self._task: asyncio.Task[None] | None = None
        self._ticked = asyncio.Event()
        self._agents_s = 0.0

    async def messages(self) -> AsyncGenerator[bytes, None]:
        """The messages for one reader, made when it is ready for them."""
        async with self._followed():
            seen, spoken_s = 0, 0.0
            while True:
                if time.monotonic() - spoken_s >= PING_S:
                    spoken_s = time.monotonic()
                    yield message("ping", {"now_ns": time.monotonic_ns()})
                new = [(name, data) for name, (look, data) in self._topics.items() if look > seen]
                seen = self._look
                for name, data in new:
                    yield framed(name, data)
                await self._ticked.wait()

    @asynccontextmanager
    async def _followed(self) -> AsyncIterator[None]:
        self._readers += 1
        if self._task is None:
            await self._tick()
            self._task = asyncio.create_task(by_itself(self._go_on(), "the overview"))
        try:
            yield
        finally:
            self._readers -= 1
            if not self._readers and self._task:
                self._task.cancel()
                self._task = None

    async def _go_on(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            await self._tick()
            self._ticked.set()
            self._ticked = asyncio.Event()

    async def _tick(self) -> None:
        self._look += 1
        if (now_s := time.monotonic()) - self._agents_s >= AGENTS_S:
            self._agents_s = now_s
            self._note("agents", agents_document(self._source.agents()))
        self._note("runs", runs_document(await self._source.runs.runs(MOST_RUNS)))
        self._note("studies", await asyncio.to_thread(self.studies.all))

    def _note(self, name: str, document: object) -> None:
        data = json.dumps(document, separators=(",", ":")).encode()
        if name not in self._topics or self._topics[name][1] != data:
            self._topics[name] = self._look, data
