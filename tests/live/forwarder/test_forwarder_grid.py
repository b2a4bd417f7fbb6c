"""What a forwarder notes of its links at the instants of a grid: exact, whatever keeps the forwarder from working."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from support.raw_end import RawEnd
from support.running import stopped

from plctl.agent.forwarder.client import ForwarderClient
from plctl.agent.kernel.link_namespaces import CLIENT_INTERFACE, LinkNamespaces, build, remove
from plctl.agent.ownership.ledger import Ledger
from plctl.common.base.errors import KernelError
from plctl.common.base.units import NS_PER_MS, NS_PER_S
from plctl.common.plan.forwarder_options import ForwarderOptions
from plctl.common.plan.run_plan import Capacity, LinkPlan, Queue
from plctl.common.scenario.schedule import Row, Schedule
from plctl.common.telemetry.counters import HalfCounts
from plctl.common.telemetry.samples import Snapshot

pytestmark = pytest.mark.undisturbed

INTERVAL_NS = 20 * NS_PER_MS
RATE_BPS = 8_000_000
FRAME = bytes.fromhex("020000000001 020000000002 88b5".replace(" ", "")) + bytes(986)
FRAMES = 800  #: nearly a second of the rate, in a tenth of the time


@pytest.fixture
async def forwarder(ledger: Ledger, namespaces: LinkNamespaces) -> AsyncIterator[ForwarderClient]:
    """One with a link of 8 Mbit/s and 5 ms, and room for all frames."""
    schedule = Schedule((Row(0, 0, 5 * NS_PER_MS, RATE_BPS),))
    plan = LinkPlan("leo-0", schedule, schedule, queue=Queue(capacity=Capacity("packets", FRAMES)))
    build(namespaces, plan, ledger)
    client = await ForwarderClient.spawn(ledger, 1, ForwarderOptions(workers=1))
    await client.add(0, namespaces.link, plan)
    yield client
    await client.close()
    remove(namespaces, ledger)


async def flood(forwarder: ForwarderClient, namespaces: LinkNamespaces, t0_ns: int) -> list[Snapshot]:
    """Send far more than the rate, stop the forwarder twice for several intervals, and take what it noted of up."""
    found: list[Snapshot] = []
    with RawEnd(namespaces.client, CLIENT_INTERFACE) as client:
        while time.monotonic_ns() < t0_ns:
            await asyncio.sleep(0.001)
        for number in range(FRAMES):
            client.send(FRAME)
            if number in (100, 400):
                with stopped(forwarder.pid):
                    await asyncio.sleep(0.07)  # that long is the disturbance, not a wait
            if number % 50 == 0:
                found += forwarder.take((0,))
                await asyncio.sleep(0.005)
        async with asyncio.timeout(20):
            while not found or HalfCounts(*found[-1][3]).delivered_packets < FRAMES:
                await asyncio.sleep(0.01)
                found += [each for each in forwarder.take((0,)) if each[0] == 0]
    return [each for each in found if each[0] == 0]


async def test_no_interval_carries_more_than_the_rate(forwarder: ForwarderClient, namespaces: LinkNamespaces) -> None:
    """Served and delivered alike, of a link that is full all the time, and stopped for intervals on end.

    Nothing is left out: the intervals in which something was counted have all of it, and each is of the grid.
    """
    t0_ns = time.monotonic_ns() + 100 * NS_PER_MS
    await forwarder.note([0], t0_ns, INTERVAL_NS)
    await forwarder.arm([0], t0_ns)
    snapshots = await flood(forwarder, namespaces, t0_ns)
    before = HalfCounts()
    full = 0
    for _, at_ns, begin_ns, counts, _ in snapshots:
        after = HalfCounts(*counts)
        assert (at_ns - t0_ns) % INTERVAL_NS == 0
        assert after.unaccounted_packets == 0
        most = RATE_BPS * (at_ns - begin_ns) // (8 * NS_PER_S) + len(FRAME)
        new = after.since(before)
        assert new["served_bytes"] <= most
        assert new["delivered_bytes"] <= most
        full += new["served_bytes"] >= most - 2 * len(FRAME)
        before = after
    assert (FRAMES, FRAMES) == (before.served_packets, before.delivered_packets)
    assert full > 20  # of 40 intervals: the bound is what the path carried


async def test_after_t0_nothing_can_be_noted_from_t0_on(forwarder: ForwarderClient) -> None:
    """It is refused, not begun late."""
    with pytest.raises(KernelError, match="cannot note what the links count: T0 has passed"):
        await forwarder.note([0], time.monotonic_ns() - 1, INTERVAL_NS)
