"""The first bytes that a packet log keeps are those with which each frame arrived, whatever the path did to it."""

from __future__ import annotations

import asyncio
import struct
import time
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from model.ip_frames import ECT_0, TAGS, frame, ipv4
from support.links.forwarding import forwarding
from support.raw_end import RawEnd

from plctl.agent.forwarder.client import ForwarderClient, Io
from plctl.agent.kernel.link_names import LinkNamespaces
from plctl.agent.kernel.link_namespaces import CLIENT_INTERFACE
from plctl.agent.native import _core
from plctl.agent.ownership.ledger import Ledger
from plctl.common.base.units import NS_PER_MS
from plctl.common.plan.run_plan import Capacity, LinkPlan, Queue
from plctl.common.resources.link_need import need_bytes
from plctl.common.scenario.schedule import Row, Schedule
from plctl.common.telemetry.packet_log import CAPTURED, COPY, CORRUPT, FIELDS, MARKED, RECORD, VERDICTS
from plctl.common.telemetry.samples import HalfStats

#: A path that loses, doubles and corrupts two frames of ten each, behind a queue that is kept short by marks and drops.
ROWS = Schedule((Row(0, 0, 3 * NS_PER_MS, 10_000_000, -1, 2 * 10**8, 2 * 10**8, 2 * 10**8),))
EAGER = {"ecn": 1, "target": NS_PER_MS // 10, "interval": NS_PER_MS}
FRAMES = 300
KEPT = 100


@pytest.fixture
def plan() -> LinkPlan:
    """The link that goes through that, and keeps the first bytes of each frame."""
    queue = Queue("codel", Capacity("packets", 60), EAGER)
    return LinkPlan("leo-0", ROWS, ROWS, queue=queue, packets=True, capture_bytes=KEPT)


async def settled(forwarder: ForwarderClient, frames: int) -> HalfStats:
    """What the direction up has counted once so many frames have come and gone."""
    async with asyncio.timeout(20):
        while (up := forwarder.read(0).up).arrived_packets + up.lost_ring < frames or up.inside_packets:
            await asyncio.sleep(0)
    return up


def captures(forwarder: ForwarderClient) -> list[tuple[dict[str, int], bytes | None]]:
    """The new records of the way up, each with its frame's first bytes."""
    log = forwarder.packet_log(0)
    assert log is not None
    found: list[tuple[dict[str, int], bytes | None]] = []
    for direction, records, kept in log.read_new():
        assert direction == "up"
        at = 0
        for values in RECORD.iter_unpack(records):
            record = dict(zip(FIELDS, values, strict=True))
            size = min(record["length"], KEPT) if record["flags"] & CAPTURED else 0
            found.append((record, kept[at : at + size] if size else None))
            at += size
        assert len(kept) == at
    assert ((0, 0), (0, 0)) == (log.lost(), log.capture_lost())
    return found


def sent_frames(tags: bytes) -> list[bytes]:
    """Frames of many sizes, some shorter than what is kept; each with its number behind its headers."""
    head = frame(ipv4(ECT_0, offset=0x2000), tags)
    return [head + struct.pack("!I", number) + bytes(16 + number * 37 % 1300) for number in range(FRAMES)]


@pytest.mark.parametrize("io", ["packet", "xdp"])
@pytest.mark.parametrize("tags", [b"", TAGS["tagged"]], ids=["bare", "tagged"])
async def test_each_record_has_the_bytes_with_which_its_frame_arrived(
    ledger: Ledger, built: LinkNamespaces, plan: LinkPlan, io: Io, tags: bytes
) -> None:
    """Of what was sent, dropped on arrival and later, lost by the path, marked, corrupted and doubled."""
    sent = sent_frames(tags)
    async with forwarding(ledger) as forwarder:
        assert (await forwarder.add(0, built.link, plan, io=io)).startswith(io)
        await forwarder.arm([0], time.monotonic_ns() + 20 * NS_PER_MS)
        with RawEnd(built.client, CLIENT_INTERFACE) as client:
            for number, each in enumerate(sent):
                client.send(each)
                while number < FRAMES / 2 and forwarder.read(0).up.queue_packets > 10:  # then a burst
                    await asyncio.sleep(0)
        up = await settled(forwarder, FRAMES)
        found = captures(forwarder)
    assert FRAMES == up.arrived_packets
    for record, kept in found:
        assert sent[record["number"] - 1][:KEPT] == kept
    fates: Counter[Any] = Counter(VERDICTS[record["verdict"]] for record, _ in found)
    flags = [sum(bool(record["flags"] & flag) for record, _ in found) for flag in (MARKED, CORRUPT, COPY)]
    assert min(fates["admitted"], fates["queue_full"], fates["random_loss"], *flags) > 10
    assert {*range(1, FRAMES + 1)} == {record["number"] for record, _ in found}


@pytest.mark.parametrize("tags", [b"", TAGS["tagged"]], ids=["bare", "tagged"])
async def test_a_frame_without_memory_has_its_bytes(
    ledger: Ledger, built: LinkNamespaces, plan: LinkPlan, tags: bytes
) -> None:
    """It was never stored, and is in the log as it arrived all the same."""
    outage = Schedule((Row(0, 0, 0, 0),))
    up_queue, down_queue = (Queue(capacity=Capacity("bytes", size)) for size in (10_000_000, 10_000))
    plan = replace(plan, up=outage, down=outage, queue=up_queue, queue_down=down_queue)
    wanted = frame(ipv4(ECT_0), tags) + bytes(400)
    async with forwarding(ledger, budget_bytes=need_bytes(plan)) as forwarder:
        await forwarder.add(0, built.link, plan)
        with RawEnd(built.client, CLIENT_INTERFACE) as client:
            for _ in range(22_000):
                client.send(wanted)
            async with asyncio.timeout(20):
                while (up := forwarder.read(0).up).arrived_packets + up.lost_ring < 22_000:
                    await asyncio.sleep(0)
        found = captures(forwarder)
    assert up.lost_memory == len(found) > 0
    assert {wanted[:KEPT]} == {kept for _, kept in found}
    assert _core.CAPTURE_BYTES > len(found) * KEPT
