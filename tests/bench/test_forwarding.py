"""How many frames a second the forwarder carries one way, as a ratio to the kernel's own redirect.

A flood of UDP crosses the same namespaces in turn through the forwarder (10 ms of delay, unlimited rate) and through
`tc … mirred egress redirect`, which delays nothing and touches no byte: the least that any emulator of this kind could
cost. What arrives at the server's interface is counted. The redirect runs on the sender's CPU, the forwarder mostly on
another; what the forwarder's ring cannot take meanwhile is lost there, and not counted.
"""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from bench.world import World, deaf_receiver, delivered_per_second, flood, summary, world, write_result

from plctl.agent.forwarder_client import ForwarderClient
from plctl.agent.netns import LINK_CLIENT_INTERFACE, LINK_SERVER_INTERFACE
from plctl.common.plan import LinkPlan
from plctl.common.scenario import Row, Schedule
from plctl.common.units import NS_PER_MS, RATE_UNLIMITED

SCHEDULE = Schedule((Row(0, 0, 10 * NS_PER_MS, RATE_UNLIMITED),))
PLAN = LinkPlan("bench", SCHEDULE, SCHEDULE)
TRIALS = 7
WARM_UP_S = 0.3
MEASURED_S = 1.0


@contextmanager
def redirect(link_netns: str) -> Iterator[None]:
    """The kernel forwards between the link's two interfaces, both ways."""
    pairs = ((LINK_CLIENT_INTERFACE, LINK_SERVER_INTERFACE), (LINK_SERVER_INTERFACE, LINK_CLIENT_INTERFACE))
    everything = ("protocol", "all", "u32", "match", "u32", "0", "0")
    for source, target in pairs:
        tc(link_netns, "qdisc", "add", "dev", source, "clsact")
        action = ("action", "mirred", "egress", "redirect", "dev", target)
        tc(link_netns, "filter", "add", "dev", source, "ingress", *everything, *action)
    try:
        yield
    finally:
        for source, _ in pairs:
            tc(link_netns, "qdisc", "del", "dev", source, "clsact")


def tc(link_netns: str, *arguments: str) -> None:
    """Run tc in a namespace."""
    subprocess.run(["tc", "-n", link_netns, *arguments], check=True)


def measure(place: World, frame_bytes: int) -> float:
    """Delivered frames a second once the flood is steady."""
    with flood(place.triple, frame_bytes):
        time.sleep(WARM_UP_S)
        return delivered_per_second(place.triple, MEASURED_S)


async def measure_forwarder(place: World, client: ForwarderClient, frame_bytes: int) -> float:
    """The same through the forwarder."""
    await client.add(0, place.triple.link, PLAN)
    try:
        return await asyncio.to_thread(measure, place, frame_bytes)
    finally:
        await client.remove(0)


async def compare(place: World, frame_bytes: int) -> dict[str, dict[str, float]]:
    """Both in alternation; the ratio is that of neighbours, so that a change of the machine's mood hits both."""
    ours, kernels = [], []
    client = await ForwarderClient.spawn(place.ledger, 1)
    try:
        for _ in range(TRIALS):
            with redirect(place.triple.link):
                kernels.append(await asyncio.to_thread(measure, place, frame_bytes))
            ours.append(await measure_forwarder(place, client, frame_bytes))
    finally:
        await client.close()
    ratios = [mine / kernel for mine, kernel in zip(ours, kernels, strict=True)]
    return {"forwarder_pps": summary(ours), "redirect_pps": summary(kernels), "ratio": summary(ratios)}


@pytest.mark.timeout(300)
async def test_forwarding_rate() -> None:
    """Full-size and minimal frames, as a table and bench-out/forwarding.json."""
    results = {}
    print(f"\n frame     forwarder      redirect  ratio of neighbours: median of {TRIALS} (range)")
    with world(PLAN) as place, deaf_receiver(place.triple):
        for frame_bytes in (1500, 64):
            results[f"{frame_bytes}_bytes"] = result = await compare(place, frame_bytes)
            ours, kernel, ratio = result["forwarder_pps"], result["redirect_pps"], result["ratio"]
            print(
                f"{frame_bytes:>5}B  {ours['median']:>8,.0f} pps  {kernel['median']:>8,.0f} pps  {ratio['median']:.2f}"
                f" ({ratio['min']:.2f} … {ratio['max']:.2f})"
            )
            assert ours["min"] > 0
            assert kernel["min"] > 0
    write_result("forwarding", results)
