"""The goodput of one TCP flow over 0.2 ms each way, by iperf3, beside the kernel's own two ways.

CUBIC, whatever the machine's default: BBR would not mind that a tenth of its frames is lost where none need be.
"""

from __future__ import annotations

import asyncio
import json

import pytest
from bench.phantomlink import NotMeasuredError
from bench.table import Table
from bench.ways import WAYS, Way
from support.world import World, await_line, running, world

from plctl.agent.kernel.link_namespaces import SERVER_IPV4, LinkNamespaces
from plctl.common.base.units import NS_PER_MS, RATE_UNLIMITED
from plctl.common.plan.run_plan import LinkPlan
from plctl.common.scenario.schedule import Row, Schedule

SCHEDULE = Schedule((Row(0, 0, NS_PER_MS // 5, RATE_UNLIMITED),))
PLAN = LinkPlan("bench", SCHEDULE, SCHEDULE)
TRIALS = 5
SLOW_START_S, MEASURED_S = 1, 2


def goodput_mbps(namespaces: LinkNamespaces) -> float:
    """What the receiver got, once the flow was under way."""
    sending = ("iperf3", "-c", SERVER_IPV4, "-t", str(MEASURED_S), "-O", str(SLOW_START_S), "-C", "cubic", "-J")
    with running(namespaces.server, "iperf3", "-s", "-1", "--forceflush") as server:
        await_line(server, "listening")
        with running(namespaces.client, *sending) as client:
            document = json.loads(client.communicate()[0])
    return float(document["end"]["sum_received"]["bits_per_second"]) / 1e6


async def measure(way: Way, place: World) -> float:
    """Through one of the ways."""
    async with way(place, PLAN):
        return await asyncio.to_thread(goodput_mbps, place.namespaces)


@pytest.mark.timeout(900)  # phantomlink may have to be built
async def test_tcp_goodput(table: Table) -> None:
    """All in alternation; phantomlink knows whole milliseconds only, so its delay is 0."""
    trials: dict[str, list[float]] = {}
    missing: dict[str, str] = {}
    with world(PLAN) as place:
        for _ in range(TRIALS):
            for name, way in WAYS.items():
                try:
                    trials.setdefault(name, []).append(await measure(way, place))
                except NotMeasuredError as error:
                    missing[name] = str(error)
    trials = {name: values for name, values in trials.items() if name not in missing}
    assert all(min(values) > 0 for values in trials.values())
    table.compare("one TCP flow, 0.2 ms", "Mbit/s", trials, missing, ("redirect", 0.7))
