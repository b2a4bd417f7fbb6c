"""What waits to be handled: in order, and bounded."""

from __future__ import annotations

import asyncio

from plctl.common.transport.hub_and_spoke import Peer
from plctl.controller.hub.backlog import Backlog, Received

PEER = Peer("edge-1")


def heard(data: bytes) -> Received:
    """A message that came at 0."""
    return Received(PEER, data, 0)


async def test_messages_come_out_as_they_went_in() -> None:
    """First in, first out, also for who waits for the first."""
    backlog = Backlog()
    waiting = asyncio.create_task(backlog.take())
    await asyncio.sleep(0)
    for data in (b"1", b"2", b"3"):
        await backlog.put(heard(data))
    assert [b"1", b"2", b"3"] == [(await waiting).data, (await backlog.take()).data, (await backlog.take()).data]


async def test_a_full_backlog_makes_the_reader_wait() -> None:
    """Nothing is added while so many bytes wait, and what waited to be added comes once there is room."""
    backlog = Backlog(full_bytes=3)
    await backlog.put(heard(b"12"))
    await backlog.put(heard(b"34"))
    putting = asyncio.create_task(backlog.put(heard(b"5")))
    await asyncio.sleep(0)
    assert not putting.done()
    assert b"12" == (await backlog.take()).data
    await putting
    assert [b"34", b"5"] == [(await backlog.take()).data, (await backlog.take()).data]


async def test_agents_take_turns_and_none_has_more_than_its_share() -> None:
    """Who sends without end waits in its own line; beyond its share it is let go, and others lose nothing."""
    backlog = Backlog(share_bytes=3 * heard(b"").size)
    flood = [await backlog.put(heard(b"")) for _ in range(5)]
    assert [True, True, True, False, False] == flood
    assert await backlog.put(Received(Peer("edge-2"), b"honest", 0))
    assert [b"", b"honest"] == [(await backlog.take()).data for _ in range(2)]
    assert await backlog.put(heard(b"again"))
