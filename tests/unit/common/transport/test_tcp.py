"""On TCP a hub hears nobody whose key does not say who he is, and each that it does not hear is counted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.hostile import ANYWHERE, GIGABYTE, GREETING, Injector, Site, say_raw, until

from plctl.common.base.clock import FakeClock
from plctl.common.base.errors import UserError, WorldError
from plctl.common.base.log import Event, make_log
from plctl.common.protocol.wire import MAX_MESSAGE_BYTES
from plctl.common.security.allow_list import AllowList
from plctl.common.security.keys import KeyPair, SpokeKeys
from plctl.common.transport.connections import UNKNOWN_ADDRESS
from plctl.common.transport.hub_and_spoke import Peer, ZmqHub, ZmqSpoke
from plctl.common.transport.refusals import Refusal, Refusals
from plctl.common.transport.socket_options import HIGH_WATER_MARK

#: A connection that fails within microseconds of its beginning may be gone before its address could be read.
ANY_ADDRESS = ("127.0.0.1", UNKNOWN_ADDRESS)


class LoggedSite(Site):
    """A site that keeps its log."""

    def __init__(self, folder: Path) -> None:
        self.log: list[Event] = []
        clock = FakeClock()
        super().__init__(folder, Refusals(clock, make_log(self.log.append, clock, host="controller")))

    async def hear(self) -> tuple[Peer, bytes]:
        """The next message that the hub lets through."""
        return await asyncio.wait_for(self.hub.receive(), 20)

    async def refuses(self, why: Refusal, cause: str, addresses: tuple[str, ...] = ("127.0.0.1",)) -> None:
        """Wait until `why` was counted, and look that nothing else was, and that the log has it with the address."""
        listening = asyncio.create_task(self.hub.receive())
        await until(lambda: self.refusals.counts[why] == 1)
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        assert self.refusals.counts == {why: 1}
        (event,) = self.log
        assert event["address"] in addresses
        assert cause in event["cause"]


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[LoggedSite]:
    """A hub on TCP with a log."""
    site = LoggedSite(tmp_path / "keys")
    yield site
    site.close()


async def test_an_enrolled_agent_is_heard_as_itself(site: LoggedSite) -> None:
    """Messages carry the name, role and address that the key proves, and answers reach whoever sent them."""
    spoke = site.spoke(site.enroll("edge-1"))
    await spoke.send(b"hello")
    peer, message = await site.hear()
    assert ("edge-1", "agent", "127.0.0.1", b"hello") == (peer.name, peer.role, peer.address, message)
    await site.hub.send(peer, b"welcome")
    assert await asyncio.wait_for(spoke.receive(), 20) == b"welcome"
    assert not site.refusals.counts


async def test_two_clients_with_one_key_are_both_answered(site: LoggedSite) -> None:
    """An operator may have several terminals: each gets its own answers."""
    keys = site.enroll("grace", "operator")
    first, second = site.spoke(keys), site.spoke(keys)
    for number, spoke in enumerate((first, second)):
        await spoke.send(b"%d" % number)
        peer, message = await site.hear()
        assert peer.role == "operator"
        await site.hub.send(peer, message)
    assert [b"0", b"1"] == [await asyncio.wait_for(spoke.receive(), 20) for spoke in (first, second)]


async def test_a_key_off_the_list_is_not_let_in(site: LoggedSite) -> None:
    """A key that nobody enrolled does not get through the handshake; its address and public key are logged."""
    pair = KeyPair.generate("edge-1", "agent")
    await site.dealer(pair, b"edge-1/1").send(b"x")
    await site.refuses(Refusal.KEY, pair.public)


async def test_the_refused_hears_why(site: LoggedSite) -> None:
    """An agent whose key is not on the list says so on its own side, once, though it goes on trying."""
    keys = site.enroll("edge-1")
    site.allowed.remove("edge-1")
    told: list[str] = []
    site.spoke(keys, told.append)
    await until(lambda: site.refusals.counts[Refusal.KEY] > 2)
    assert len(told) == 1
    assert "the controller does not know this agent's key" in told[0]


async def test_an_agent_may_come_before_its_key_is_on_the_list(site: LoggedSite) -> None:
    """A refused agent goes on trying, and is heard once it is let in; it is told of the connection."""
    keys = site.enroll("edge-1")
    (entry,) = [entry for entry in site.allowed.entries() if entry.name == "edge-1"]
    site.allowed.remove("edge-1")
    spoke = site.spoke(keys)
    await until(lambda: site.refusals.counts[Refusal.KEY] > 1)
    site.allowed.add(entry)
    await asyncio.wait_for(spoke.connected(), 20)
    await spoke.send(b"hello")
    assert (await site.hear())[1] == b"hello"


async def test_without_curve_nobody_is_let_in(site: LoggedSite) -> None:
    """A client without keys fails in the handshake."""
    await site.dealer(None, b"edge-1/1").send(b"x")
    await site.refuses(Refusal.HANDSHAKE, "", ANY_ADDRESS)


async def test_a_client_of_another_controller_is_not_let_in(site: LoggedSite) -> None:
    """A client that takes this controller for another one fails in the handshake."""
    pair = site.enroll("edge-1").pair
    await site.dealer(pair, b"edge-1/1", KeyPair.generate("x", "controller").public).send(b"x")
    await site.refuses(Refusal.HANDSHAKE, "another public key of the controller", ANY_ADDRESS)


async def test_keys_of_another_controller_are_told_once(site: LoggedSite) -> None:
    """Nor is anything else told: that somebody ends the handshake does not mean that nobody listens."""
    keys = SpokeKeys(site.enroll("edge-1").pair, KeyPair.generate("x", "controller").public)
    told: list[str] = []
    site.spoke(keys, told.append)
    await until(lambda: site.refusals.counts[Refusal.HANDSHAKE] > 3)
    (cause,) = told
    assert "is controller.pub in the keys folder that controller's?" in cause


async def test_a_connection_that_ends_is_told_as_such(site: LoggedSite) -> None:
    """Then, once dialling again has failed, that nobody listens; each once."""
    told: list[str] = []
    spoke = site.spoke(site.enroll("edge-1"), told.append)
    await asyncio.wait_for(spoke.connected(), 20)
    site.hub.close()
    await until(lambda: len(told) == 2)
    assert told == [
        f"the connection to {site.hub.address} has ended",
        f"cannot connect to {site.hub.address}: nobody listens there, or a firewall is between",
    ]


@pytest.mark.parametrize(
    "data", [b"GET / HTTP/1.1\r\n\r\n" * 10, GREETING + GIGABYTE, b""], ids=["http", "1GB", "mute"]
)
async def test_what_is_no_handshake_is_counted(site: LoggedSite, data: bytes) -> None:
    """Garbage, a first frame of 1 GB and a connection that says nothing are counted when they end."""
    await asyncio.to_thread(say_raw, site.place, data)
    await site.refuses(Refusal.HANDSHAKE, "", ANY_ADDRESS)


@pytest.mark.parametrize("identity", [b"edge-1/1", b"edge-1", b"", b"mallory", b"\xff\xfe/1", b"mallory/x/1"])
async def test_an_agent_cannot_speak_for_another(site: LoggedSite, identity: bytes) -> None:
    """A message under a name that is not the key's is not heard, whatever the connection calls itself."""
    await site.dealer(site.enroll("mallory").pair, identity).send(b"x")
    await site.refuses(Refusal.NAME, "a message under the name")


