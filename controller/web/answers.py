"""Answers each question of the API: a method for every route of the table, by its name."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from prometheus_client.exposition import choose_encoder
from starlette.requests import Request
from starlette.responses import Response

from plctl.common import __version__
from plctl.common.base.errors import UserError
from plctl.common.base.json_text import read_json
from plctl.common.base.names import is_name
from plctl.controller.view.run_document import run_document
from plctl.controller.web import documents
from plctl.controller.web.access.gate import SESSION_S, Gate, Visitor, address_of, cookie_name
from plctl.controller.web.curves import TimeSpan
from plctl.controller.web.file_answer import file_answer
from plctl.controller.web.monitoring.families import registry_of
from plctl.controller.web.openapi import openapi
from plctl.controller.web.routes import BadRequestError
from plctl.controller.web.sources.records import RecordCache
from plctl.controller.web.sources.source import WebSource
from plctl.controller.web.streams.event_stream import EventStream, StreamSlots
from plctl.controller.web.streams.overview import Overview
from plctl.controller.web.streams.run_feed import Followed, RunFeed, RunFeeds, follow_run

#: Links whose telemetry one stream brings point by point.
MOST_LINKS = 16
#: Of a request's body.
_BODY_BYTES = 4096
#: Telemetry files that are read at a time: to read one may take a second of a CPU.
_READERS = 2


@dataclass(frozen=True, slots=True)
class Question:
    """One question that was let through."""

    request: Request
    visitor: Visitor
    values: Mapping[str, Any]  #: of its parameters

    def text(self, name: str) -> str:
        """A parameter that is text; empty if it was not given."""
        return str(self.values[name] or "")


class Answers:
    """What there is to say of `source`; each method returns a document, or a `Response` as it is."""

    def __init__(self, source: WebSource, gate: Gate) -> None:
        self._source = source
        self._gate = gate
        self._records = RecordCache()
        self._feeds = RunFeeds(source, self._records)
        self._overview = Overview(source)
        self.slots = StreamSlots()
        self._reading = asyncio.Semaphore(_READERS)
        self._scraping = asyncio.Lock()

    # --- who asks

    async def session(self, asked: Question) -> dict[str, Any]:
        """Who asks."""
        return self._session(asked.visitor)

    async def login(self, asked: Question) -> Response:
        """Log in."""
        token = (await _body(asked.request)).get("token")
        if not isinstance(token, str):
            raise BadRequestError('the body is no JSON object like {"token": "plctl_…"}')
        visitor, cookie = self._gate.log_in(token.strip(), address_of(asked.request))
        answer = Response(json.dumps(self._session(visitor)), media_type="application/json")
        if cookie:
            name, secure = cookie_name(asked.request), asked.request.url.scheme == "https"
            answer.set_cookie(name, cookie, max_age=SESSION_S, secure=secure, httponly=True, samesite="strict")
        return answer

    async def logout(self, asked: Question) -> Response:
        """Log out."""
        self._gate.log_out(asked.request)
        answer = Response(json.dumps(self._session(Visitor())), media_type="application/json")
        name, secure = cookie_name(asked.request), asked.request.url.scheme == "https"
        answer.delete_cookie(name, secure=secure, httponly=True, samesite="strict")
        return answer

    def _session(self, visitor: Visitor) -> dict[str, Any]:
        return {
            "role": visitor.role,
            "name": visitor.name,
            "login": self._gate.has_to_log_in(visitor),
            "can_cancel": visitor.role == "operator" and self._source.kind != "folders",
            "csrf": visitor.csrf,
            "version": __version__,
            "source": self._source.kind,
            "now_ns": time.monotonic_ns(),
        }

    # --- lists

    async def agents(self, _: Question) -> dict[str, Any]:
        """The agents."""
        return documents.agents_document(self._source.agents())

    async def runs(self, asked: Question) -> Any:
        """The newest runs."""
        return documents.runs_document(await self._source.runs.runs(asked.values["limit"]))

    async def studies(self, _: Question) -> list[dict[str, Any]]:
        """The studies."""
        return await asyncio.to_thread(self._overview.studies.all)

    async def study(self, asked: Question) -> dict[str, Any]:
        """One study."""
        return await asyncio.to_thread(self._overview.studies.one, self._study_folder(asked))

    def _study_folder(self, asked: Question) -> Path:
        name = asked.text("name")
        for folder in self._source.study_folders():
            if folder.name == name:
                return folder
        raise UserError(f"there is no study {name!r:.80} here")

    # --- one run

    async def run(self, asked: Question) -> dict[str, Any]:
        """How a run is."""
        run = asked.text("run")
        record = await self._records.get(self._source.path(run))
        state = await self._source.runs.state(run)
        return await asyncio.to_thread(run_document, record, state, self._source.runs.folder(run))

    async def why(self, asked: Question) -> dict[str, Any]:
        """Why a link, or which links, are not ok."""
        run = asked.text("run")
        if link := asked.text("link"):
            return await documents.why_document(self._source.runs, run, link)
        return documents.not_ok_document(await self._records.get(self._source.path(run)))

    async def events(self, asked: Question) -> dict[str, Any]:
        """The log from somewhere on."""
        run = asked.text("run")
        record = await self._records.get(self._source.path(run))
        events, following = await documents.read_log(self._source.runs, run, asked.values["after"])
        return {"events": [documents.event_document(each, record.t0_ns) for each in events], "next": following}

    async def link(self, asked: Question) -> dict[str, Any]:
        """What a link was asked beside what it did."""
        run = asked.text("run")
        folder = self._source.path(run)
        record = await self._records.get(folder)
        link = documents.find_link(record, asked.text("link"))
        from_s, to_s = asked.values["from_s"], asked.values["to_s"]
        span = TimeSpan(float("-inf") if from_s is None else from_s, float("inf") if to_s is None else to_s)
        async with self._reading:
            return await documents.link_document(record, link, folder, span, asked.values["points"])

    async def matrix(self, asked: Question) -> dict[str, Any]:
        """A row for each link."""
        run = asked.text("run")
        if feed := self._feeds.known(run):
            return feed.matrix()
        feed = RunFeed(self._source, self._records, run)
        await feed.begin()
        return feed.matrix()

    async def output(self, asked: Question) -> dict[str, Any]:
        """What a workload has printed."""
        run, link, workload, stream = map(asked.text, ("run", "link", "workload", "stream"))
        if not (is_name(link) and is_name(workload)):
            raise UserError(f"{run:.80} has no workload {workload!r:.80} of a link {link!r:.80}")
        name = f"{workload}.{stream}"
        return await documents.output_document(self._source.runs, run, link, name, asked.values["offset"])

    async def files(self, asked: Question) -> list[dict[str, Any]]:
        """Its files."""
        found = await self._source.runs.files(asked.text("run"))
        return [{"path": each.path, "size": each.size, "bytes": each.size} for each in found]

    async def file(self, asked: Question) -> Response:
        """One of its files."""
        return file_answer(self._source.path(asked.text("run")), asked.text("path"))

    async def cancel(self, asked: Question) -> dict[str, Any]:
        """End it."""
        return {"what": await self._source.cancel(asked.text("run"), asked.visitor.name)}

    async def cancel_study(self, asked: Question) -> dict[str, Any]:
        """End one."""
        return {"what": await self._source.cancel_study(self._study_folder(asked).name, asked.visitor.name)}

    # --- streams

    async def stream(self, asked: Question) -> Response:
        """Everything in short, as it changes."""
        return EventStream(self._held(asked, self._overview.messages()))

    async def run_stream(self, asked: Question) -> Response:
        """One run as it goes on."""
        links = tuple(dict.fromkeys(name for name in asked.text("links").split(",") if name))
        if len(links) > MOST_LINKS:
            raise BadRequestError(f"{len(links)} links; one stream follows at most {MOST_LINKS}")
        wanted = Followed(asked.text("run"), links, asked.values["after"])
        self._source.path(wanted.run)
        return EventStream(self._held(asked, follow_run(self._source, self._feeds, wanted)))

    def _held(self, asked: Question, messages: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
        """`messages` as long as their reader may have them. The stream is counted before it begins, so that
        one too many is refused with a status.

        :raises TooManyStreamsError: so many are open already.
        """
        who = f"{asked.visitor.name} {address_of(asked.request)}"
        place = self.slots.take(who)
        place.__enter__()

        async def guarded() -> AsyncGenerator[bytes, None]:
            try:
                async for each in messages:
                    if not self._gate.remains(asked.visitor, asked.request):  # the token was revoked meanwhile
                        return
                    yield each
            finally:
                place.__exit__(None, None, None)
                await messages.aclose()

        return guarded()

    async def metrics(self, asked: Question) -> Response:
        """What Prometheus scrapes. Text is made in a thread, one at a time: it may take some tenths of a second."""
        encode, kind = choose_encoder(asked.request.headers.get("accept", ""))
        async with self._scraping:
            snapshot = replace(self._source.monitored(), streams=self.slots.open)
            text = await asyncio.to_thread(lambda: encode(registry_of(snapshot)))
        return Response(text, headers={"Content-Type": kind})

    async def openapi(self, _: Question) -> dict[str, Any]:
        """The API."""
        return openapi()


async def _body(request: Request) -> dict[str, Any]:
    """The JSON object that was sent; empty if nothing was.

    :raises BadRequestError: it is none, or too long.
    """
    data = b""
    async for part in request.stream():
        data += part
        if len(data) > _BODY_BYTES:
            raise BadRequestError(f"the body has more than {_BODY_BYTES} bytes")
    try:
        found = read_json(data or b"{}")
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise BadRequestError("the body is no JSON object")
    return found
