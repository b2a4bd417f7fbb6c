"""A stream costs one message for each reader, however slow, and has a bound on readers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, MutableMapping
from typing import Any

import pytest

from plctl.controller.web.streams.event_stream import EventStream, StreamSlots, TooManyStreamsError, message


class Reader:
    """The other end of an ASGI application's answer, which takes messages when it is let."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.may_take = asyncio.Semaphore(1)  # how the answer begins
        self.left = asyncio.Event()

    async def send(self, part: MutableMapping[str, Any]) -> None:
        """Take a part, once that is allowed."""
        await self.may_take.acquire()
        self.taken.append(part.get("body", b""))

    async def receive(self) -> MutableMapping[str, Any]:
        """Say that the connection is closed, once it is."""
        await self.left.wait()
        return {"type": "http.disconnect"}


class Source:
    """Messages with the newest of a number that grows."""

    def __init__(self) -> None:
        self.newest = 0
        self.made = 0
        self.closed = False

    async def messages(self) -> AsyncGenerator[bytes, None]:
        """Made when they are asked for."""
        try:
            while True:
                self.made += 1
                yield message("number", self.newest)
        finally:
            self.closed = True


async def until_idle() -> None:
    """Let all tasks do what they can."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_reader_that_takes_nothing_has_one_message_made_for_it() -> None:
    """Whatever happens meanwhile; what it then takes is what is newest."""
    reader, source = Reader(), Source()
    task = asyncio.create_task(EventStream(source.messages())({}, reader.receive, reader.send))
    await until_idle()
    for source.newest in range(1, 1000):
        await asyncio.sleep(0)
    assert (1, 1) == (source.made, len(reader.taken))
    for _ in range(2):
        reader.may_take.release()
        await until_idle()
    reader.left.set()
    await task
    assert [b"event: number\ndata: 0\n\n", b"event: number\ndata: 999\n\n"] == reader.taken[1:]
    assert source.closed


async def test_a_reader_that_is_stuck_loses_its_connection() -> None:
    """Others may want its place; the source is told that nobody listens."""
    reader, source = Reader(), Source()
    await asyncio.wait_for(EventStream(source.messages(), stuck_s=0.01)({}, reader.receive, reader.send), 20)
    assert source.closed


def test_places_are_bounded_in_all_and_for_one() -> None:
    """Who leaves makes room."""
    slots = StreamSlots(most=3, most_of_one=2)
    with slots.take("a"), slots.take("a"):
        with pytest.raises(TooManyStreamsError), slots.take("a"):
            raise AssertionError
        with slots.take("b"), pytest.raises(TooManyStreamsError), slots.take("c"):
            raise AssertionError
        assert 2 == slots.open
    assert 0 == slots.open


def test_a_message_is_one_line() -> None:
    """Whatever its words hold, no line of a stream can be made of them."""
    assert b'event: x\ndata: {"a":"b\\n\\nevent: end\\u2028"}\n\n' == message("x", {"a": "b\n\nevent: end\u2028"})
    with pytest.raises(ValueError, match="not JSON compliant"):
        message("x", float("nan"))