async def test_an_agent_cannot_take_over_anothers_connection(site: LoggedSite) -> None:
    """Whoever calls himself as another did gets none of the other's messages, nor keeps them from him."""
    edge = site.spoke(site.enroll("edge-1"))
    await edge.send(b"hello")
    peer, _ = await site.hear()
    thief = site.dealer(site.enroll("mallory").pair, b"edge-1/" + b"0" * 32)
    await thief.send(b"x")
    await site.refuses(Refusal.NAME, "a message under the name 'edge-1'")
    await site.hub.send(peer, b"secret")
    assert await asyncio.wait_for(edge.receive(), 20) == b"secret"
    assert not await thief.poll(0)


async def test_a_revoked_key_is_heard_no_more(site: LoggedSite) -> None:
    """A revocation counts for connections that are open already."""
    spoke = site.spoke(site.enroll("edge-1"))
    await spoke.send(b"before")
    assert (await site.hear())[1] == b"before"
    AllowList(site.folder).remove("edge-1")
    await spoke.send(b"after")
    await site.refuses(Refusal.REVOKED, "no longer on the allow-list")


async def test_messages_of_several_frames_are_not_ours(site: LoggedSite) -> None:
    """One message is one frame."""
    await site.dealer(site.enroll("mallory").pair, b"mallory/1").send_multipart([b"a", b"b"])
    await site.refuses(Refusal.FRAMES, "2 frames")


