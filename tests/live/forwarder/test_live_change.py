"""A link changes while frames are on their way: none is lost, none overtakes, each is due as the changed rows say."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import pytest
from support.raw_end import RawEnd

from plctl.agent.forwarder.client import ForwarderClient
from plctl.agent.kernel.link_namespaces import CLIENT_INTERFACE, SERVER_INTERFACE, LinkNamespaces, build, remove
from plctl.agent.native import half_arguments
from plctl.agent.ownership.ledger import Ledger
from plctl.common.base.errors import BusyError, UserError, WorldError
from plctl.common.base.units import NS_PER_MS, NS_PER_S
from plctl.common.plan.link_change import AppliedChange, LinkChange, plan_after
from plctl.common.plan.run_plan import LinkPlan, Reconfiguration
from plctl.common.reference.half import Reference
from plctl.common.scenario.schedule import DIRECTIONS, Direction, Row, Schedule
from plctl.common.telemetry.packet_log import COPY, FIELDS, RECORD

pytestmark = pytest.mark.undisturbed

HEAD = bytes.fromhex("020000000001 020000000002 88b5".replace(" ", ""))
FRAMES = 240  #: each way: the reference works everything out anew at every frame
GAP_S = 0.0015
SEED = 7

Record = dict[str, int]


@pytest.fixture
def plan() -> LinkPlan:
    """10 ms and 8 Mbit/s up, 5 ms and 20 Mbit/s down; another row each way after 150 ms; every packet is logged."""
    up = Schedule((Row(0, 1, 10 * NS_PER_MS, 8_000_000), Row(150 * NS_PER_MS, 1, 12 * NS_PER_MS, 9_000_000)))
    down = Schedule((Row(0, 1, 5 * NS_PER_MS, 20_000_000), Row(150 * NS_PER_MS, 1, 4 * NS_PER_MS, 20_000_000)))
    return LinkPlan("leo-0", up, down, packets=True, reconfiguration=Reconfiguration(3 * NS_PER_MS))


@pytest.fixture(params=["packet", "xdp"])
async def forwarder(
    request: pytest.FixtureRequest, ledger: Ledger, namespaces: LinkNamespaces, plan: LinkPlan
) -> AsyncIterator[ForwarderClient]:
    """A forwarder with one link, on either back end."""
    build(namespaces, plan, ledger)
    client = await ForwarderClient.spawn(ledger, 1)
    try:
        await client.add(0, namespaces.link, plan, seed=SEED, io=request.param)
        yield client
    finally:
        await client.close()
        remove(namespaces, ledger)


@dataclass
class Traffic:
    """What went in and what came out, each way."""

    up: list[int]
    down: list[int]
    records: dict[Direction, list[Record]]
    changes: list[AppliedChange]


async def exchange(forwarder: ForwarderClient, namespaces: LinkNamespaces, changes: list[LinkChange]) -> Traffic:
    """Send numbered frames both ways at once while the link goes through the changes, then wait until it is empty."""
    await forwarder.arm([0], time.monotonic_ns() + 20 * NS_PER_MS)
    done = []
    with (
        RawEnd(namespaces.client, CLIENT_INTERFACE) as client,
        RawEnd(namespaces.server, SERVER_INTERFACE) as server,
    ):
        while not forwarder.read(0).started_ns:
            await asyncio.sleep(0)

        due = [asyncio.Event() for _ in changes]  # each once its share of the frames was sent

        async def send() -> None:
            for number in range(FRAMES):
                for place, event in enumerate(due, 1):
                    if number * (len(due) + 1) >= place * FRAMES:
                        event.set()
                for end in (client, server):
                    end.send(HEAD + number.to_bytes(2) + bytes(600))
                await asyncio.sleep(GAP_S)  # the gap between two frames: the load, not a wait

        sending = asyncio.create_task(send())
        for change, event in zip(changes, due, strict=True):
            await event.wait()
            done.append(await forwarder.change(0, change, "a test"))
        await sending
        async with asyncio.timeout(20):
            while (stats := forwarder.read(0)).up.inside_packets + stats.down.inside_packets:
                await asyncio.sleep(0.01)
        got = [[int.from_bytes(each.data[14:16]) for each in end.receive_all()] for end in (server, client)]
    log = forwarder.packet_log(0)
    assert log
    records: dict[Direction, list[Record]] = {"up": [], "down": []}
    for direction, data, _ in log.read_new():
        records[direction] += [dict(zip(FIELDS, each, strict=True)) for each in RECORD.iter_unpack(data)]
    return Traffic(*got, records, done)


def replayed(plan: LinkPlan, direction: Direction, t0_ns: int, records: list[Record]) -> list[tuple[int, int, int]]:
    """(start, end, due) of what the reference delivers of these arrivals, in their order."""
    reference = Reference(**half_arguments(plan, direction, SEED))
    reference.arm(t0_ns)
    for each in sorted(records, key=lambda record: record["number"]):
        reference.arrive(each["arrival_ns"], each["length"])
    popped = reference.pop(max(each["arrival_ns"] for each in records) + 10 * NS_PER_S)
    return sorted((start, end, due) for _, _, start, end, due in popped)


def delivered(records: list[Record]) -> list[tuple[int, int, int]]:
    return sorted((each["start_ns"], each["end_ns"], each["due_ns"]) for each in records if each["verdict"] == 0)


def alike(**values: int) -> LinkChange:
    """The same both ways."""
    return LinkChange(values, values)


def assert_as_the_reference(forwarder: ForwarderClient, plan: LinkPlan, traffic: Traffic) -> None:
    """Every frame was due as the reference says of the rows with the changes, both ways at their one time."""
    stats, changed = forwarder.read(0), plan_after(plan, traffic.changes)
    assert changed == forwarder.plan_of(0)
    for direction in DIRECTIONS:
        records = [each for each in traffic.records[direction] if not each["flags"] & COPY]
        assert delivered(traffic.records[direction]) == replayed(changed, direction, stats.t0_ns, records)
        assert delivered(traffic.records[direction]) != replayed(plan, direction, stats.t0_ns, records), "no effect"


async def test_a_change_loses_and_reorders_nothing(
    forwarder: ForwarderClient, namespaces: LinkNamespaces, plan: LinkPlan
) -> None:
    """All frames arrive in order, though the delay falls and the rate changes while many are on their way."""
    changes = [
        alike(delay_ns=3 * NS_PER_MS),
        LinkChange({"rate_bps": 5_000_000}, {"delay_ns": 20 * NS_PER_MS, "rate_bps": 30_000_000}, hold=True),
        alike(delay_ns=8 * NS_PER_MS),
    ]
    traffic = await exchange(forwarder, namespaces, changes)
    stats = forwarder.read(0)
    assert 0 == stats.up.lost + stats.down.lost + stats.up.dropped + stats.down.dropped
    assert list(range(FRAMES)) == traffic.up == traffic.down
    assert changes == [each.change for each in traffic.changes]
    assert_as_the_reference(forwarder, plan, traffic)


async def test_a_change_of_route_is_a_reconfiguration(
    forwarder: ForwarderClient, namespaces: LinkNamespaces, plan: LinkPlan
) -> None:
    """Its blackout holds what is in flight, and what comes on the shorter route overtakes; nothing is lost."""
    traffic = await exchange(
        forwarder, namespaces, [alike(delay_ns=30 * NS_PER_MS), alike(route=9, delay_ns=NS_PER_MS)]
    )
    stats = forwarder.read(0)
    assert 0 == stats.up.lost + stats.down.lost + stats.up.dropped + stats.down.dropped
    assert list(range(FRAMES)) == sorted(traffic.up) == sorted(traffic.down)
    assert traffic.up != sorted(traffic.up)
    assert_as_the_reference(forwarder, plan, traffic)


async def test_impairments_that_begin_with_a_change_are_those_of_the_scenario(
    forwarder: ForwarderClient, namespaces: LinkNamespaces, plan: LinkPlan
) -> None:
    """Loss, copies and jitter draw by the frame's number since T0, as if the scenario had had them from there."""
    changes = [
        replace(alike(loss_ppb=200_000_000, jitter_ns=NS_PER_MS), hold=True),
        replace(alike(duplicate_ppb=300_000_000, loss_ppb=0), hold=True),
    ]
    traffic = await exchange(forwarder, namespaces, changes)
    stats = forwarder.read(0)
    assert 0 == stats.up.lost + stats.down.lost
    assert stats.up.dropped_random_loss_packets > 0 < stats.up.duplicated_packets
    assert_as_the_reference(forwarder, plan, traffic)


