"""What a flood at ten times a link's rate does to that link and, above all, to another one of the same worker.

A quiet link carries a tenth of its rate for some seconds alone, then for some more beside the flood. Neither its
lateness nor the forwarder's memory may suffer; every frame of the flood that the queue could not take is counted as
`queue_full`. The lateness is a measurement; what must hold on any machine is asserted.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from bench.table import Table, row
from bench.ways import Crossing
from support.senders import flood
from support.world import World, deaf_receiver, world

from plctl.agent.forwarder.client import ForwarderClient
from plctl.agent.kernel import link_namespaces
from plctl.agent.kernel.link_namespaces import LinkNamespaces
from plctl.common.base.units import NS_PER_MS, NS_PER_US
from plctl.common.plan.forwarder_options import ForwarderOptions, Io
from plctl.common.plan.run_plan import Capacity, LinkPlan, Queue
from plctl.common.scenario.schedule import Row, Schedule
from plctl.common.telemetry.histogram import Histogram
from plctl.common.telemetry.samples import HalfStats

RATE_BPS = 10_000_000
SCHEDULE = Schedule((Row(0, 0, 20 * NS_PER_MS, RATE_BPS),))
PLAN = LinkPlan("bench", SCHEDULE, SCHEDULE, queue=Queue(capacity=Capacity("packets", 100)))
FRAME_BYTES = 1514
QUIET, FLOODED = 0, 1
PHASE_S = float(os.environ.get("PLCTL_BENCH_FLOOD_S", "5"))
MEMORY_MARGIN_KIB = 4096  #: chunks of the frame store, some stack


def assert_adds_up(half: HalfStats) -> None:
    """No frame is unaccounted for."""
    assert 0 == half.unaccounted_packets


@contextlib.contextmanager
def another_world(place: World) -> Iterator[LinkNamespaces]:
    """A second link's namespaces, with their receiver."""
    namespaces = LinkNamespaces.named("bench", f"{os.getpid()}b", PLAN.name)
    link_namespaces.build(namespaces, PLAN, place.ledger)
    try:
        with deaf_receiver(namespaces):
            yield namespaces
    finally:
        link_namespaces.remove(namespaces, place.ledger)


@dataclass(frozen=True)
class Outcome:
    """What the quiet link's frames suffered before and during the flood, and what became of the flood's."""

    before: Histogram
    during: Histogram
    drowned: HalfStats
    memory_kib: tuple[int, int]  #: of the forwarder, in the middle of the flood and at its end


async def measure(client: ForwarderClient, place: World, flooded: LinkNamespaces) -> Outcome:
    """Both phases; what must hold on any machine is asserted."""
    crossing = Crossing(client.pid)
    with flood(place.namespaces, FRAME_BYTES, RATE_BPS // 10):
        await asyncio.sleep(0.3)
        begin = client.read(QUIET).up
        await asyncio.sleep(PHASE_S)
        middle = client.read(QUIET).up
        with flood(flooded, FRAME_BYTES, 10 * RATE_BPS):
            await asyncio.sleep(PHASE_S / 2)
            half_kib = crossing.memory_kib()
            await asyncio.sleep(PHASE_S / 2)
            memory_kib = half_kib, crossing.memory_kib()
            end, drowned = client.read(QUIET).up, client.read(FLOODED).up
    assert_adds_up(end)
    assert_adds_up(drowned)
    assert drowned.dropped_queue_full_packets > 0.5 * drowned.arrived_packets
    assert 0 == drowned.lost_memory == drowned.lost_late
    assert 0 == end.lost == end.dropped
    assert memory_kib[1] - memory_kib[0] < MEMORY_MARGIN_KIB
    before, during = middle.lateness.minus(begin.lateness), end.lateness.minus(middle.lateness)
    return Outcome(before, during, drowned, memory_kib)


def add_rows(table: Table, io: Io, outcome: Outcome) -> None:
    """The quiet link's lateness in both phases, the flood's fate, and by how much memory grew."""
    what = f"{PHASE_S:g} s of flood"
    for percentile in (50, 99):
        for name, lateness in (("before", outcome.before), ("during", outcome.during)):
            late_us = lateness.percentile(percentile) / NS_PER_US
            table.add(row(f"{what}: neighbour {name}, p{percentile}", io, "µs", [late_us]))
    drowned = outcome.drowned
    share = 100 * drowned.dropped_queue_full_packets / (drowned.arrived_packets - drowned.delivered_packets)
    table.add(row(f"{what}: dropped as queue_full", io, "%", [share]))
    table.add(row(f"{what}: lost by the machine", io, "frames", [float(drowned.lost_ring)]))
    table.add(row(f"{what}: memory growth", io, "KiB", [float(outcome.memory_kib[1] - outcome.memory_kib[0])]))


@pytest.mark.timeout(60 + 3 * PHASE_S)
@pytest.mark.parametrize("io", ["packet", "xdp"])
async def test_flood(io: Io, table: Table) -> None:
    """Lateness of the quiet link before and during, memory, and drops; PLCTL_BENCH_FLOOD_S makes it longer."""
    with world(PLAN) as place, deaf_receiver(place.namespaces), another_world(place) as flooded:
        client = await ForwarderClient.spawn(place.ledger, 2, ForwarderOptions(workers=1, io=io))
        try:
            await client.add(QUIET, place.namespaces.link, PLAN)
            await client.add(FLOODED, flooded.link, PLAN)
            outcome = await measure(client, place, flooded)
        finally:
            await client.close()
    add_rows(table, io, outcome)
