"""A thousand links on one host, idle; and 64 that carry 4 Mbit/s each, the whole of it without a break."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from functools import reduce
from pathlib import Path

import pytest
from bench.table import Row as TableRow
from bench.table import Table, row
from support.senders import in_turn
from support.world import PORT, world

from plctl.agent.forwarder.client import ForwarderClient
from plctl.agent.kernel import link_namespaces
from plctl.agent.kernel.link_namespaces import SERVER_IPV4, LinkNamespaces
from plctl.agent.ownership.ledger import Ledger
from plctl.common.base.units import NS_PER_MS, NS_PER_S, NS_PER_US
from plctl.common.plan.forwarder_options import ForwarderOptions, Io
from plctl.common.plan.run_plan import LinkPlan
from plctl.common.scenario.schedule import Row, Schedule
from plctl.common.telemetry.histogram import Histogram

IDLE = 1000
UP_S, EACH_MIB = 15.0, 1.0
BUSY = 64
RATE_BPS = 4_000_000
FRAME_BYTES = 1514
WARM_UP_S, MEASURED_S = 1.0, 5.0
LATENESS_P99_US = 1000.0
SCENARIO = "Time[ms],RouteID,Delay[ms],Btldr[Mbps]\n0,0,10,1\n"
SPEC = f"name: dense\nduration: 1s\nlinks:\n  - {{name: idle, count: {IDLE}, scenario: idle.csv}}\n"


class MostMemory:
    """Watches what a process and its descendants hold (PSS), and by how much the kernel's own structures have grown."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.processes_kib = self.kernel_kib = 0
        self._process = process
        self._kernel_began_kib = _kernel_kib()

    def watch(self) -> None:
        """Until the process ends; the figures are those of the moment at which their sum was greatest."""
        while self._process.poll() is None:
            processes_kib = sum(map(_pss_kib, _family(self._process.pid)))
            kernel_kib = _kernel_kib() - self._kernel_began_kib
            if processes_kib + kernel_kib > self.processes_kib + self.kernel_kib:
                self.processes_kib, self.kernel_kib = processes_kib, kernel_kib
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(0.5)


def _family(pid: int) -> list[int]:
    """A process and all its descendants, if it lives."""
    found = [pid]
    with contextlib.suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            for child in (thread / "children").read_text().split():
                found += _family(int(child))
    return found


def _pss_kib(pid: int) -> int:
    with contextlib.suppress(OSError):
        return _field(Path(f"/proc/{pid}/smaps_rollup"), "Pss:")
    return 0


def _kernel_kib() -> int:
    return sum(_field(Path("/proc/meminfo"), name) for name in ("SUnreclaim:", "Percpu:"))


def _field(path: Path, name: str) -> int:
    return int((path.read_text().partition(f"\n{name}")[2].split() or ["0"])[0])


