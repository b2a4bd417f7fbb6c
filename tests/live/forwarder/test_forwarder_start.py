"""How many links of one forwarder start at one T0."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from plctl.agent.forwarder.client import ForwarderClient
from plctl.agent.kernel.link_namespaces import LinkNamespaces, build, remove
from plctl.agent.ownership.ledger import Ledger
from plctl.common.base.errors import KernelError
from plctl.common.base.units import NS_PER_MS, NS_PER_S
from plctl.common.plan.forwarder_options import ForwarderOptions
from plctl.common.plan.run_plan import LinkPlan

pytestmark = pytest.mark.undisturbed

LINKS = 20


@pytest.fixture(params=[1, 2], ids=["1 worker", "2 workers"])
async def forwarder(
    request: pytest.FixtureRequest, ledger: Ledger, namespaces: LinkNamespaces, plan: LinkPlan
) -> AsyncIterator[ForwarderClient]:
    """A forwarder with twenty links; no frame flows, so they may share one pair of interfaces."""
    build(namespaces, plan, ledger)
    client = await ForwarderClient.spawn(ledger, LINKS, ForwarderOptions(workers=request.param))
    try:
        await asyncio.gather(*(client.add(slot, namespaces.link, plan, io="packet") for slot in range(LINKS)))
        yield client
    finally:
        await client.close()
        remove(namespaces, ledger)


async def starts_of(client: ForwarderClient, slots: Sequence[int]) -> list[int]:
    """When the links in `slots` started, once all have."""
    async with asyncio.timeout(20):
        while not all(starts := [client.read(slot).started_ns for slot in slots]):
            await asyncio.sleep(0)
    return starts


async def test_all_links_start_at_t0_and_never_before(forwarder: ForwarderClient) -> None:
    """Each link of each worker says that it started, at T0 or later."""
    await forwarder.arm(range(LINKS), t0_ns := time.monotonic_ns() + 50 * NS_PER_MS)
    assert t0_ns <= min(await starts_of(forwarder, range(LINKS)))
    assert {t0_ns} == {forwarder.read(slot).t0_ns for slot in range(LINKS)}


async def test_links_of_one_worker_may_have_different_t0s(forwarder: ForwarderClient) -> None:
    """A link that is armed for an earlier T0 does not wait for the others, nor do they start with it."""
    late_ns = time.monotonic_ns() + 3600 * NS_PER_S
    await forwarder.arm(range(LINKS), late_ns)
    await forwarder.arm(range(4), soon_ns := time.monotonic_ns() + 50 * NS_PER_MS)
    assert soon_ns <= min(await starts_of(forwarder, range(4)))
    assert [0] * (LINKS - 4) == [forwarder.read(slot).started_ns for slot in range(4, LINKS)]


async def test_nobody_else_gets_the_cpu_just_before_t0(forwarder: ForwarderClient) -> None:
    """A worker has real-time priority then, and gives it back. Some looks miss that millisecond."""
    threads = [int(task.name) for task in Path(f"/proc/{forwarder.pid}/task").iterdir()]
    raised = 0
    for slot in range(LINKS):
        await forwarder.arm([slot], time.monotonic_ns() + 20 * NS_PER_MS)
        while not forwarder.read(slot).started_ns:
            raised += any(os.sched_getscheduler(thread) == os.SCHED_FIFO for thread in threads)
    assert raised
    async with asyncio.timeout(20):
        while any(os.sched_getscheduler(thread) != os.SCHED_OTHER for thread in threads):
            await asyncio.sleep(0)


async def test_arming_is_all_or_none(forwarder: ForwarderClient) -> None:
    """A request that names a link that has started arms none of the others, whichever worker serves it or them."""
    first_of = {forwarder.worker_of(slot): slot for slot in reversed(range(LINKS))}
    others = [slot for slot in range(LINKS) if slot not in first_of.values()]
    later_ns = time.monotonic_ns() + 3600 * NS_PER_S
    await forwarder.arm(others[10:], later_ns)
    for started in first_of.values():
        await forwarder.arm([started], time.monotonic_ns() + 20 * NS_PER_MS)
        await starts_of(forwarder, range(started, started + 1))
        with pytest.raises(KernelError, match="one of them has started already"):
            await forwarder.arm([*others, started], time.monotonic_ns() + NS_PER_S)
        assert {0} == {forwarder.read(slot).t0_ns for slot in others[:10]}
        assert {later_ns} == {forwarder.read(slot).t0_ns for slot in others[10:]}
    with pytest.raises(KernelError, match="T0 has passed"):
        await forwarder.arm(others, time.monotonic_ns())
    await forwarder.arm(others, t0_ns := time.monotonic_ns() + 50 * NS_PER_MS)
    assert t0_ns <= min(await starts_of(forwarder, others))


async def test_links_that_were_not_armed_again_start_as_they_were_to(forwarder: ForwarderClient) -> None:
    """Where one link could not be armed for another T0, the first one holds for all of them."""
    await forwarder.arm([0], time.monotonic_ns() + 20 * NS_PER_MS)
    await starts_of(forwarder, range(1))
    await forwarder.arm(range(1, LINKS), t0_ns := time.monotonic_ns() + 200 * NS_PER_MS)
    with pytest.raises(KernelError, match="one of them has started already"):
        await forwarder.arm(range(LINKS), time.monotonic_ns() + 3600 * NS_PER_S)
    assert t0_ns <= min(await starts_of(forwarder, range(1, LINKS)))
    assert {t0_ns} == {forwarder.read(slot).t0_ns for slot in range(1, LINKS)}


async def test_a_link_that_waits_for_a_frame_cannot_be_armed(
    forwarder: ForwarderClient, namespaces: LinkNamespaces, plan: LinkPlan
) -> None:
    """Its first frame could start it while the others are only about to be armed."""
    await forwarder.remove(0)
    await forwarder.add(0, namespaces.link, replace(plan, start="first-packet"), io="packet")
    await forwarder.trigger(0)
    with pytest.raises(KernelError, match="waits for its first frame"):
        await forwarder.arm(range(LINKS), time.monotonic_ns() + NS_PER_S)
    assert {0} == {forwarder.read(slot).t0_ns for slot in range(LINKS)}


async def test_an_armed_link_may_go(forwarder: ForwarderClient, namespaces: LinkNamespaces, plan: LinkPlan) -> None:
    """What is removed before T0 does not start, the others do, and its slot can be used again."""
    await forwarder.arm(range(LINKS), time.monotonic_ns() + 500 * NS_PER_MS)
    await forwarder.remove(0)
    await starts_of(forwarder, range(1, LINKS))
    assert 0 == forwarder.read(0).started_ns
    await forwarder.add(0, namespaces.link, plan, io="packet")
    await forwarder.arm([0], time.monotonic_ns() + 50 * NS_PER_MS)
    await starts_of(forwarder, range(1))


async def test_a_link_has_one_t0(forwarder: ForwarderClient, namespaces: LinkNamespaces, plan: LinkPlan) -> None:
    """A link that was armed cannot be told to wait for a frame instead."""
    await forwarder.remove(0)
    await forwarder.add(0, namespaces.link, replace(plan, start="first-packet"), io="packet")
    await forwarder.arm([0], time.monotonic_ns() + 3600 * NS_PER_S)
    with pytest.raises(KernelError, match="armed"):
        await forwarder.trigger(0)
