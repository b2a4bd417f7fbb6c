"""How far the rate of a saturated link is from what was asked for, in the long run, measured from outside.

The server's interface is watched until a frame arrives, at the beginning and at the end of every second: between two
such instants lie whole frames, so that the rate is exact to some hundred microseconds in a second even at 1 Mbit/s,
where one frame takes twelve milliseconds. The first three seconds are dropped.
"""

from __future__ import annotations

import asyncio
import time
from itertools import pairwise

import pytest
from bench.phantomlink import NotMeasuredError
from bench.table import Row as TableRow
from bench.table import Table
from bench.ways import EMULATORS, Way
from support.senders import flood
from support.world import Counter, World, deaf_receiver, world

from plctl.agent.kernel.link_namespaces import LinkNamespaces
from plctl.common.base.units import NS_PER_MS, NS_PER_S
from plctl.common.plan.run_plan import LinkPlan
from plctl.common.scenario.schedule import Row, Schedule

FRAME_BYTES = 1514
RATES_BPS = (10**6, 10**7, 10**8, 10**9)
DROPPED_S = 3
SECONDS = 5
BUDGET_PERCENT = 0.1


def plan(rate_bps: int) -> LinkPlan:
    """10 ms and a BDP of queue."""
    schedule = Schedule((Row(0, 0, 10 * NS_PER_MS, rate_bps),))
    return LinkPlan("bench", schedule, schedule)


def watch(namespaces: LinkNamespaces) -> list[tuple[int, int]]:
    """When a frame arrived, and all bytes until then, once a second."""
    with Counter(namespaces) as counter:
        time.sleep(DROPPED_S)
        seen = [counter.next_arrival()]
        for _ in range(SECONDS):
            time.sleep(max(0.0, 1 - (time.monotonic_ns() - seen[-1][0]) / NS_PER_S))
            seen.append(counter.next_arrival())
    return seen


def error_percent(begin: tuple[int, int], end: tuple[int, int], rate_bps: int) -> float:
    """Of what arrived between two looks."""
    bits = 8 * (end[1] - begin[1])
    return 100 * (bits * NS_PER_S / (end[0] - begin[0]) / rate_bps - 1)


async def measure(way: Way, place: World, rate_bps: int) -> tuple[float, list[float]]:
    """The error over all seconds, and that of each."""
    async with way(place, plan(rate_bps)):
        with flood(place.namespaces, FRAME_BYTES, rate_bps * 5 // 4):
            seen = await asyncio.to_thread(watch, place.namespaces)
    each = [error_percent(begin, end, rate_bps) for begin, end in pairwise(seen)]
    return error_percent(seen[0], seen[-1], rate_bps), each


@pytest.mark.timeout(900)  # phantomlink may have to be built
async def test_rate_error(table: Table) -> None:
    """At 1, 10, 100 and 1000 Mbit/s: the long-run error, and the least and the most of its seconds."""
    with world(plan(RATES_BPS[0])) as place, deaf_receiver(place.namespaces):
        for rate_bps in RATES_BPS:
            what = f"rate error, {rate_bps // 10**6} Mbit/s"
            for name, way in EMULATORS.items():
                try:
                    error, each = await measure(way, place, rate_bps)
                except NotMeasuredError as why:
                    table.add(TableRow(what, name, "%", not_measured=str(why)))
                    continue
                met = None if name == "phantomlink" else abs(error) <= BUDGET_PERCENT
                budget = "" if met is None else f"±{BUDGET_PERCENT:g} %"
                table.add(TableRow(what, name, "%", error, min(each), max(each), budget=budget, met=met))
