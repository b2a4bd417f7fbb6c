"""Several workers in one forwarder: links are spread over them, and each does its own share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from support.raw_end import RawEnd

from plctl.agent.forwarder.client import ForwarderClient
from plctl.agent.kernel.link_namespaces import CLIENT_INTERFACE, SERVER_INTERFACE, LinkNamespaces, build, remove
from plctl.agent.ownership.ledger import Ledger
from plctl.common.plan.forwarder_options import ForwarderOptions, Io
from plctl.common.plan.run_plan import LinkPlan

WORKERS, LINKS, FRAMES = 2, 4, 50
HEAD = bytes.fromhex("020000000001 020000000002 88b5".replace(" ", ""))


@pytest.fixture
def all_namespaces(unique: str, plan: LinkPlan, ledger: Ledger) -> Iterator[list[LinkNamespaces]]:
    """The namespaces of four links."""
    names = [LinkNamespaces.named("agent", f"{unique}w{index}", plan.name) for index in range(LINKS)]
    for namespaces in names:
        build(namespaces, plan, ledger)
    yield names
    for namespaces in names:
        remove(namespaces, ledger)


@pytest.fixture(params=["packet", "xdp"])
async def forwarder(
    request: pytest.FixtureRequest, ledger: Ledger, all_namespaces: list[LinkNamespaces], plan: LinkPlan
) -> AsyncIterator[ForwarderClient]:
    """Two workers for them."""
    io: Io = request.param
    client = await ForwarderClient.spawn(ledger, LINKS, ForwarderOptions(workers=WORKERS, io=io))
    for slot, namespaces in enumerate(all_namespaces):
        await client.add(slot, namespaces.link, plan)
    yield client
    await client.close()


@contextmanager
def ends(all_namespaces: list[LinkNamespaces]) -> Iterator[list[tuple[RawEnd, RawEnd]]]:
    """Both ends of every link."""
    with ExitStack() as stack:
        yield [
            (
                stack.enter_context(RawEnd(namespaces.client, CLIENT_INTERFACE)),
                stack.enter_context(RawEnd(namespaces.server, SERVER_INTERFACE)),
            )
            for namespaces in all_namespaces
        ]


def switches(pid: int) -> dict[str, int]:
    """How often each thread of the process has slept."""
    return {
        thread.name: int((thread / "status").read_text().partition("\nvoluntary_ctxt_switches:")[2].split()[0])
        for thread in Path(f"/proc/{pid}/task").iterdir()
    }


def frame(link: int, number: int) -> bytes:
    """One that is unlike all others."""
    return HEAD + bytes([link, number]) + bytes(100)


async def test_links_are_spread_over_workers_and_frames_keep_to_their_links(
    forwarder: ForwarderClient, all_namespaces: list[LinkNamespaces]
) -> None:
    """Frames over all links at once, both ways: each arrives at the other end of its own link, in order, and is counted
    there; and two threads have woken for them."""
    before = switches(forwarder.pid)
    with ends(all_namespaces) as links:
        for number in range(FRAMES):
            for link, (client, server) in enumerate(links):
                client.send(frame(link, number))
                server.send(frame(link, 255 - number))
        for link, (client, server) in enumerate(links):
            for number in range(FRAMES):
                assert frame(link, number) == (await server.receive()).data
                assert frame(link, 255 - number) == (await client.receive()).data
    async with asyncio.timeout(20):
        while any(forwarder.read(slot).down.delivered_packets != FRAMES for slot in range(LINKS)):
            await asyncio.sleep(0)
    assert [FRAMES] * LINKS == [forwarder.read(slot).up.delivered_packets for slot in range(LINKS)]
    woken = [thread for thread, count in switches(forwarder.pid).items() if count > before.get(thread, count)]
    assert WORKERS <= len(woken)


async def test_a_link_of_one_worker_can_go_while_the_others_forward(
    forwarder: ForwarderClient, all_namespaces: list[LinkNamespaces], plan: LinkPlan
) -> None:
    """Links are taken away and added again, one by one; the others carry frames meanwhile."""
    with ends(all_namespaces) as links:
        for slot, namespaces in enumerate(all_namespaces):
            await forwarder.remove(slot)
            for link, (client, server) in enumerate(links):
                if link != slot:
                    client.send(frame(link, slot))
                    assert frame(link, slot) == (await server.receive()).data
            await forwarder.add(slot, namespaces.link, plan)
        for link, (client, server) in enumerate(links):
            client.send(frame(link, LINKS))
            assert frame(link, LINKS) == (await server.receive()).data
