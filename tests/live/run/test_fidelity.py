"""What a link does is what its scenario asks for: rates, queueing delay and steps, measured from outside.

A busy machine may hand over a frame late but never early, so lower bounds are exact for every frame, and upper bounds
are asked of the luckiest.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from support.raw_end import RawEnd

from plctl.agent.forwarder.client import ForwarderClient
from plctl.agent.kernel.link_namespaces import CLIENT_INTERFACE, SERVER_INTERFACE, LinkNamespaces, build, remove
from plctl.agent.ownership.ledger import Ledger
from plctl.common.base.units import NS_PER_MS, NS_PER_S
from plctl.common.plan.run_plan import Capacity, LinkPlan, Queue
from plctl.common.scenario.schedule import Row, Schedule

pytestmark = pytest.mark.undisturbed

PLCTL = [sys.executable, "-m", "plctl.common"]
FRAME = bytes.fromhex("020000000001 020000000002 88b5".replace(" ", "")) + bytes(1500)
MBIT = 1_000_000
CLOCKS_NS = 50_000  # by so much the wall clock may drift from the monotonic one during a test
BATCH = 100
LEAD_NS = 500 * NS_PER_MS  # from arming to T0
LUCK_NS = 1 * NS_PER_MS  # what the least late of many frames may be late by


@pytest.fixture
async def forwarder(ledger: Ledger) -> AsyncIterator[ForwarderClient]:
    """A forwarder as `plctl link start` has it."""
    client = await ForwarderClient.spawn(ledger, 1)
    yield client
    await client.close()


@pytest.fixture
def ends(namespaces: LinkNamespaces, plan: LinkPlan, ledger: Ledger) -> Iterator[tuple[RawEnd, RawEnd]]:
    """The client's and the server's end of a link that stands."""
    build(namespaces, plan, ledger)
    with RawEnd(namespaces.client, CLIENT_INTERFACE) as client, RawEnd(namespaces.server, SERVER_INTERFACE) as server:
        yield client, server
    remove(namespaces, ledger)


def service_ns(rate_bps: int, frames: int = 1) -> int:
    """How long the bottleneck takes for so many frames."""
    return frames * 8 * len(FRAME) * NS_PER_S // rate_bps


async def receive(end: RawEnd, count: int) -> list[int]:
    """When each of the next `count` frames arrived, on the monotonic clock, in ns."""
    to_monotonic_ns = max(time.monotonic_ns() - time.time_ns() for _ in range(100))  # an interruption makes it less
    return [(await end.receive()).wall_ns + to_monotonic_ns for _ in range(count)]


@pytest.mark.parametrize(("rate_bps", "frames"), [(MBIT, 100), (80 * MBIT, 2000), (500 * MBIT, 4000)])
async def test_a_standing_queue_drains_at_the_rows_rate(
    rate_bps: int, frames: int, forwarder: ForwarderClient, namespaces: LinkNamespaces, ends: tuple[RawEnd, RawEnd]
) -> None:
    """A queue that filled during an outage leaves at 1, 80 and 500 Mbit/s, within 1 %, and no frame ahead of its time.

    The outage makes the sender's own pace irrelevant: frame n is due at the outage's end + n services + the delay.
    """
    client, server = ends
    delay_ns = 2 * NS_PER_MS
    schedule = Schedule((Row(0, 0, delay_ns, 0), Row(1, 0, delay_ns, rate_bps)))
    queue = Queue(capacity=Capacity("packets", frames))
    await forwarder.add(0, namespaces.link, LinkPlan("leo-0", schedule, schedule, queue=queue))
    for sent in range(BATCH, frames + 1, BATCH):
        for _ in range(BATCH):
            client.send(FRAME)
        await queued(forwarder, sent)
    t0_ns = time.monotonic_ns() + LEAD_NS
    await forwarder.arm([0], t0_ns)
    arrived_ns = await receive(server, frames)
    late_ns = [at - t0_ns - 1 - delay_ns - service_ns(rate_bps, n) for n, at in enumerate(arrived_ns, 1)]
    assert min(late_ns) > -CLOCKS_NS
    first, last = (luckiest(late_ns, half) for half in (range(frames // 2), range(frames // 2, frames)))
    measured_bps = 8 * len(FRAME) * (last - first) * NS_PER_S / (arrived_ns[last] - arrived_ns[first])
    assert rate_bps == pytest.approx(measured_bps, rel=0.01)
    assert min(late_ns) < LUCK_NS


async def queued(forwarder: ForwarderClient, frames: int) -> None:
    """Return once so many stand in the queue: a sender that waits for it overruns no ring, however busy the machine."""
    async with asyncio.timeout(60):
        while forwarder.read(0).up.queue_packets < frames:
            await asyncio.sleep(0)


def luckiest(late_ns: Sequence[int], numbers: range) -> int:
    """The frame among `numbers` that the machine held up least."""
    return min(numbers, key=late_ns.__getitem__)


async def test_a_full_queue_of_one_bdp_delays_by_one_bdp(
    forwarder: ForwarderClient, namespaces: LinkNamespaces, ends: tuple[RawEnd, RawEnd]
) -> None:
    """At 8 Mbit/s and 20 ms, 1.0 BDP is 40 kB: the unluckiest frame waits 40 ms, less at most two frames' worth.

    One is the frame for which there was no room; the other is in service, and counts whole until it has left.
    """
    client, _ = ends
    rate_bps, delay_ns = 8 * MBIT, 20 * NS_PER_MS
    bdp_ns = 2 * delay_ns
    schedule = Schedule((Row(0, 0, delay_ns, rate_bps),))
    queue = Queue(capacity=Capacity("bdp", 1_000_000))
    await forwarder.add(0, namespaces.link, LinkPlan("leo-0", schedule, schedule, queue=queue))
    sent = 0
    while (up := forwarder.read(0).up).dropped_queue_full_packets == 0:
        client.send(FRAME)
        sent += 1
    async with asyncio.timeout(20):
        while (up := forwarder.read(0).up).arrived_packets < sent or up.inside_packets:
            await asyncio.sleep(0)
    assert sent == up.delivered_packets + up.dropped_queue_full_packets
    assert up.transit.max >= delay_ns + bdp_ns - service_ns(rate_bps, 2)
    assert up.transit.max - up.lateness.max <= delay_ns + bdp_ns


def probe_intervals(folder: Path) -> tuple[int, list[dict[str, Any]]]:
    """T0 of the only run below `folder`, and the up intervals of its probe in which packets were sent."""
    (run,) = (folder / "runs").iterdir()
    t0_ns = json.loads((run / "run.json").read_text())["links"][0]["planned_ns"]
    report = json.loads((run / "artifacts" / "steps" / "client.stdout").read_text())
    return t0_ns, [each for each in report["up"]["intervals"] if each["delay_ns"]]


def test_a_probe_sees_every_step_at_its_time(tmp_path: Path) -> None:
    """Delay and service time of each row, by the probe's own stamps, from the row's time until the next row's."""
    rows = [(0, 30, 20), (1000, 12, 10), (1600, 21, 40), (9000, 21, 40)]
    table = "".join(f"{ms},{delay},{delay},{rate}\n" for ms, delay, rate in rows)
    (tmp_path / "steps.csv").write_text("Time[ms],RouteID,Delay[ms],Btldr[Mbps]\n" + table)
    (tmp_path / "steps.yaml").write_text(
        """
links:
  - name: steps
    scenario: steps.csv
    workload:
      - {at: server, command: [plctl, probe, server], ready: {udp: 8622}}
      - {at: client, command: "plctl probe client {server} --rate 400pps --interval 50ms --count 900", start: 0s}
"""
    )
    done = subprocess.run(
        [*PLCTL, "run", "steps.yaml", "--no-report"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert "Traceback" not in done.stderr
    t0_ns, intervals = probe_intervals(tmp_path)
    seen = 0
    for (start_ms, delay_ms, rate_mbit), (end_ms, _, _) in itertools.pairwise(rows):
        asked_ns = delay_ms * NS_PER_MS + (1200 + 42) * 8 * NS_PER_S // (rate_mbit * MBIT)
        begin_ns, end_ns = t0_ns + start_ms * NS_PER_MS, t0_ns + end_ms * NS_PER_MS
        for each in intervals:
            if begin_ns <= each["start_ns"] and each["start_ns"] + each["length_ns"] <= end_ns - NS_PER_MS:
                assert asked_ns <= each["delay_ns"]["min"], each
                seen += each["delay_ns"]["min"] < asked_ns + LUCK_NS
    assert seen > 5
