"""Where the time of a frame goes: nanoseconds a frame that perf finds on the CPUs of the sender and of plctl's worker.

As much comes as one CPU can send, so both CPUs are full of nothing else.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from bench.phantomlink import NotMeasuredError
from bench.table import Table, row
from bench.ways import PLCTL, Way
from support.senders import flood
from support.world import World, deaf_receiver, delivered_per_second, world

from plctl.common.base.units import NS_PER_MS, NS_PER_S, RATE_UNLIMITED
from plctl.common.plan.run_plan import LinkPlan
from plctl.common.scenario.schedule import Row, Schedule

SCHEDULE = Schedule((Row(0, 0, 10 * NS_PER_MS, RATE_UNLIMITED),))
PLAN = LinkPlan("bench", SCHEDULE, SCHEDULE)
TRIALS = 3
WARM_UP_S, MEASURED_S = 0.3, 1.0
SAMPLES_PER_S = 4000
#: The parts of a frame's way, of each process: the first whose pattern is the name of a function in the stack counts.
PARTS = {
    "sender": {
        "sender: into plctl's ring": r"do_xdp_generic|tpacket_rcv",
        "sender: its own sending": r".",
    },
    "worker": {
        "worker: the receiver's network stack": r"__netif_receive_skb\w*|ip_rcv\w*",
        "worker: through the veth": r"veth_xmit|__dev_direct_xmit|packet_direct_xmit|do_softirq\S*|handle_softirqs",
        "worker: the system call that sends": r"__x64_sys_send\w*|__sys_send\w*|\w*sendto|\w*sendmmsg",
        "worker: epoll": r"\w*epoll\w*",
        "worker: reading the clock": r".*clock_gettime.*",
        "worker: the model": r"(half|flight|schedule|queue|capacity|service|next_due|serve)\w*",
        "worker: copying": r"__mem(cpy|move)\w*",
        "worker: all else": r".",
    },
}


def stacks(perf_data: Path) -> list[tuple[int, list[str]]]:
    """The process and the names of the functions of each sample, the innermost first."""
    script = ["perf", "script", "-i", str(perf_data), "-F", "pid,ip,sym"]
    text = subprocess.run(script, capture_output=True, text=True, check=True).stdout
    samples = [sample.splitlines() for sample in text.split("\n\n") if sample.strip()]
    return [(int(head), [line.split(maxsplit=1)[-1] for line in lines]) for head, *lines in samples]


def part_of(parts: dict[str, str], stack: list[str]) -> str:
    """The part in which a sample with this stack was."""
    return next(name for name, pattern in parts.items() if any(re.match(pattern, each) for each in [*stack, "?"]))


async def measure(way: Way, place: World, frame_bytes: int, perf_data: Path) -> dict[str, float]:
    """Of each part, nanoseconds a frame."""
    async with way(place, PLAN) as crossing:
        with flood(place.namespaces, frame_bytes) as sender_pid:
            await asyncio.sleep(WARM_UP_S)
            which = ["-p", f"{crossing.pid},{sender_pid}", "-e", "cpu-clock", "-F", str(SAMPLES_PER_S), "-g"]
            command = ["perf", "record", "-q", "-o", str(perf_data), *which, "sleep", str(MEASURED_S)]
            try:
                perf = subprocess.Popen(command, stderr=subprocess.DEVNULL)
            except FileNotFoundError:
                raise NotMeasuredError("there is no perf") from None
            frames = MEASURED_S * await asyncio.to_thread(delivered_per_second, place.namespaces, MEASURED_S)
            if perf.wait():
                raise NotMeasuredError("perf is refused here")
    processes = {crossing.pid: "worker", sender_pid: "sender"}
    counted = Counter(part_of(PARTS[processes[pid]], stack) for pid, stack in stacks(perf_data) if pid in processes)
    return {name: count * NS_PER_S / SAMPLES_PER_S / frames for name, count in counted.items()}


@pytest.mark.parametrize("frame_bytes", [1500, 64])
async def test_time_of_a_frame(frame_bytes: int, table: Table, tmp_path: Path) -> None:
    """Every part of the way, for either back end; what perf cannot tell is said."""
    with world(PLAN) as place, deaf_receiver(place.namespaces):
        for name, way in PLCTL.items():
            try:
                trials = [await measure(way, place, frame_bytes, tmp_path / "perf.data") for _ in range(TRIALS)]
            except NotMeasuredError as error:
                table.add_missing(f"time of a {frame_bytes} B frame", name, "ns", str(error))
                continue
            for part in (part for parts in PARTS.values() for part in parts):
                values = [trial.get(part, 0.0) for trial in trials]
                table.add(row(f"{frame_bytes} B frame, {part}", name, "ns", values))