async def test_what_cannot_be_is_refused_by_name_and_changes_nothing(
    forwarder: ForwarderClient, plan: LinkPlan
) -> None:
    """Before T0, without a value, out of range, or beyond the memory for frames."""
    with pytest.raises(BusyError, match="the scenario of leo-0 has not started"):
        await forwarder.change(0, alike(delay_ns=1), "a test")
    await forwarder.arm([0], time.monotonic_ns() + 20 * NS_PER_MS)
    while not forwarder.read(0).started_ns:
        await asyncio.sleep(0)
    with pytest.raises(UserError, match="names no value"):
        await forwarder.change(0, LinkChange(), "a test")
    with pytest.raises(WorldError, match=r"its frames would need .* more"):
        await forwarder.change(0, alike(rate_bps=10**12, delay_ns=3600 * NS_PER_S), "a test")
    assert plan == forwarder.plan_of(0)
    idle = await forwarder.change(0, replace(alike(delay_ns=1), hold=True), "a test")
    assert Row(idle.at_ns, 1, 1, 8_000_000) == forwarder.plan_of(0).up.rows[1]


async def test_changes_that_are_asked_for_together_come_one_after_the_other(forwarder: ForwarderClient) -> None:
    """Each begins with what the one before left."""
    await forwarder.arm([0], time.monotonic_ns() + 20 * NS_PER_MS)
    while not forwarder.read(0).started_ns:
        await asyncio.sleep(0)
    wanted = [replace(alike(delay_ns=number * NS_PER_MS), hold=True) for number in range(1, 9)]
    done = await asyncio.gather(*(forwarder.change(0, each, "a test") for each in wanted))
    assert sorted(each.at_ns for each in done) == [each.at_ns for each in done]
    assert [10, 1, 2, 3, 4, 5, 6, 7] == [each.before.up["delay_ns"] // NS_PER_MS for each in done]
