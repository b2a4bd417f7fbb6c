"""TCP over each discipline at 20 Mbit/s and 40 ms: for how long frames wait in the queue, and what the flow gets.

Times are the model's own, from the packet log. CUBIC and BBR, which the kernel has; DCTCP and Prague where it has them.
"""

from __future__ import annotations

import statistics
from dataclasses import replace
from pathlib import Path

import pytest
from bench.table import Table, row
from model.tcp_flows import FlowsSeen, send_flows
from support.world import world

from plctl.common.base.units import NS_PER_MS
from plctl.common.plan.disciplines import DISCIPLINES, Discipline
from plctl.common.plan.run_plan import Capacity, LinkPlan, Queue
from plctl.common.scenario.schedule import Row, Schedule

SCHEDULE = Schedule((Row(0, 0, 20 * NS_PER_MS, 20_000_000),))
PLAN = LinkPlan("bench", SCHEDULE, SCHEDULE, packets=True)
CONTROLS = ("cubic", "bbr", "dctcp", "prague")
TRIALS = 2
WARM_UP_S, MEASURED_S = 1.5, 1.5


def plan_of(name: Discipline) -> LinkPlan:
    """A link with that discipline, which holds 1000 packets, and marks where it may."""
    known = {each.name for each in DISCIPLINES[name].parameters}
    return replace(PLAN, queue=Queue(name, Capacity("packets", 1000), {"ecn": 1} if "ecn" in known else {}))


@pytest.mark.timeout(300)
@pytest.mark.parametrize("control", CONTROLS)
async def test_queueing_under_flows(table: Table, control: str) -> None:
    """All disciplines in alternation."""
    if control not in Path("/proc/sys/net/ipv4/tcp_available_congestion_control").read_text().split():
        table.add_missing(f"queueing of {control}, 20 Mbit/s, 40 ms", "plctl", "ms", "this kernel does not have it")
        return
    trials: dict[str, list[FlowsSeen]] = {name: [] for name in DISCIPLINES}
    with world(PLAN) as place:
        for _ in range(TRIALS):
            for name in DISCIPLINES:
                seen = await send_flows(
                    place.namespaces, place.ledger, plan_of(name), [control], warm_up_s=WARM_UP_S, measured_s=MEASURED_S
                )
                trials[name].append(seen)
    tail = statistics.median(each.median_queueing_ns for each in trials["droptail"])
    for name, seen in trials.items():
        waits = [each.median_queueing_ns / NS_PER_MS for each in seen]
        assert min(waits) >= 0
        managed = name not in ("droptail", "drophead", "red")
        short = statistics.median(waits) < tail / NS_PER_MS / 3 if managed and control == "cubic" else None
        budget = "< a third of droptail's" if short is not None else ""
        table.add(row(f"queueing of {control}, 20 Mbit/s, 40 ms", name, "ms", waits, budget=budget, met=short))
        rates = [8 * sum(frame["length"] for frame in each.frames) / each.seconds / 1e6 for each in seen]
        table.add(row(f"rate of {control}, 20 Mbit/s, 40 ms", name, "Mbit/s", rates))
