"""Both transports keep the same promises."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import zmq

from plctl.common.base.errors import UserError, WorldError
from plctl.common.transport.hub_and_spoke import YIELD_EVERY, Hub, LocalHub, Peer, Spoke, ZmqHub, ZmqSpoke


@pytest.fixture(params=["local", "zmq"])
async def ends(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[Hub, Spoke]]:
    """A hub and one spoke called edge-1, over either transport."""
    if request.param == "local":
        hub = LocalHub()
        yield hub, hub.spoke("edge-1")
        return
    address = f"ipc://{tmp_path}/control"
    router, dealer = ZmqHub(address), ZmqSpoke(address, "edge-1")
    yield router, dealer
    dealer.close()
    router.close()


async def test_messages_cross_both_ways_in_order(ends: tuple[Hub, Spoke]) -> None:
    """A hub sees a peer's name with its messages, in order, and its answers arrive there."""
    hub, spoke = ends
    for n in range(100):
        await spoke.send(b"%d" % n)
    received = [await hub.receive() for _ in range(100)]
    assert [("edge-1", b"%d" % n) for n in range(100)] == [(peer.name, message) for peer, message in received]
    await hub.send(received[0][0], b"well")
    assert await asyncio.wait_for(spoke.receive(), 10) == b"well"


async def test_an_unknown_peer_is_said(ends: tuple[Hub, Spoke]) -> None:
    """Sending to somebody who never came is an error that names him, not silence."""
    with pytest.raises(WorldError, match="cannot reach nobody"):
        await ends[0].send(Peer("nobody", route="nobody/1"), b"x")


async def test_control_socket_is_private(tmp_path: Path) -> None:
    """The ipc socket of an embedded controller can be opened by its owner only."""
    hub = ZmqHub(f"ipc://{tmp_path}/control")
    assert (tmp_path / "control").stat().st_mode & 0o777 == 0o600
    hub.close()


async def test_address_errors_are_sentences(tmp_path: Path) -> None:
    """A bad address is the user's to mend; one that cannot be bound is the world's."""
    with pytest.raises(UserError, match="cannot use 'nonsense' as a controller's address"):
        ZmqSpoke("nonsense", "a")
    with pytest.raises(WorldError, match="cannot listen on"):
        ZmqHub(f"ipc://{tmp_path}/no/such/folder/control")


class EndlessSocket:
    """A socket with a message always at hand, so that waiting for one never suspends."""

    async def recv_multipart(self, *, copy: bool) -> list[zmq.Frame]:
        """A message of a ROUTER."""
        assert not copy
        return [zmq.Frame(b"edge-1/1"), zmq.Frame(b"x")]


async def test_a_flood_leaves_turns_to_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever receives from a queue that never empties lets other tasks of the event loop run in between."""
    hub = ZmqHub(f"ipc://{tmp_path}/control")
    turns = 0

    async def take_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    taking = asyncio.create_task(take_turns())
    with monkeypatch.context() as patched:
        patched.setattr(hub, "_socket", EndlessSocket())
        patched.setattr(hub, "_identify", lambda _frames: Peer("edge-1"))
        for _ in range(10 * YIELD_EVERY):
            await hub.receive()
    taking.cancel()
    await asyncio.gather(taking, return_exceptions=True)
    hub.close()
    assert turns == 10
