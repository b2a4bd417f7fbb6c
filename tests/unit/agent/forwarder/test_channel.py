"""Requests to the forwarder are answered, or given up in time."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import msgpack
import pytest

from plctl.agent.forwarder.channel import Channel, SilenceError
from plctl.agent.forwarder.process import LENGTH_BYTES, pack
from plctl.common.base.errors import KernelError, WorldError

SHORT_S, LONG_S = 0.2, 30.0


class Far:
    """The forwarder's end: it reads requests, and answers those that a test wants answered."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end

    async def request(self) -> dict[str, object]:
        """The next one."""
        loop = asyncio.get_running_loop()
        head = await loop.sock_recv(self._end, LENGTH_BYTES)
        data = b""
        while left := int.from_bytes(head, "big") - len(data):
            data += await loop.sock_recv(self._end, left)
        request: dict[str, object] = msgpack.unpackb(data)
        return request

    async def answer(self, request: dict[str, object], error: str = "") -> None:
        """Say that it was carried out, or why not."""
        message = pack({"id": request["id"], "error": error, "result": request["verb"]})
        await asyncio.get_running_loop().sock_sendall(self._end, message)


@pytest.fixture
async def ends() -> AsyncIterator[tuple[Channel, Far]]:
    """Both ends."""
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    channel = await Channel.over(ours)
    yield channel, Far(theirs)
    await channel.close()
    theirs.close()


async def test_a_request_has_its_own_answer(ends: tuple[Channel, Far]) -> None:
    """Answers may come in any order; a refusal is raised."""
    channel, far = ends
    first, second = asyncio.create_task(channel.ask("add")), asyncio.create_task(channel.ask("remove"))
    asked = [await far.request(), await far.request()]
    await far.answer(asked[1], "there is none")
    await far.answer(asked[0])
    assert "add" == await first
    with pytest.raises(KernelError, match="there is none"):
        await second


async def test_silence_is_not_waited_out(ends: tuple[Channel, Far]) -> None:
    """Nobody answers: the request says what was asked and how long it waited; the next one may still be answered."""
    channel, far = ends
    with pytest.raises(SilenceError, match=r"did not answer within \d+\.\d s when asked to settle"):
        await channel.ask("settle", patience_s=SHORT_S)
    later = asyncio.create_task(channel.ask("arm", patience_s=LONG_S))
    await far.request()
    await far.answer(await far.request())
    assert "arm" == await later


async def test_any_answer_shows_that_the_forwarder_works(ends: tuple[Channel, Far]) -> None:
    """While others are answered a request is not given up, though it waits for longer than its patience."""
    channel, far = ends
    patient = asyncio.create_task(channel.ask("add", patience_s=SHORT_S))
    asked = await far.request()
    begun_s = asyncio.get_running_loop().time()
    while asyncio.get_running_loop().time() - begun_s < 2 * SHORT_S:
        other = asyncio.create_task(channel.ask("arm", patience_s=LONG_S))
        await far.answer(await far.request())
        await other
    await far.answer(asked)
    assert "add" == await patient


async def test_whoever_waits_hears_of_the_end(ends: tuple[Channel, Far]) -> None:
    """And whoever asks afterwards, at once."""
    channel, far = ends
    waiting = asyncio.create_task(channel.ask("add", patience_s=LONG_S))
    await far.request()
    channel.fail("it was killed")
    for request in (waiting, channel.ask("arm", patience_s=LONG_S)):
        with pytest.raises(WorldError, match="it was killed"):
            await request


async def test_closing_does_not_wait_for_one_who_does_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """More was written than the socket holds, and the other end is stopped."""
    monkeypatch.setattr("plctl.agent.forwarder.channel.PATIENCE_S", SHORT_S)
    ours, theirs = socket.socketpair()
    channel = await Channel.over(ours)
    lost = asyncio.create_task(channel.ask("add", patience_s=LONG_S, packet_log="x" * 4_000_000))
    await asyncio.sleep(0)
    await channel.close()
    with pytest.raises(WorldError, match="it was closed"):
        await lost
    theirs.close()
