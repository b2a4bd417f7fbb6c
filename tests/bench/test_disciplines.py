"""What queueing disciplines and random loss cost: frames a second one way, beside drop-tail in the same namespaces.

Frames that the path loses have been served, so they count where what is compared is what a link carries. The rate is
unlimited, so that no queue builds: what is measured is what each frame pays for being looked at.
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
from plctl.common.plan.disciplines import DISCIPLINES, Discipline
from plctl.common.plan.run_plan import Capacity, LinkPlan, Queue
from plctl.common.scenario.schedule import Row, Schedule

SCHEDULE = Schedule((Row(0, 0, 10 * NS_PER_MS, RATE_UNLIMITED),))
LOSSY = Schedule((replace(SCHEDULE.rows[0], loss_ppb=10_000_000),))
COMPARED: tuple[Discipline, ...] = ("droptail", "codel", "fq_codel", "dualpi2")
LOSS = "droptail, 1 % loss"
#: Of drop-tail's rate without loss.
LEAST = {**dict.fromkeys(COMPARED, 0.8), LOSS: 0.95}
TRIALS = 4
WARM_UP_S = 0.3
MEASURED_S = 1.0


def plan_of(name: Discipline) -> LinkPlan:
    """A link with that discipline, whose queue holds what it holds by default, and ECN where there is a choice."""
    known = {each.name for each in DISCIPLINES[name].parameters}
    queue = Queue(name, Capacity("packets", 1000), {"ecn": 1} if "ecn" in known else {})
    return replace(LinkPlan("bench", SCHEDULE, SCHEDULE), queue=queue)


async def measure(place: World, plan: LinkPlan) -> float:
    """Delivered frames a second once the sender is steady."""
    async with PLCTL["xdp"](place, plan):
        with flood(place.namespaces, 1500):
            await asyncio.sleep(WARM_UP_S)
            return await asyncio.to_thread(delivered_per_second, place.namespaces, MEASURED_S)


@pytest.mark.timeout(300)
async def test_forwarding_with_a_discipline(table: Table) -> None:
    """Full-size frames of one flow, in alternation; each discipline's rate is compared with its neighbour's."""
    plans: dict[str, LinkPlan] = {name: plan_of(name) for name in COMPARED}
    plans[LOSS] = replace(plans["droptail"], up=LOSSY, down=LOSSY)
    trials: dict[str, list[float]] = {name: [] for name in plans}
    with world(plans["droptail"]) as place, deaf_receiver(place.namespaces):
        for _ in range(TRIALS):
            for name, plan in plans.items():
                delivered = 0.99 if name == LOSS else 1.0  # of what it carries
                trials[name].append(await measure(place, plan) / delivered)
    assert all(min(values) > 0 for values in trials.values())
    for name, values in trials.items():
        ratio = statistics.median(a / b for a, b in zip(values, trials["droptail"], strict=True))
        least = LEAST[name]
        budget, met = ("", None) if name == "droptail" else (f"≥ {least} × droptail ({ratio:.2f})", ratio >= least)
        facts = (statistics.median(values), min(values), max(values))
        table.add(TableRow("forwarding by discipline", name, "frames/s", *facts, {}, budget, met))