@pytest.mark.parametrize("kind", ["claimed", "sent"])
async def test_too_long_a_message_ends_the_connection(site: LoggedSite, kind: str) -> None:
    """A frame beyond the limit, claimed or really sent by an enrolled agent, costs the connection and no memory."""
    pair = site.enroll("mallory").pair
    async with Injector().before(site.place) as injector:
        mallory = site.dealer(pair, b"mallory/1", address=injector.address)
        await mallory.send(b"hello")
        await site.hear()
        if kind == "claimed":
            injector.inject(GIGABYTE)
        else:
            await mallory.send(bytes(MAX_MESSAGE_BYTES + 1))
        await site.refuses(Refusal.CUT, "ended without a goodbye")


async def test_a_goodbye_makes_the_end_no_surprise(site: LoggedSite) -> None:
    """The connection of a peer that said goodbye may end; the next one that is cut is counted alone."""
    polite, cut = site.enroll("edge-1").pair, site.enroll("edge-2").pair
    for pair in (polite, cut):
        dealer = site.dealer(pair, f"{pair.name}/1".encode())
        await dealer.send(b"hello")
        peer, _ = await site.hear()
        if pair is polite:
            site.hub.left(peer)
        dealer.close()
    await site.refuses(Refusal.CUT, "ended without a goodbye")


async def test_whoever_does_not_read_stops_nobody(site: LoggedSite) -> None:
    """Sending to a peer that reads nothing fails at some point instead of waiting; others are still answered."""
    deaf, edge = site.spoke(site.enroll("deaf")), site.spoke(site.enroll("edge-1"))
    await deaf.send(b"hello")
    to_deaf, _ = await site.hear()
    flood = _flood(site.hub, to_deaf)
    with pytest.raises(WorldError, match="cannot reach deaf: it has not read for long"):
        await flood
    await edge.send(b"hello")
    to_edge, _ = await site.hear()
    await site.hub.send(to_edge, b"welcome")
    assert await asyncio.wait_for(edge.receive(), 20) == b"welcome"


async def test_tcp_needs_keys() -> None:
    """Neither end uses TCP without keys, loopback or not, and a key serves only its own name."""
    with pytest.raises(UserError, match=r"cannot listen on tcp://127\.0\.0\.1:\* without keys"):
        ZmqHub(ANYWHERE)
    with pytest.raises(UserError, match="without keys"):
        ZmqSpoke("tcp://127.0.0.1:1", "edge-1")
    keys = SpokeKeys(KeyPair.generate("edge-1", "agent"), KeyPair.generate("controller", "controller").public)
    with pytest.raises(UserError, match="the key is for edge-1, so it cannot be used as edge-2"):
        ZmqSpoke("tcp://127.0.0.1:1", "edge-2", keys)


async def _flood(hub: ZmqHub, peer: Peer) -> None:
    for _ in range(10 * HIGH_WATER_MARK):
        await hub.send(peer, bytes(10_000))