@pytest.mark.timeout(300)
def test_a_thousand_idle_links(table: Table, tmp_path: Path) -> None:
    """`plctl run` from the plan to the start of all links, self-checks included, and until nothing of them is left."""
    (tmp_path / "idle.csv").write_text(SCENARIO)
    (tmp_path / "dense.yaml").write_text(SPEC)
    command = [sys.executable, "-m", "plctl.common", "run", "dense.yaml", "--json"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        memory = MostMemory(process)
        memory.watch()
    (folder,) = (tmp_path / "runs").iterdir()
    events = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    at_s = {event["event"]: event["t_ns"] / NS_PER_S for event in events}  # of several alike, the last
    assert IDLE == sum(event["event"] == "link.started" for event in events)
    up_s = at_s["run.arming"] - events[0]["t_ns"] / NS_PER_S
    kernel_mib = memory.kernel_kib / 1024 / IDLE
    each_mib = kernel_mib + memory.processes_kib / 1024 / IDLE
    what = f"{IDLE} idle links"
    table.add(row(f"{what}, until ready", "auto", "s", [up_s], budget=f"≤ {UP_S:g} s", met=up_s <= UP_S))
    table.add(row(f"{what}, memory each", "auto", "MiB", [each_mib], budget="≤ 1 MiB", met=each_mib <= EACH_MIB))
    table.add(row(f"{what}, the kernel's part", "auto", "MiB", [kernel_mib]))
    table.add(row(f"{what}, teardown", "auto", "s", [at_s["agent.released"] - at_s["run.releasing"]]))


@contextlib.contextmanager
def many(ledger: Ledger, plan: LinkPlan, count: int) -> Iterator[list[LinkNamespaces]]:
    """The namespaces of `count` links."""
    all_namespaces = [LinkNamespaces.named("bench", f"{os.getpid()}m{index}", plan.name) for index in range(count)]
    with contextlib.ExitStack() as stack:
        for namespaces in all_namespaces:
            link_namespaces.build(namespaces, plan, ledger)
            stack.callback(link_namespaces.remove, namespaces, ledger)
        yield all_namespaces


@contextlib.contextmanager
def loaded(all_namespaces: list[LinkNamespaces]) -> Iterator[None]:
    """Every link carries 95 % of its rate, from one process."""
    with contextlib.ExitStack() as stack:
        senders = []
        for namespaces in all_namespaces:
            receiver = stack.enter_context(
                link_namespaces.open_socket(namespaces.server, socket.AF_INET, socket.SOCK_DGRAM)
            )
            receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            receiver.bind((SERVER_IPV4, PORT))
            senders.append(
                stack.enter_context(link_namespaces.open_socket(namespaces.client, socket.AF_INET, socket.SOCK_DGRAM))
            )
            senders[-1].connect((SERVER_IPV4, PORT))
        interval_ns = 8 * FRAME_BYTES * NS_PER_S * 100 // (95 * RATE_BPS)
        stack.enter_context(in_turn(senders, FRAME_BYTES, interval_ns))
        yield


async def lateness(client: ForwarderClient) -> Histogram:
    """Of all links' frames together, once the load is steady."""
    await asyncio.sleep(WARM_UP_S)
    before = [client.read(slot).up for slot in range(BUSY)]
    await asyncio.sleep(MEASURED_S)
    after = [client.read(slot).up for slot in range(BUSY)]
    assert 0 == sum(half.lost for half in after)
    each = [end.lateness.minus(begin.lateness) for begin, end in zip(before, after, strict=True)]
    assert min(histogram.count for histogram in each) > 0.8 * MEASURED_S * RATE_BPS / (8 * FRAME_BYTES)
    return reduce(Histogram.plus, each)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("io", ["packet", "xdp"])
async def test_many_busy_links(io: Io, table: Table) -> None:
    """64 links of 4 Mbit/s and 20 ms, each nearly full: the lateness of all their frames; none is lost."""
    schedule = Schedule((Row(0, 0, 20 * NS_PER_MS, RATE_BPS),))
    plan = LinkPlan("bench", schedule, schedule)
    with world(plan) as place, many(place.ledger, plan, BUSY) as all_namespaces:
        client = await ForwarderClient.spawn(place.ledger, BUSY, ForwarderOptions(io=io))
        try:
            await asyncio.gather(
                *(client.add(slot, namespaces.link, plan) for slot, namespaces in enumerate(all_namespaces))
            )
            with loaded(all_namespaces):
                late = await lateness(client)
        finally:
            await client.close()
    p50, p99, most = (late.percentile(p) / NS_PER_US for p in (50, 99, 100))
    what = f"{BUSY} links × {RATE_BPS // 10**6} Mbit/s, late"
    table.add(TableRow(f"{what} p50", io, "µs", p50, p50, most))
    met = p99 <= LATENESS_P99_US
    table.add(TableRow(f"{what} p99", io, "µs", p99, p50, most, budget=f"≤ {LATENESS_P99_US:,.0f} µs", met=met))
