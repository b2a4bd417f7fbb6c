"""Server-sent events to one reader, without a queue: what is newest is made when the reader has taken what was before.

So a slow reader gets less often, and never costs memory: what waits for it is one message, and what its connection
holds. One that takes nothing for a long time loses its connection, which others may want.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncGenerator, Iterator, MutableMapping
from contextlib import aclosing, contextmanager, suppress
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from plctl.common.base.background import background
from plctl.common.base.errors import WorldError

#: A reader that takes nothing for so long counts as gone.
STUCK_S = 30.0
#: How many streams may be open at a time: in all, and of one person or address.
MOST_STREAMS = 64
MOST_OF_ONE = 16

_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class TooManyStreamsError(WorldError):
    """No further stream can be opened now."""


class StreamSlots:
    """Counts the streams that are open."""

    def __init__(self, most: int = MOST_STREAMS, most_of_one: int = MOST_OF_ONE) -> None:
        self._most = most
        self._most_of_one = most_of_one
        self._open: Counter[str] = Counter()

    @property
    def open(self) -> int:
        """How many there are."""
        return self._open.total()

    @contextmanager
    def take(self, who: str) -> Iterator[None]:
        """One of them, for the time of the block.

        :raises TooManyStreamsError: there are enough.
        """
        if self.open >= self._most or self._open[who] >= self._most_of_one:
            raise TooManyStreamsError(f"too many streams are open ({self.open}); close a page and try again")
        self._open[who] += 1
        try:
            yield
        finally:
            self._open[who] -= 1
            if not self._open[who]:
                del self._open[who]


def message(event: str, document: object) -> bytes:
    """One event, its document as a line of JSON."""
    return framed(event, json.dumps(document, separators=(",", ":"), allow_nan=False).encode())


def framed(event: str, data: bytes) -> bytes:
    """One event whose document is `data` already."""
    return b"event: %b\ndata: %b\n\n" % (event.encode(), data)


class EventStream(Response):
    """Sends what `messages` yields, one after the other, until it ends or the reader is gone."""

    media_type = "text/event-stream"

    def __init__(self, messages: AsyncGenerator[bytes, None], stuck_s: float = STUCK_S) -> None:
        super().__init__(headers=_HEADERS)
        self._messages = messages
        self._stuck_s = stuck_s
        del self.headers["content-length"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  (ASGI's signature)
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        with suppress(_GoneError, TimeoutError, OSError):
            async with background() as tasks:
                tasks.create_task(_until_gone(receive))
                async with aclosing(self._messages) as messages:
                    async for each in messages:
                        await self._send(send, {"type": "http.response.body", "body": each, "more_body": True})
                await self._send(send, {"type": "http.response.body", "body": b""})

    async def _send(self, send: Send, part: MutableMapping[str, Any]) -> None:
        async with asyncio.timeout(self._stuck_s):
            await send(part)


class _GoneError(Exception):
    """The reader has closed the connection."""


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    raise _GoneError
