"""How late the forwarder delivers: the time of each frame's sending less the time that the model asked for.

95 Mbit/s of full-size frames cross links of 100 Mbit/s and 41 ms. They come in bursts every millisecond; the bottleneck
spaces them out, so that each has a deadline of its own, some 120 µs after the one before it.
"""

from __future__ import annotations

import asyncio

import pytest
from bench.world import World, deaf_receiver, flood, summary, world, write_result

from plctl.agent.forwarder_client import ForwarderClient, Io
from plctl.common.histogram import Histogram
from plctl.common.plan import LinkPlan
from plctl.common.scenario import Row, Schedule
from plctl.common.units import NS_PER_MS, NS_PER_US

SCHEDULE = Schedule((Row(0, 0, 41 * NS_PER_MS, 100_000_000),))
PLAN = LinkPlan("bench", SCHEDULE, SCHEDULE)
TRIALS = 5
MEASURED_S = 2.0


async def measure(place: World, client: ForwarderClient, io: Io) -> Histogram:
    """The lateness of what is delivered while the traffic is steady."""
    await client.add(0, place.triple.link, PLAN, io=io)
    try:
        with flood(place.triple, 1514, 95_000_000):
            await asyncio.sleep(0.2)
            before = client.read(0).up
            await asyncio.sleep(MEASURED_S)
            after = client.read(0).up
    finally:
        await client.remove(0)
    assert after.lost_ring + after.lost_send + after.lost_memory + after.dropped_queue_full_packets == 0
    return after.lateness.minus(before.lateness)


@pytest.mark.parametrize("io", ["packet", "xdp"])
async def test_delivery_lateness(io: Io) -> None:
    """Percentiles in µs, as a table and bench-out/lateness-….json, for either way to carry frames."""
    trials = []
    with world(PLAN) as place, deaf_receiver(place.triple):
        client = await ForwarderClient.spawn(place.ledger, 1)
        try:
            trials = [await measure(place, client, io) for _ in range(TRIALS)]
        finally:
            await client.close()
    results = {
        f"p{p}_us": summary([trial.percentile(p) / NS_PER_US for trial in trials]) for p in (50, 90, 99, 99.9, 100)
    }
    print(f"\nlateness by {io} [µs], median of {TRIALS} trials (range)")
    for name, value in results.items():
        print(f"{name:>8} {value['median']:8.1f} ({value['min']:.1f} … {value['max']:.1f})")
    assert min(trial.count for trial in trials) > 0.9 * MEASURED_S * 95e6 / (8 * 1514)
    write_result(f"lateness-{io}", results)
