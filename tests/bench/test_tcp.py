"""The goodput of TCP by iperf3: one flow over 0.2 ms each way, beside the kernel's own two ways; and with super-frames.

Those are compared with the kernel's redirect, with segmentation offload and without. The redirect delays nothing, so
over 20 ms it is no way of its own but the measure. CUBIC, whatever the machine's default: BBR would not mind
that a tenth of its frames is lost where none need be.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from bench.phantomlink import NotMeasuredError
from bench.table import Table, row
from bench.ways import WAYS, Way
from support.world import World, await_line, running, world

from plctl.agent.kernel.link_namespaces import SERVER_IPV4, LinkNamespaces
from plctl.common.base.units import NS_PER_MS, NS_PER_US, RATE_UNLIMITED
from plctl.common.plan.offload import COALESCE_AUTO, decide_coalesce
from plctl.common.plan.run_plan import LinkPlan
from plctl.common.scenario.schedule import Row, Schedule

SCHEDULE = Schedule((Row(0, 0, NS_PER_MS // 5, RATE_UNLIMITED),))
PLAN = LinkPlan("bench", SCHEDULE, SCHEDULE)
TRIALS = 5
SLOW_START_S, MEASURED_S = 1, 1
GBIT = 10**9
DELAYS_NS = (NS_PER_MS // 5, 20 * NS_PER_MS)


def goodput_mbps(namespaces: LinkNamespaces, flows: int = 1) -> float:
    """What the receiver got of all flows, once they were under way."""
    seconds = ("-t", str(MEASURED_S), "-O", str(SLOW_START_S))
    sending = ("iperf3", "-c", SERVER_IPV4, "-P", str(flows), *seconds, "-C", "cubic", "-J")
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


def plan_of(delay_ns: int, rate_bps: int = RATE_UNLIMITED) -> LinkPlan:
    """A link without super-frames, the same both ways."""
    schedule = Schedule((Row(0, 0, delay_ns, rate_bps),))
    return LinkPlan("bench", schedule, schedule)


def with_super_frames(plan: LinkPlan) -> LinkPlan:
    """The same link as a spec has it that says no more than `offload: on`."""
    return replace(plan, offload="on", coalesce_ns=decide_coalesce(COALESCE_AUTO, "on", plan.up, plan.down))


@contextlib.contextmanager
def worlds(*plans: LinkPlan) -> Iterator[list[World]]:
    """One for each plan, all at once: what offloads and buffers a link's ends have is decided when it is built."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(world(replace(plan, name=f"bench-{n}"))) for n, plan in enumerate(plans)]


async def measure_flows(way: Way, place: World, plan: LinkPlan, flows: int) -> float:
    """Mbit/s through one of the ways."""
    async with way(place, plan):
        return await asyncio.to_thread(goodput_mbps, place.namespaces, flows)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("flows", [1, 4])
async def test_tcp_goodput_with_super_frames(table: Table, flows: int) -> None:
    """All in alternation, at an unlimited rate; the redirect has no delay, so it is measured once for both."""
    single = [plan_of(delay_ns) for delay_ns in DELAYS_NS]
    whole = [with_super_frames(plan) for plan in single]
    trials: dict[str, list[float]] = {}
    with worlds(*single, *whole) as places:
        for _ in range(TRIALS):
            for name, way, n in (("off", "redirect", 0), ("on", "redirect", len(single))):
                found = await measure_flows(WAYS[way], places[n], single[0], flows)
                trials.setdefault(name, []).append(found)
            for place, plan in zip(places, (*single, *whole), strict=True):
                way = "packet" if plan.offload == "on" else "xdp"  # `offload` decides, whatever the way
                found = await measure_flows(WAYS[way], place, plan, flows)
                trials.setdefault(f"{plan.offload} {plan.up.rows[0].delay_ns}", []).append(found)
    assert min(map(min, trials.values())) > 0
    least = 1.5 if flows == 1 else 2.0
    for delay_ns in DELAYS_NS:
        what = f"{flows} TCP flow{'s' * (flows > 1)}, {delay_ns / NS_PER_MS:g} ms"
        whole_mbps = trials[f"on {delay_ns}"]
        table.compare(what, "Mbit/s", {"redirect": trials["off"], "super-frames": whole_mbps}, {}, ("redirect", least))
        table.compare(f"{what}, off", "Mbit/s", {"redirect": trials["off"], "xdp": trials[f"off {delay_ns}"]}, {})
        with_offloads = {"redirect": trials["on"], "super-frames": whole_mbps}
        budget = ("redirect", 0.85) if flows == 1 else None
        table.compare(f"{what}, offloads on", "Mbit/s", with_offloads, {}, budget)


@dataclass(frozen=True)
class Cost:
    """Of one flow at a rate."""

    mbps: float
    cpu_s_per_gb: float  #: of the forwarder
    late_p50_us: float
    late_p99_us: float


async def measure_cost(plan: LinkPlan) -> Cost:
    """What it costs to carry one flow, and how late its frames are."""
    with world(plan) as place:
        async with WAYS["xdp"](place, plan) as crossing:
            assert crossing.client
            before = crossing.cpu_s()
            mbps = await asyncio.to_thread(goodput_mbps, place.namespaces, 1)
            used, up = crossing.cpu_s() - before, crossing.client.read(0).up
    late = [up.lateness.percentile(p) / NS_PER_US for p in (50, 99)]
    return Cost(mbps, used / (up.delivered_bytes / 1e9), *late)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("rate_bps", [GBIT, GBIT // 10])
async def test_a_flow_at_a_rate_with_super_frames(table: Table, rate_bps: int) -> None:
    """At 1 Gbit/s the forwarder and the receiver work less for each byte; at 100 Mbit/s nothing is worse."""
    plan = plan_of(20 * NS_PER_MS, rate_bps)
    found: dict[str, list[Cost]] = {"xdp": [], "super-frames": []}
    for _ in range(TRIALS):
        found["xdp"].append(await measure_cost(plan))
        found["super-frames"].append(await measure_cost(with_super_frames(plan)))
    what = f"one TCP flow, {rate_bps // 10**6} Mbit/s, 20 ms"
    for way, costs in found.items():
        table.add(row(what, way, "Mbit/s", [each.mbps for each in costs]))
        table.add(row(f"{what}, CPU", way, "s/GB", [each.cpu_s_per_gb for each in costs]))
        table.add(row(f"{what}, lateness p50", way, "us", [each.late_p50_us for each in costs]))
        table.add(row(f"{what}, lateness p99", way, "us", [each.late_p99_us for each in costs]))
        assert min(each.mbps for each in costs) > 0.5 * rate_bps / 1e6
