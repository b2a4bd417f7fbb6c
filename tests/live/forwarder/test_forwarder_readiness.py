"""How a worker notices frames: from epoll, unless there are so many that it rather looks for itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.raw_end import RawEnd
from support.senders import flood
from support.world import deaf_receiver

from plctl.agent.forwarder.client import ForwarderClient
from plctl.agent.kernel.link_namespaces import CLIENT_INTERFACE, SERVER_INTERFACE, LinkNamespaces, build, remove
from plctl.agent.ownership.ledger import Ledger
from plctl.common.base.units import NS_PER_MS, RATE_UNLIMITED
from plctl.common.plan.forwarder_options import ForwarderOptions, Io
from plctl.common.plan.run_plan import LinkPlan
from plctl.common.scenario.schedule import Row, Schedule

MANY_FRAMES = 100_000
FRAME = bytes.fromhex("020000000001 020000000002 88b5".replace(" ", "")) + bytes(100)


@pytest.fixture(params=["packet", "xdp"])
async def forwarder(
    request: pytest.FixtureRequest, ledger: Ledger, namespaces: LinkNamespaces, plan: LinkPlan
) -> AsyncIterator[ForwarderClient]:
    """A forwarder with one worker and one link, by either back end."""
    io: Io = request.param
    build(namespaces, plan, ledger)
    client = await ForwarderClient.spawn(ledger, 1, ForwarderOptions(workers=1, io=io))
    await client.add(0, namespaces.link, plan)
    yield client
    await client.close()
    remove(namespaces, ledger)


@contextmanager
def busy(namespaces: LinkNamespaces) -> Iterator[None]:
    """More frames than the link can take."""
    with deaf_receiver(namespaces), flood(namespaces, 1500):
        yield


def told_of(pid: int) -> int:
    """How many descriptors the worker's epoll tells of, as the kernel shows it."""
    (entry,) = (
        info
        for fd in Path(f"/proc/{pid}/fd").iterdir()
        if str(fd.readlink()) == "anon_inode:[eventpoll]"
        and (info := (Path(f"/proc/{pid}/fdinfo") / fd.name).read_text()).count("tfd:")
    )
    return entry.count("tfd:")


async def told_of_becomes(pid: int, count: int) -> None:
    """Return once epoll tells of `count` descriptors."""
    async with asyncio.timeout(20):
        while told_of(pid) != count:
            await asyncio.sleep(0.001)


async def is_flooded(client: ForwarderClient) -> None:
    """Return once the link has taken in more frames than can be told of one by one for long.

    Whether its port then leaves epoll depends on who is faster, the flood or the worker: with CPUs to spare the worker
    empties the ring again and again, sleeps, and has to be told.
    """
    async with asyncio.timeout(20):
        while client.read(0).up.arrived_packets < MANY_FRAMES:
            await asyncio.sleep(0.001)


async def crosses(client: RawEnd, server: RawEnd) -> None:
    """A frame sent by one end arrives at the other."""
    client.send(FRAME)
    while (await server.receive()).data != FRAME:  # or what is left of a flood
        pass


async def test_a_flooded_port_is_told_of_again_after_the_flood(
    forwarder: ForwarderClient, namespaces: LinkNamespaces
) -> None:
    """Wherever a flood has left its port, after it epoll tells of it, and a lone frame is noticed as before."""
    before = told_of(forwarder.pid)
    with busy(namespaces):
        await is_flooded(forwarder)
        assert told_of(forwarder.pid) in (before, before - 1)
    await told_of_becomes(forwarder.pid, before)
    with RawEnd(namespaces.client, CLIENT_INTERFACE) as client, RawEnd(namespaces.server, SERVER_INTERFACE) as server:
        for _ in range(5):
            await crosses(client, server)


async def test_a_flooded_link_can_go_and_come_back(
    forwarder: ForwarderClient, namespaces: LinkNamespaces, plan: LinkPlan
) -> None:
    """A link that is removed in the middle of a flood leaves nothing in epoll; another in its place forwards."""
    before = told_of(forwarder.pid)
    with busy(namespaces):
        await is_flooded(forwarder)
        await forwarder.remove(0)
        assert 1 == told_of(forwarder.pid)  # orders
        await forwarder.add(0, namespaces.link, plan)
    await told_of_becomes(forwarder.pid, before)
    with RawEnd(namespaces.client, CLIENT_INTERFACE) as client, RawEnd(namespaces.server, SERVER_INTERFACE) as server:
        await crosses(client, server)


def sleeps(pid: int) -> int:
    """How often threads of the process have given up their CPU so far."""
    statuses = (task / "status" for task in Path(f"/proc/{pid}/task").iterdir())
    words = (status.read_text().partition("\nvoluntary_ctxt_switches:")[2].split()[0] for status in statuses)
    return sum(map(int, words))


async def test_a_steady_stream_does_not_wake_the_worker_for_every_frame(
    forwarder: ForwarderClient, namespaces: LinkNamespaces
) -> None:
    """Some 8000 frames a second, a delay of 10 ms: most are read together, and none is lost or dropped."""
    await forwarder.remove(0)
    unlimited = Schedule((Row(0, 0, 10 * NS_PER_MS, RATE_UNLIMITED),))
    await forwarder.add(0, namespaces.link, LinkPlan("leo-0", unlimited, unlimited))
    with deaf_receiver(namespaces), flood(namespaces, 1000, 64_000_000):
        async with asyncio.timeout(20):
            while (before := forwarder.read(0).up).delivered_packets < 100:
                await asyncio.sleep(0.001)
            slept = sleeps(forwarder.pid)
            while (after := forwarder.read(0).up).arrived_packets < before.arrived_packets + 4000:
                await asyncio.sleep(0.01)
            slept = sleeps(forwarder.pid) - slept
    assert slept < (after.arrived_packets - before.arrived_packets) / 2
    assert 0 == after.lost == after.dropped
