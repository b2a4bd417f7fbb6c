"""How many frames a second the forwarder carries one way, as a ratio to the kernel's own redirect.

UDP crosses the same namespaces in turn through the forwarder (10 ms of delay, unlimited rate) and through
`tc … mirred egress redirect`, which delays nothing and touches no byte: the least that any emulator of this kind could
cost. What arrives at the server's interface is counted. The redirect runs on the sender's CPU, the forwarder mostly on
another; what the forwarder's ring cannot take meanwhile is lost there, and not counted.

There are two senders: iperf3, with a system call for each datagram as applications have, and a flood of sendmmsg(2)
with 64, which shows what the forwarder does at its limit.
"""

from __future__ import annotations

import asyncio
import itertools
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from bench.world import World, deaf_receiver, delivered_per_second, flood, iperf3, summary, world, write_result

from plctl.agent.forwarder_client import ForwarderClient, Io
from plctl.agent.netns import LINK_CLIENT_INTERFACE, LINK_SERVER_INTERFACE, Triple
from plctl.common.plan import LinkPlan
from plctl.common.scenario import Row, Schedule
from plctl.common.units import NS_PER_MS, RATE_UNLIMITED

SCHEDULE = Schedule((Row(0, 0, 10 * NS_PER_MS, RATE_UNLIMITED),))
PLAN = LinkPlan("bench", SCHEDULE, SCHEDULE)
IOS: tuple[Io, ...] = ("packet", "xdp")
TRIALS = 5
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


Sender = Callable[[Triple, int], AbstractContextManager[None]]
SENDERS: dict[str, Sender] = {"iperf3": iperf3, "sendmmsg": flood}


def measure(place: World, sender: Sender, frame_bytes: int) -> float:
    """Delivered frames a second once the sender is steady."""
    with sender(place.triple, frame_bytes):
        time.sleep(WARM_UP_S)
        return delivered_per_second(place.triple, MEASURED_S)


async def measure_forwarder(place: World, client: ForwarderClient, sender: Sender, frame_bytes: int, io: Io) -> float:
    """The same through the forwarder."""
    await client.add(0, place.triple.link, PLAN, io=io)
    try:
        return await asyncio.to_thread(measure, place, sender, frame_bytes)
    finally:
        await client.remove(0)


async def compare(place: World, sender: Sender, frame_bytes: int) -> dict[str, dict[str, float]]:
    """All in alternation; the ratio is that of neighbours, so that a change of the machine's mood hits them all."""
    rates: dict[str, list[float]] = {"redirect": [], **{io: [] for io in IOS}}
    client = await ForwarderClient.spawn(place.ledger, 1)
    try:
        for _ in range(TRIALS):
            with redirect(place.triple.link):
                rates["redirect"].append(await asyncio.to_thread(measure, place, sender, frame_bytes))
            for io in IOS:
                rates[io].append(await measure_forwarder(place, client, sender, frame_bytes, io))
    finally:
        await client.close()
    return {f"{name}_pps": summary(values) for name, values in rates.items()} | {
        f"{io}_ratio": summary([ours / kernels for ours, kernels in zip(rates[io], rates["redirect"], strict=True)])
        for io in IOS
    }


@pytest.mark.timeout(300)
async def test_forwarding_rate() -> None:
    """Full-size and minimal frames from either sender, as a table and bench-out/forwarding.json."""
    results = {}
    print(f"\n  sender  frame      redirect; forwarder, ratio of neighbours: median of {TRIALS} (range)")
    with world(PLAN) as place, deaf_receiver(place.triple):
        for name, frame_bytes in itertools.product(SENDERS, (1500, 64)):
            result = await compare(place, SENDERS[name], frame_bytes)
            results[f"{name}_{frame_bytes}_bytes"] = result
            print(f"{name:>8}  {frame_bytes:>4}B  {result['redirect_pps']['median']:>8,.0f} pps", end="")
            for io in IOS:
                ours, ratio = result[f"{io}_pps"], result[f"{io}_ratio"]
                print(f"; {io} {ours['median']:,.0f}, {ratio['median']:.2f}", end="")
                print(f" ({ratio['min']:.2f} … {ratio['max']:.2f})", end="")
                assert ours["min"] > 0
            print()
            assert result["redirect_pps"]["min"] > 0
    write_result("forwarding", results)
