"""What a forwarder asks of the kernel and what it gets, read from the kernel's own numbers."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from plctl.agent.forwarder.client import ForwarderClient
from plctl.agent.forwarder.worker_plan import read_throttle
from plctl.agent.ownership.ledger import Ledger
from plctl.common.base.errors import WorldError
from plctl.common.base.units import NS_PER_S
from plctl.common.plan.forwarder_options import ForwarderOptions, ForwarderTerms

WATCHED_NS = 3 * NS_PER_S  #: three of the kernel's periods


@asynccontextmanager
async def forwarding(
    ledger: Ledger, options: ForwarderOptions
) -> AsyncIterator[tuple[ForwarderClient, ForwarderTerms]]:
    """A forwarder without links, and its terms."""
    client = await ForwarderClient.spawn(ledger, 1, options)
    try:
        yield client, await client.terms()
    finally:
        await client.close()


def threads_of(pid: int) -> list[int]:
    """Thread ids of a process."""
    return [int(path.name) for path in Path(f"/proc/{pid}/task").iterdir()]


def cpu_ns(thread: int) -> int:
    """What the kernel says the thread has run."""
    return int(Path(f"/proc/{thread}/schedstat").read_text().split()[0])


def busiest(pid: int) -> int:
    """The thread besides the main one that has run most: a worker that never sleeps."""
    return max((thread for thread in threads_of(pid) if thread != pid), key=cpu_ns)


async def test_workers_run_where_they_are_told(ledger: Ledger) -> None:
    """Each of three workers, pinned in turn, is on its CPU alone; the terms say so, and the nice value."""
    cpus = tuple(sorted(os.sched_getaffinity(0))[:2])
    async with forwarding(ledger, ForwarderOptions(workers=3, cpus=cpus)) as (client, terms):
        expected = [cpus[i % len(cpus)] for i in range(3)]
        assert tuple(f"CPU {cpu}, nice -20" for cpu in expected) == terms.workers
        affinities = [sorted(os.sched_getaffinity(thread)) for thread in threads_of(client.pid)]
        assert all([cpu] in affinities for cpu in expected)
        assert client.pid == terms.pid


async def test_memory_is_locked_or_it_is_said_why_not(ledger: Ledger) -> None:
    """The kernel counts locked pages if and only if the terms claim it; not asked for, nothing is locked or said."""
    for asked in (True, False):
        async with forwarding(ledger, ForwarderOptions(lock_memory=asked)) as (client, terms):
            status = Path(f"/proc/{client.pid}/status").read_text()
            locked_kib = int(status.partition("VmLck:")[2].split()[0])
            assert terms.locked_memory == (locked_kib > 0)
            said = [sentence for sentence in terms.refused if "memory is not locked" in sentence]
            assert len(said) == (asked and not terms.locked_memory)


@pytest.mark.undisturbed
async def test_busy_workers_never_sleep_and_others_do(ledger: Ledger) -> None:
    """Without a link a busy worker uses up CPU time nevertheless; an adaptive one, with nothing due, none."""
    async with forwarding(ledger, ForwarderOptions(workers=1, spin="busy")) as (client, _):
        async with asyncio.timeout(20):
            while cpu_ns(busiest(client.pid)) < NS_PER_S // 4:
                await asyncio.sleep(0.01)
    async with forwarding(ledger, ForwarderOptions(workers=1)) as (client, _):
        threads = threads_of(client.pid)
        before = {thread: cpu_ns(thread) for thread in threads if thread != client.pid}
        await client.terms()
        await client.terms()
        workers = [thread for thread in before if os.getpriority(os.PRIO_PROCESS, thread) == -20]
        assert [before[thread] for thread in workers] == [cpu_ns(thread) for thread in workers]


@pytest.mark.undisturbed
async def test_real_time_is_never_held_for_so_long_that_the_kernel_takes_the_cpu_away(ledger: Ledger) -> None:
    """A worker that spins for ever at real-time priority gives it up in time, and takes it again.

    In every period of the kernel's throttle it stays below the share at which it would be stopped, by the kernel's own
    account of its CPU time: what passed between two looks counts if it had real-time priority at either. Where the
    kernel refuses the priority, the terms say so in a sentence and the worker is an ordinary one.
    """
    async with forwarding(ledger, ForwarderOptions(workers=1, spin="busy", real_time=10)) as (client, terms):
        thread = busiest(client.pid)
        if terms.refused and "real-time" in terms.refused[0]:
            assert os.SCHED_OTHER == os.sched_getscheduler(thread)
            return
        assert any("SCHED_FIFO 10" in worker for worker in terms.workers)
        looks = await watch(thread)
    throttle = read_throttle()
    assert {True, False} == {real_time for _, real_time, _ in looks}
    for first, (begin_ns, _, _) in enumerate(looks):
        spent_ns = 0
        for (_, was, before), (at_ns, is_now, after) in zip(looks[first:], looks[first + 1 :], strict=False):
            if at_ns - begin_ns > throttle.period_ns:
                break
            spent_ns += after - before if was or is_now else 0
        assert spent_ns < throttle.share * throttle.period_ns


async def watch(thread: int) -> list[tuple[int, bool, int]]:
    """For three periods: (when, whether it has real-time priority, CPU time so far)."""
    looks: list[tuple[int, bool, int]] = []
    end_ns = time.monotonic_ns() + WATCHED_NS
    while not looks or looks[-1][0] < end_ns:
        is_real_time = os.sched_getscheduler(thread) == os.SCHED_FIFO
        looks.append((time.monotonic_ns(), is_real_time, cpu_ns(thread)))
        await asyncio.sleep(0.005)
    return looks


async def test_a_cpu_that_is_not_there_is_refused(ledger: Ledger) -> None:
    """A forwarder whose worker cannot be pinned does not run at all; who asks it anything hears that it ended."""
    client = await ForwarderClient.spawn(ledger, 1, ForwarderOptions(cpus=(1023,)))
    with pytest.raises(WorldError, match="ended by itself, with status 1"):
        await client.terms()
    await client.close()
