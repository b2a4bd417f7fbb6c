"""How late the forwarder delivers: the time of each frame's sending less the time that the model asked for.

95 Mbit/s of full-size frames cross links of 100 Mbit/s and 41 ms. They come in bursts every millisecond; the bottleneck
spaces them out, so that each has a deadline of its own, some 120 µs after the one before it.
"""

from __future__ import annotations

import asyncio
import statistics

import pytest
from bench.table import Table, row
from support.senders import flood
from support.world import World, deaf_receiver, world

from plctl.agent.forwarder.client import ForwarderClient
from plctl.common.base.units import NS_PER_MS, NS_PER_US
from plctl.common.plan.forwarder_options import Io
from plctl.common.plan.run_plan import LinkPlan
from plctl.common.scenario.schedule import Row, Schedule
from plctl.common.telemetry.histogram import Histogram

SCHEDULE = Schedule((Row(0, 0, 41 * NS_PER_MS, 100_000_000),))
PLAN = LinkPlan("bench", SCHEDULE, SCHEDULE)
TRIALS = 5
MEASURED_S = 2.0
BUDGETS_US = {50: 10, 99: 100}


async def measure(place: World, client: ForwarderClient, io: Io) -> Histogram:
    """The lateness of what is delivered while the traffic is steady."""
    await client.add(0, place.namespaces.link, PLAN, io=io)
    try:
        with flood(place.namespaces, 1514, 95_000_000):
            await asyncio.sleep(0.2)
            before = client.read(0).up
            await asyncio.sleep(MEASURED_S)
            after = client.read(0).up
    finally:
        await client.remove(0)
    assert 0 == after.lost == after.dropped
    return after.lateness.minus(before.lateness)


@pytest.mark.parametrize("io", ["packet", "xdp"])
async def test_delivery_lateness(io: Io, table: Table) -> None:
    """Percentiles of each trial, for either way to carry frames."""
    trials = []
    with world(PLAN) as place, deaf_receiver(place.namespaces):
        client = await ForwarderClient.spawn(place.ledger, 1)
        try:
            trials = [await measure(place, client, io) for _ in range(TRIALS)]
        finally:
            await client.close()
    assert min(trial.count for trial in trials) > 0.9 * MEASURED_S * 95e6 / (8 * 1514)
    for percentile, most_us in BUDGETS_US.items():
        values = [trial.percentile(percentile) / NS_PER_US for trial in trials]
        met = statistics.median(values) <= most_us
        what = f"lateness, 100 Mbit/s, 41 ms, p{percentile}"
        table.add(row(what, io, "µs", values, budget=f"≤ {most_us} µs", met=met))
