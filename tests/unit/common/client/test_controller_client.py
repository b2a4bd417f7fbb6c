"""A client's conversation: an answer to each request, or a sentence that says why there is none."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from support.fake_controller import FakeController, client_of, served
from support.hostile import Site, until

from plctl.common.base.clock import FakeClock
from plctl.common.base.errors import ProtocolError, UserError, VersionError, WorldError
from plctl.common.client.config import ControllerAccess
from plctl.common.client.controller_client import Client, RefusedError, connect, serving
from plctl.common.protocol import messages as m
from plctl.common.protocol import requests as rq
from plctl.common.protocol.requests import ClientRequest
from plctl.common.protocol.wire import pack
from plctl.common.security.keys import KeyPair, SpokeKeys
from plctl.common.transport.refusals import Refusals

NO_AGENTS = rq.Agents((), "controller", "0.1.0")


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """A hub on TCP that nobody serves yet."""
    site = Site(tmp_path / "keys", Refusals(FakeClock()))
    yield site
    site.close()


def access(site: Site, role: str = "operator") -> ControllerAccess:
    """What an enrolled person has."""
    return ControllerAccess(site.hub.address, site.enroll("grace", "operator" if role == "operator" else "viewer"))


async def test_an_answer_reaches_the_request_it_belongs_to() -> None:
    """Several requests are under way at once, and answers may come in any order."""
    names = {"a": rq.Done("of a"), "b": rq.Done("of b")}

    def answer(request: ClientRequest) -> m.Message:
        assert isinstance(request, rq.Cancel)
        return names[request.run]

    async with client_of(answer) as client:
        asked = [client.ask(rq.Cancel(run, ""), rq.Done) for run in ("b", "a")]
        assert [rq.Done("of b"), rq.Done("of a")] == await asyncio.gather(*asked)


async def test_a_refusal_is_the_controllers_own_sentence() -> None:
    """What the controller will not do is an error with its reason."""
    async with client_of(lambda _: m.Refused("no run is called x")) as client:
        with pytest.raises(RefusedError, match="no run is called x"):
            await client.ask(rq.ReadRun("x"), rq.RunState)


async def test_an_answer_of_another_kind_is_not_passed_on() -> None:
    """Whoever asked for agents never gets runs."""
    async with client_of(lambda _: rq.Runs(())) as client:
        with pytest.raises(ProtocolError, match="tcp://there:7777 answers ListAgents with Runs"):
            await client.ask(rq.ListAgents(), rq.Agents)


async def test_silence_ends_with_a_sentence() -> None:
    """A controller that does not answer keeps nobody waiting for ever."""
    async with client_of(lambda _: None) as client:
        with pytest.raises(WorldError, match=r"tcp://there:7777 has not answered within 0.01 s"):
            await client.ask(rq.ListAgents(), rq.Agents, seconds=0.01)


async def test_a_viewer_is_told_at_once_what_is_not_for_viewers() -> None:
    """The controller is not even asked."""
    controller = FakeController(lambda _: rq.Done())
    client = Client(controller.hub.spoke("eve", "viewer"), "eve", "viewer")
    async with served(controller), serving(client):
        with pytest.raises(UserError, match="this key is a viewer's, who may look but not cancel"):
            await client.ask(rq.Cancel("r", ""), rq.Done)
    assert [] == controller.asked


async def test_a_client_says_goodbye() -> None:
    """The end of its connection is no surprise to the controller, if there ever was an answer."""
    controller = FakeController(lambda _: NO_AGENTS)
    client = Client(controller.hub.spoke("ada", "operator"), "ada", "operator")
    async with served(controller):
        async with serving(client):
            await client.ask(rq.ListAgents(), rq.Agents)
        await until(lambda: controller.goodbyes == 1)


async def test_what_a_lost_connection_may_have_lost_is_asked_again() -> None:
    """The same id, so that a controller that did hear it does not do it twice."""
    controller = FakeController(lambda _: None)
    spoke = controller.hub.spoke("ada", "operator")
    client = Client(spoke, "ada", "operator")
    async with served(controller), serving(client):
        asking = asyncio.create_task(client.ask(rq.ListAgents(), rq.Agents))
        await until(lambda: len(controller.asked) == 1)
        controller.answer = lambda _: NO_AGENTS
        spoke._connected.set()  # what a transport does after a new connection
        assert NO_AGENTS == await asking
    first, second = controller.asked
    assert first == second


async def test_another_version_of_the_protocol_is_named(site: Site) -> None:
    """Both versions, and what the other side says of it."""
    async with connect(access(site)) as client:
        asking = asyncio.create_task(client.ask(rq.ListAgents(), rq.Agents))
        peer, _ = await site.hub.receive()
        await site.hub.send(peer, pack({"v": 9, "type": "refused", "body": {"cause": "too old"}}))
        with pytest.raises(VersionError, match=r"another version .* version 9; this side speaks 3 .* too old"):
            await asking


async def test_a_refusal_of_the_client_as_such_ends_its_requests(site: Site) -> None:
    """A controller of another version says so without quoting an id."""
    async with connect(access(site)) as client:
        asking = asyncio.create_task(client.ask(rq.ListAgents(), rq.Agents))
        peer, _ = await site.hub.receive()
        await site.hub.send(peer, m.encode(m.Envelope(m.Refused("come back later"))))
        with pytest.raises(RefusedError, match="come back later"):
            await asking


async def test_a_key_that_the_controller_does_not_know_is_named(site: Site) -> None:
    """At once, with the command that makes a key for such a role."""
    stranger = SpokeKeys(KeyPair.generate("eve", "viewer"), access(site).keys.hub_public)
    async with connect(ControllerAccess(site.hub.address, stranger)) as client:
        expected = r"does not know this viewer's key \(it makes one with: plctl controller grant NAME --role viewer\)"
        with pytest.raises(WorldError, match=expected):
            await client.ask(rq.ListAgents(), rq.Agents)


async def test_another_controllers_public_key_is_named(site: Site) -> None:
    """The sentence names the file to look at."""
    keys = SpokeKeys(access(site).pair, KeyPair.generate("other", "controller").public)
    async with connect(ControllerAccess(site.hub.address, keys)) as client:
        with pytest.raises(WorldError, match=r"is controller\.pub in the keys folder that controller's\?"):
            await client.ask(rq.ListAgents(), rq.Agents)


async def test_nobody_there_is_said_at_once(site: Site) -> None:
    """No time-out has to pass when nobody listens."""
    nowhere = ControllerAccess("tcp://127.0.0.1:1", access(site).keys)
    async with connect(nowhere) as client:
        with pytest.raises(WorldError, match=r"cannot connect to tcp://127\.0\.0\.1:1: nobody listens there"):
            await client.ask(rq.ListAgents(), rq.Agents)


async def test_a_controller_that_goes_is_told_and_waited_for(site: Site) -> None:
    """Once it has been there, a client says that it is gone, and is answered when it is back."""
    told: list[str] = []
    asks = access(site)
    async with connect(asks, told.append) as client:
        asking = asyncio.create_task(client.ask(rq.ListAgents(), rq.Agents))
        await site.hub.receive()
        site.close()
        await until(lambda: len(told) == 2)
        assert told[0].endswith("has ended; trying again")
        assert told[1].endswith("nobody listens there, or a firewall is between; trying again")
        site.hub = type(site.hub)(asks.address, site.hub_keys(), site.refusals)
        peer, data = await site.hub.receive()
        await site.hub.send(peer, m.encode(m.Envelope(NO_AGENTS, reply_to=m.decode(data, "operator").id)))
        assert NO_AGENTS == await asking
