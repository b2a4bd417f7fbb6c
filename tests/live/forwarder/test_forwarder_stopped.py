"""A forwarder that does not work: it is seen while it lasts, and nobody waits for it for ever."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import AsyncIterator, Callable

import pytest
from support.raw_end import RawEnd
from support.running import stop, stopped

from plctl.agent.forwarder import client as forwarder_client
from plctl.agent.forwarder.client import ForwarderClient
from plctl.agent.forwarder.worker_watch import Watch, WorkerBeat
from plctl.agent.kernel.link_namespaces import CLIENT_INTERFACE, SERVER_INTERFACE, LinkNamespaces, build, remove
from plctl.agent.ownership.ledger import Ledger
from plctl.common.base.errors import WorldError
from plctl.common.base.units import NS_PER_MS, NS_PER_S, RATE_UNLIMITED
from plctl.common.plan.forwarder_options import ForwarderOptions
from plctl.common.plan.run_plan import Capacity, LinkPlan, Queue
from plctl.common.scenario.schedule import Row, Schedule
from plctl.common.telemetry.samples import HalfStats

pytestmark = pytest.mark.undisturbed

MANY = 30_000
BUDGET_NS = 50 * NS_PER_MS
FRAME = bytes.fromhex("020000000001 020000000002 88b5".replace(" ", "")) + bytes(100)


@pytest.fixture
async def forwarder(ledger: Ledger, namespaces: LinkNamespaces, plan: LinkPlan) -> AsyncIterator[ForwarderClient]:
    """A forwarder of one worker, with one link of 10 ms."""
    build(namespaces, plan, ledger)
    client = await ForwarderClient.spawn(ledger, 1, ForwarderOptions(workers=1, io="packet"))
    await client.add(0, namespaces.link, plan)
    await client.watch(BUDGET_NS)
    yield client
    await client.close()
    remove(namespaces, ledger)


async def beat(forwarder: ForwarderClient, until: Callable[[WorkerBeat], bool]) -> WorkerBeat:
    """The first heartbeat of the worker that `until` accepts."""
    async with asyncio.timeout(20):
        while not until(now := forwarder.heartbeat(0)):
            await asyncio.sleep(0.001)
    return now


async def read(forwarder: ForwarderClient, until: Callable[[HalfStats], bool]) -> None:
    """Return once `until` accepts what is counted of the link upwards."""
    async with asyncio.timeout(20):
        while not until(forwarder.read(0).up):
            await asyncio.sleep(0)


async def test_the_heart_of_an_idle_worker_beats(forwarder: ForwarderClient) -> None:
    """Some ten times a second, for next to no CPU time, and without a gap."""
    first = forwarder.heartbeat(0)
    begun_ns, cpu_ns = time.monotonic_ns(), cpu_time_ns(forwarder.pid)
    last = await beat(forwarder, lambda now: now.passes >= first.passes + 10)
    assert time.monotonic_ns() - begun_ns < 10 * 3 * 100 * NS_PER_MS
    assert not last.is_silent(time.monotonic_ns())
    assert cpu_time_ns(forwarder.pid) - cpu_ns < 0.02 * (time.monotonic_ns() - begun_ns)
    assert 0 == forwarder.worker_of(0)
    assert 0 == forwarder.heartbeat(1).pass_ns, "there is no second worker"


async def test_a_stop_is_a_gap_with_begin_and_length(forwarder: ForwarderClient, namespaces: LinkNamespaces) -> None:
    """The worker has a frame to deliver in 10 ms, and is stopped for longer: it should have been awake by then."""
    watch = Watch(forwarder.heartbeat(0), time.monotonic_ns(), BUDGET_NS)
    with RawEnd(namespaces.client, CLIENT_INTERFACE) as client, RawEnd(namespaces.server, SERVER_INTERFACE) as server:
        sent_ns = time.monotonic_ns()
        client.send(FRAME)
        await read(forwarder, lambda half: half.in_flight_packets == 1)
        with stopped(forwarder.pid):
            stopped_ns = time.monotonic_ns()
            assert forwarder.heartbeat(0).due_ns <= sent_ns + 20 * NS_PER_MS
            assert (
                await beat(forwarder, lambda now: now.is_silent(time.monotonic_ns()))
            ).due_ns < stopped_ns + NS_PER_S
            resumed_ns = time.monotonic_ns()
        await server.receive()
    (gap,) = watch.look(await beat(forwarder, lambda now: now.recorded == 1), time.monotonic_ns())
    assert gap.begin_ns <= stopped_ns + 10 * NS_PER_MS
    assert resumed_ns <= gap.end_ns
    result = watch.result()
    assert (1, (gap,)) == (result.gap_count, result.gaps)
    assert gap.length_ns == result.greatest_gap_ns


async def test_what_is_due_but_still_inside_is_overdue(forwarder: ForwarderClient, namespaces: LinkNamespaces) -> None:
    """Thirty thousand frames become due at one instant. While they leave, the rest is overdue since then; once all have
    left nothing is, nor was it before."""
    outage = Schedule((Row(0, 0, 0, 0), Row(1, 0, 0, RATE_UNLIMITED)))
    plan = LinkPlan("leo-0", outage, outage, queue=Queue(capacity=Capacity("bytes", MANY * len(FRAME))))
    await forwarder.remove(0)
    await forwarder.add(0, namespaces.link, plan)
    with RawEnd(namespaces.client, CLIENT_INTERFACE) as client:
        for number in range(MANY):
            client.send(FRAME)
            if number % 256 == 0:
                await read(forwarder, lambda half, sent=number: half.arrived_packets > sent)
    await read(forwarder, lambda half: half.queue_packets == MANY)
    assert [(0, 0)] == await forwarder.settle([0], time.monotonic_ns())
    await forwarder.arm([0], t0_ns := time.monotonic_ns() + 50 * NS_PER_MS)
    seen = []
    while forwarder.read(0).up.delivered_packets < MANY:
        seen += await forwarder.settle([0], time.monotonic_ns())
    overdue = [packets for packets, due_ns in seen if due_ns]
    assert overdue == sorted(overdue, reverse=True)
    assert {t0_ns + 1} == {due_ns for _, due_ns in seen if due_ns}
    assert 0 < overdue[-1] <= overdue[0] < MANY


async def test_one_that_does_not_answer_is_ended(forwarder: ForwarderClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks hears of it in time, with what was asked; so does whoever waits for its death, and asks later."""
    monkeypatch.setattr(forwarder_client, "SETTLE_S", 0.3)
    stop(forwarder.pid)
    stopped_ns = time.monotonic_ns()
    async with asyncio.timeout(20):
        with pytest.raises(WorldError, match=r"did not answer within 0\.3 s when asked to settle, and was ended"):
            await forwarder.settle([0], stopped_ns)
        assert "did not answer" in await forwarder.died
        with pytest.raises(WorldError, match="did not answer"):
            await forwarder.remove(0)
    assert stopped_ns - NS_PER_S < forwarder.lived_until_ns < stopped_ns + 100 * NS_PER_MS
    assert not processes_named(forwarder.pid)


def processes_named(pid: int) -> list[int]:
    """The pid, if it is taken by a process that has not ended."""
    found = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return [pid] if found.stdout.strip() and "Z" not in found.stdout else []


def cpu_time_ns(pid: int) -> int:
    """Of all threads of a process."""
    return time.clock_gettime_ns((~pid << 3) | 2)
