"""A browser's end of the page's server: one request a connection, written by hand so that it can be a wrong one."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

#: How long an answer may take on a busy machine.
_PATIENCE_S = 30.0


@dataclass(frozen=True, slots=True)
class WebReply:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


@dataclass(slots=True)
class WebClient:
    """Asks the server at `url`; `headers` go with each request."""

    url: str
    headers: dict[str, str] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None

    async def get(self, path: str, **headers: str) -> WebReply:
        """The answer to GET."""
        return await self.ask("GET", path, headers)

    async def post(self, path: str, document: object = None, **headers: str) -> WebReply:
        """The answer to POST with `document` as its body."""
        return await self.ask("POST", path, headers, json.dumps(document).encode() if document is not None else b"")

    async def ask(self, method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> WebReply:
        """The answer to a request; `_` in the name of a header stands for `-`."""
        async with asyncio.timeout(_PATIENCE_S), self.opened(method, path, headers, body) as (status, found, reader):
            return WebReply(status, found, await _body(reader, found))

    @asynccontextmanager
    async def opened(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes = b""
    ) -> AsyncIterator[tuple[int, dict[str, str], asyncio.StreamReader]]:
        """Status, headers, and what the body is read from."""
        place = urlsplit(self.url)
        reader, writer = await asyncio.open_connection(place.hostname, place.port, ssl=self.tls)
        try:
            named = {"Host": place.netloc, **self.headers, **{n.replace("_", "-"): v for n, v in headers.items()}}
            lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in named.items())]
            lines += [f"Content-Length: {len(body)}"] if body or method == "POST" else []
            writer.write("\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1") + body)
            await writer.drain()
            status = int((await reader.readline()).split()[1])
            found = {}
            while line := (await reader.readline()).decode("latin-1").strip():
                name, _, value = line.partition(":")
                found[name.lower()] = value.strip()
            yield status, found, reader
        finally:
            writer.close()

    @asynccontextmanager
    async def stream(self, path: str) -> AsyncIterator[AsyncIterator[tuple[str, Any]]]:
        """The events of a stream, each with its name and document."""
        async with self.opened("GET", path, {}) as (status, found, reader):
            assert 200 == status, await _body(reader, found)
            assert "text/event-stream; charset=utf-8" == found["content-type"]
            yield _events(reader)


async def _events(reader: asyncio.StreamReader) -> AsyncIterator[tuple[str, Any]]:
    name = ""
    async for line in _lines(reader):
        word, _, rest = line.partition(b": ")
        if word == b"event":
            name = rest.decode()
        elif word == b"data":
            yield name, json.loads(rest)


async def _lines(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    rest = b""
    while True:
        async with asyncio.timeout(_PATIENCE_S):
            part = await _chunk(reader)
        *lines, rest = (rest + part).split(b"\n")
        for line in lines:
            yield line
        if not part:
            return


async def _body(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> bytes:
    if headers.get("transfer-encoding") != "chunked":
        return await reader.read()
    parts = []
    while part := await _chunk(reader):
        parts.append(part)
    return b"".join(parts)


async def _chunk(reader: asyncio.StreamReader) -> bytes:
    size = int((await reader.readline()).strip() or b"0", 16)
    data = await reader.readexactly(size) if size else b""
    await reader.readline()
    return data
