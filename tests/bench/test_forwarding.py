"""How many frames a second cross a link one way, at 10 ms and an unlimited rate, beside the kernel's own two ways.

A flood of sendmmsg(2) keeps one CPU busy; what arrives at the server's interface is counted. The kernel's ways do all
their work on that CPU and leave the other idle; an emulator must hold frames back, so a second thread is part of it.
"""

from __future__ import annotations

import asyncio

import pytest
from bench.phantomlink import NotMeasuredError
from bench.table import Table
from bench.ways import WAYS, Way
from support.senders import flood
from support.world import World, deaf_receiver, delivered_per_second, world

from plctl.common.base.units import NS_PER_MS, RATE_UNLIMITED
from plctl.common.plan.run_plan import LinkPlan
from plctl.common.scenario.schedule import Row, Schedule

SCHEDULE = Schedule((Row(0, 0, 10 * NS_PER_MS, RATE_UNLIMITED),))
PLAN = LinkPlan("bench", SCHEDULE, SCHEDULE)
TRIALS = 5
WARM_UP_S = 0.3
MEASURED_S = 1.0


async def measure(way: Way, place: World, frame_bytes: int) -> float:
    """Delivered frames a second once the sender is steady."""
    async with way(place, PLAN):
        with flood(place.namespaces, frame_bytes):
            await asyncio.sleep(WARM_UP_S)
            return await asyncio.to_thread(delivered_per_second, place.namespaces, MEASURED_S)


@pytest.mark.timeout(900)  # phantomlink may have to be built
@pytest.mark.parametrize("frame_bytes", [1500, 64])
async def test_forwarding_rate(frame_bytes: int, table: Table) -> None:
    """Full-size (1458 bytes of UDP payload) and minimal frames, in alternation; every way delivers."""
    trials: dict[str, list[float]] = {}
    missing: dict[str, str] = {}
    with world(PLAN) as place, deaf_receiver(place.namespaces):
        for _ in range(TRIALS):
            for name, way in WAYS.items():
                try:
                    trials.setdefault(name, []).append(await measure(way, place, frame_bytes))
                except NotMeasuredError as error:
                    missing[name] = str(error)
    trials = {name: values for name, values in trials.items() if name not in missing}
    assert all(min(values) > 0 for values in trials.values())
    least = ("redirect", 1.0) if frame_bytes == 1500 else None
    table.compare(f"forwarding, {frame_bytes} B frames", "frames/s", trials, missing, least)
