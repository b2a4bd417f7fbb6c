"""How long after T0 a forwarder notices it for each of its links: 1, 200 and 1000 of them on one worker.

No frames flow, so all links may share one pair of interfaces; what a link's start costs is the same. Scenario time
itself is armed ahead and exact; this is what `started_ns` and so the verdict `skewed` are about.
"""

from __future__ import annotations

import asyncio
import time

import pytest
from bench.table import Table, row
from support.world import World, world

from plctl.agent.forwarder.client import ForwarderClient
from plctl.common.base.units import NS_PER_MS, NS_PER_US
from plctl.common.plan.forwarder_options import ForwarderOptions
from plctl.common.plan.run_plan import LinkPlan
from plctl.common.scenario.schedule import Row, Schedule

SCHEDULE = Schedule((Row(0, 0, 10 * NS_PER_MS, 10**6),))
PLAN = LinkPlan("bench", SCHEDULE, SCHEDULE)
TRIALS = 5
LEAD_NS = 100 * NS_PER_MS


async def measure(place: World, count: int) -> tuple[list[int], float]:
    """By how much each of `count` links started after T0, in ns, in order; and how long arming took, in ms."""
    client = await ForwarderClient.spawn(place.ledger, count, ForwarderOptions(workers=1))
    try:
        await asyncio.gather(*(client.add(slot, place.namespaces.link, PLAN, io="packet") for slot in range(count)))
        begun_ns = time.monotonic_ns()
        await client.arm(range(count), t0_ns := begun_ns + LEAD_NS)
        armed_ms = (time.monotonic_ns() - begun_ns) / NS_PER_MS
        while not all(starts := [client.read(slot).started_ns for slot in range(count)]):
            await asyncio.sleep(0.01)
    finally:
        await client.close()
    assert min(starts) >= t0_ns
    return sorted(start - t0_ns for start in starts), armed_ms


@pytest.mark.timeout(300)
async def test_start_skew(table: Table) -> None:
    """The median, the 99th percentile and the last of the links, and how long arming takes."""
    with world(PLAN) as place:
        for count in (1, 200, 1000):
            trials = [await measure(place, count) for _ in range(TRIALS)]
            for name, index in {"p50": count // 2, "p99": count * 99 // 100, "last": -1}.items():
                late_us = [late[index] / NS_PER_US for late, _ in trials]
                table.add(row(f"start − T0, {count} links, {name}", "packet", "µs", late_us))
            table.add(row(f"arming, {count} links", "packet", "ms", [armed_ms for _, armed_ms in trials]))
