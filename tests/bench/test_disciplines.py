"""What a queueing discipline costs: frames a second one way, beside drop-tail in the same namespaces.

The rate is unlimited, so that no queue builds: what is measured is what each frame pays for being looked at.
"""

from __future__ import annotations

import asyncio
import statistics
from dataclasses import replace

import pytest
from bench.table import Row as TableRow
from bench.table import Table
from bench.ways import PLCTL
from support.senders import flood
from support.world import World, deaf_receiver, delivered_per_second, world

from plctl.common.base.units import NS_PER_MS, RATE_UNLIMITED
from plctl.common.plan.disciplines import DISCIPLINES
from plctl.common.plan.run_plan import Capacity, Discipline, LinkPlan, Queue
from plctl.common.scenario.schedule import Row, Schedule

SCHEDULE = Schedule((Row(0, 0, 10 * NS_PER_MS, RATE_UNLIMITED),))
COMPARED: tuple[Discipline, ...] = ("droptail", "codel", "fq_codel", "dualpi2")
LEAST = 0.8  #: of drop-tail's rate
TRIALS = 4
WARM_UP_S = 0.3
MEASURED_S = 1.0


def plan_of(name: Discipline) -> LinkPlan:
    """A link with that discipline, whose queue holds what it holds by default, and ECN where there is a choice."""
    known = {each.name for each in DISCIPLINES[name].parameters}
    queue = Queue(name, Capacity("packets", 1000), {"ecn": 1} if "ecn" in known else {})
    return replace(LinkPlan("bench", SCHEDULE, SCHEDULE), queue=queue)


async def measure(place: World, name: Discipline) -> float:
    """Delivered frames a second once the sender is steady."""
    async with PLCTL["xdp"](place, plan_of(name)):
        with flood(place.namespaces, 1500):
            await asyncio.sleep(WARM_UP_S)
            return await asyncio.to_thread(delivered_per_second, place.namespaces, MEASURED_S)


@pytest.mark.timeout(300)
async def test_forwarding_with_a_discipline(table: Table) -> None:
    """Full-size frames of one flow, in alternation; each discipline's rate is compared with its neighbour's."""
    trials: dict[Discipline, list[float]] = {name: [] for name in COMPARED}
    with world(plan_of("droptail")) as place, deaf_receiver(place.namespaces):
        for _ in range(TRIALS):
            for name in COMPARED:
                trials[name].append(await measure(place, name))
    assert all(min(values) > 0 for values in trials.values())
    for name, values in trials.items():
        ratio = statistics.median(a / b for a, b in zip(values, trials["droptail"], strict=True))
        budget, met = ("", None) if name == "droptail" else (f"≥ {LEAST} × droptail ({ratio:.2f})", ratio >= LEAST)
        facts = (statistics.median(values), min(values), max(values))
        table.add(TableRow("forwarding by discipline", name, "frames/s", *facts, {}, budget, met))
