"""What a flood at ten times a link's rate does to that link and, above all, to another one of the same worker.

A quiet link carries a tenth of its rate for some seconds alone, then for some more beside the flood. Neither its
lateness nor the forwarder's memory may suffer; every frame of the flood that the queue could not take is counted as
`queue_full`. The lateness is a measurement, printed as a ratio to before; what must hold on any machine is asserted.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from bench.world import World, deaf_receiver, flood, world, write_result

from plctl.agent import netns
from plctl.agent.forwarder_client import ForwarderClient
from plctl.agent.netns import Triple
from plctl.common.forwarder_options import ForwarderOptions
from plctl.common.histogram import Histogram
from plctl.common.plan import Capacity, LinkPlan, Queue
from plctl.common.scenario import Row, Schedule
from plctl.common.telemetry import HalfStats
from plctl.common.units import NS_PER_MS, NS_PER_US

RATE_BPS = 10_000_000
SCHEDULE = Schedule((Row(0, 0, 20 * NS_PER_MS, RATE_BPS),))
PLAN = LinkPlan("bench", SCHEDULE, SCHEDULE, queue=Queue(capacity=Capacity("packets", 100)))
FRAME_BYTES = 1514
QUIET, FLOODED = 0, 1
PHASE_S = float(os.environ.get("PLCTL_BENCH_FLOOD_S", "5"))
MEMORY_MARGIN_KIB = 4096  #: chunks of the frame store, some stack


def resident_kib(pid: int) -> int:
    """What the process holds of the machine's memory."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


def assert_adds_up(half: HalfStats) -> None:
    """No frame is unaccounted for."""
    gone = half.delivered_packets + half.dropped_queue_full_packets + half.lost_send + half.lost_memory
    assert half.arrived_packets == gone + half.inside_packets


def percentiles(lateness: Histogram) -> dict[str, float]:
    """In µs."""
    return {f"p{p}_us": lateness.percentile(p) / NS_PER_US for p in (50, 90, 99)}


@contextlib.contextmanager
def another_world(place: World) -> Iterator[Triple]:
    """A second link's namespaces, with their receiver."""
    triple = Triple.named("bench", f"{os.getpid()}b", PLAN.name)
    netns.build(triple, PLAN, place.ledger)
    try:
        with deaf_receiver(triple):
            yield triple
    finally:
        netns.remove(triple, place.ledger)


async def measure(client: ForwarderClient, place: World, flooded: Triple) -> dict[str, object]:
    """Both phases, and what became of the flood."""
    with flood(place.triple, FRAME_BYTES, RATE_BPS // 10):
        await asyncio.sleep(0.3)
        begin, memory = client.read(QUIET).up, [resident_kib(client.pid)]
        await asyncio.sleep(PHASE_S)
        middle = client.read(QUIET).up
        with flood(flooded, FRAME_BYTES, 10 * RATE_BPS):
            await asyncio.sleep(PHASE_S / 2)
            memory.append(resident_kib(client.pid))
            await asyncio.sleep(PHASE_S / 2)
            memory.append(resident_kib(client.pid))
            end, drowned = client.read(QUIET).up, client.read(FLOODED).up
    assert_adds_up(end)
    assert_adds_up(drowned)
    assert drowned.dropped_queue_full_packets > 0.5 * drowned.arrived_packets
    assert 0 == drowned.lost_memory == end.lost_memory == end.dropped_queue_full_packets
    assert memory[2] - memory[1] < MEMORY_MARGIN_KIB
    before, during = (
        percentiles(middle.lateness.minus(begin.lateness)),
        percentiles(end.lateness.minus(middle.lateness)),
    )
    return {
        "quiet_before": before,
        "quiet_during": during,
        "ratio": {name: during[name] / before[name] for name in before},
        "memory_kib": memory,
        "flood_arrived": drowned.arrived_packets,
        "flood_queue_full": drowned.dropped_queue_full_packets,
        "flood_lost_ring": drowned.lost_ring,
        "quiet_lost_ring": end.lost_ring - begin.lost_ring,
    }


async def test_flood() -> None:
    """Lateness of the quiet link before and during, memory, and drops, as a table and bench-out/flood.json."""
    with world(PLAN) as place, deaf_receiver(place.triple), another_world(place) as flooded:
        client = await ForwarderClient.spawn(place.ledger, 2, ForwarderOptions(workers=1))
        try:
            await client.add(QUIET, place.triple.link, PLAN)
            await client.add(FLOODED, flooded.link, PLAN)
            result = await measure(client, place, flooded)
        finally:
            await client.close()
    print(f"\nflood of 10 × {RATE_BPS // 10**6} Mbit/s for {PHASE_S:g} s beside a quiet link")
    for name, value in result.items():
        print(f"{name:>16}  {value}")
    write_result("flood", result)
