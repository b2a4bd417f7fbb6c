"""What it costs to forward: CPU time for a gigabyte at 500 Mbit/s, CPU at rest and under moderate loads, and memory.

Of the emulator's own process, with what the kernel does on its account; and of the whole machine, sender and receiver
included, which is the only way to say it of the kernel's own ways.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from pathlib import Path

import pytest
from bench.phantomlink import NotMeasuredError
from bench.table import Table
from bench.ways import EMULATORS, WAYS, Way
from support.senders import flood
from support.world import Counter, World, deaf_receiver, world

from plctl.common.base.units import NS_PER_MS, RATE_UNLIMITED
from plctl.common.plan.run_plan import LinkPlan
from plctl.common.scenario.schedule import Row, Schedule

SCHEDULE = Schedule((Row(0, 0, 10 * NS_PER_MS, RATE_UNLIMITED),))
PLAN = LinkPlan("bench", SCHEDULE, SCHEDULE)
LOAD_BPS = 500_000_000
LOADS_BPS = {"at rest": 0, "10 Mbit/s": 10_000_000, "100 Mbit/s": 100_000_000, "500 Mbit/s": LOAD_BPS}
FRAME_BYTES = 1500
TRIALS = 5
WARM_UP_S, MEASURED_S = 0.3, 2.0
FIGURES = {"CPU per GB, emulator": "s", "CPU per GB, machine": "s", "memory": "MiB"}


def machine_cpu_s() -> float:
    """What all CPUs have worked so far."""
    user, nice, system, _, _, irq, softirq = map(int, Path("/proc/stat").read_text().split()[1:8])
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


async def measure(way: Way, place: World) -> dict[str, float]:
    """Each figure of FIGURES that the way has."""
    async with way(place, PLAN) as crossing:
        with flood(place.namespaces, FRAME_BYTES, LOAD_BPS), Counter(place.namespaces) as counter:
            await asyncio.sleep(WARM_UP_S)
            begin = counter.read()[0], machine_cpu_s(), crossing.cpu_s() if crossing.pid else 0.0
            await asyncio.sleep(MEASURED_S)
            end = counter.read()[0], machine_cpu_s(), crossing.cpu_s() if crossing.pid else 0.0
        gigabytes = (end[0] - begin[0]) / 1e9
        assert gigabytes > 0.9 * LOAD_BPS * MEASURED_S / 8e9
        figures = {"CPU per GB, machine": (end[1] - begin[1]) / gigabytes}
        if crossing.pid:
            figures["CPU per GB, emulator"] = (end[2] - begin[2]) / gigabytes
            figures["memory"] = crossing.memory_kib() / 1024
        return figures


async def busy_percent(way: Way, place: World, load_bps: int) -> float:
    """Of one CPU that the emulator of one link takes while so much crosses it one way, in bursts every millisecond."""
    async with way(place, PLAN) as crossing:
        with flood(place.namespaces, FRAME_BYTES, load_bps) if load_bps else contextlib.nullcontext():
            await asyncio.sleep(WARM_UP_S)
            begin = asyncio.get_running_loop().time(), crossing.cpu_s()
            await asyncio.sleep(MEASURED_S)
            end = asyncio.get_running_loop().time(), crossing.cpu_s()
    return 100 * (end[1] - begin[1]) / (end[0] - begin[0])


@pytest.mark.timeout(900)  # phantomlink may have to be built
async def test_cost(table: Table) -> None:
    """All ways in alternation, under a load that each of them can carry."""
    trials: dict[str, dict[str, list[float]]] = {figure: {} for figure in FIGURES}
    missing: dict[str, str] = {}
    with world(PLAN) as place, deaf_receiver(place.namespaces):
        for _ in range(TRIALS):
            for name, way in WAYS.items():
                try:
                    for figure, value in (await measure(way, place)).items():
                        trials[figure].setdefault(name, []).append(value)
                except NotMeasuredError as error:
                    missing[name] = str(error)
    for figure, unit in FIGURES.items():
        table.compare(figure, unit, trials[figure], missing)


@pytest.mark.timeout(900)  # phantomlink may have to be built
@pytest.mark.parametrize("load", LOADS_BPS)
async def test_cost_of_moderate_loads(load: str, table: Table) -> None:
    """One link at rest, or with so much in one direction; what is at rest takes no CPU worth speaking of."""
    trials: dict[str, list[float]] = {}
    missing: dict[str, str] = {}
    with world(PLAN) as place, deaf_receiver(place.namespaces):
        for _ in range(TRIALS):
            for name, way in EMULATORS.items():
                try:
                    trials.setdefault(name, []).append(await busy_percent(way, place, LOADS_BPS[load]))
                except NotMeasuredError as error:
                    missing[name] = str(error)
    table.compare(f"CPU of one link, {load}", "%", {n: v for n, v in trials.items() if n not in missing}, missing)
