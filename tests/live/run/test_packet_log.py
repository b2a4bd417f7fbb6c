"""The log of a real run's packets, and the proof that the run was true: the reference replays it to the nanosecond."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest
from support.links.forwarding import forwarding
from support.packets.pcapng_reader import read_capture
from support.raw_end import RawEnd
from support.running import stopped

from plctl.agent.forwarder.client import ForwarderClient, Io
from plctl.agent.forwarder.packet_log import PacketLog
from plctl.agent.kernel.link_names import LinkNamespaces
from plctl.agent.kernel.link_namespaces import CLIENT_INTERFACE, SERVER_INTERFACE
from plctl.agent.native import _core, half_arguments
from plctl.agent.ownership.ledger import Ledger
from plctl.common.base.units import NS_PER_MS, RATE_UNLIMITED
from plctl.common.plan.disciplines import Discipline
from plctl.common.plan.impairments import Impairments, Jitter, Loss
from plctl.common.plan.run_plan import Capacity, LinkPlan, Queue
from plctl.common.protocol.messages import DirectionResult
from plctl.common.reference.disciplines import DISCIPLINES
from plctl.common.reference.half import Reference
from plctl.common.resources.link_need import need_bytes
from plctl.common.scenario.schedule import DIRECTIONS, Direction, Row, Schedule
from plctl.common.telemetry.packet_log import FIELDS, NO_ROUTE, RECORD, VERDICTS
from plctl.common.telemetry.samples import LinkStats
from plctl.controller.results import packet_file
from plctl.controller.results.run_reader import read_record
from plctl.controller.results.run_record import LinkRecord, RunRecord

PLCTL = [sys.executable, "-m", "plctl.common"]
MACS = bytes.fromhex("020000000001 020000000002".replace(" ", ""))

#: Rates rise and fall, service stands still for 200 ms, the route changes to another and back.
SCENARIO = """Time[ms],RouteID,Delay[ms],Btldr[Mbps]
0,7,15,4
400,7,3,2.5
700,7,3,0
900,2,40,6
1300,7,2,1.7
1500,7,12,3.3
"""
PACKETS = 500
#: The verdict of what the path lost.
LOST = 16
#: With these a queue of 20 frames, a few milliseconds, is one to keep short.
EAGER: dict[Discipline, dict[str, int]] = {
    "red": {"min": 5000, "max": 10_000, "weight": 200_000, "probability": 200_000},
    "codel": {"target": NS_PER_MS // 10, "interval": NS_PER_MS},
    "fq_codel": {"target": NS_PER_MS // 10, "interval": NS_PER_MS},
    "pie": {"target": NS_PER_MS // 10, "tupdate": NS_PER_MS // 10, "max_burst": 0, "beta": 1_000_000_000},
    "dualpi2": {"target": NS_PER_MS // 10, "tupdate": NS_PER_MS // 10, "beta": 200_000_000},
}
TIMES = ("start_ns", "end_ns", "due_ns")
SPEC = """
name: proof
links:
{links}
"""
LINK = """
  - name: {mode}
    scenario: path.csv
    packets: {{capture: 96B}}
    overhead: 24
    queue: {{capacity: {capacity}}}
    reconfiguration: {{delay: 35.5ms, mode: {mode}}}
    workload:
      - {{at: server, command: [plctl, probe, server, --once], ready: {{udp: 8622}}}}
      - {{at: client, command: "plctl probe client {{server}} --rate 280pps --count {count} --both", start: 0s}}
"""


@dataclass(frozen=True)
class Run:
    """A finished run and its folder."""

    folder: Path
    record: RunRecord


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Two links through the scenario, one for each kind of reconfiguration, with more traffic than the path carries."""
    links = (("gsl", "12p"), ("all", "0.5bdp"))
    text = "".join(LINK.format(mode=mode, capacity=capacity, count=PACKETS) for mode, capacity in links)
    (tmp_path / "path.csv").write_text(SCENARIO)
    (tmp_path / "proof.yaml").write_text(SPEC.format(links=text))
    command = [*PLCTL, "run", "proof.yaml", "--no-report", "--json"]
    finished = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert finished.stdout, finished.stderr
    (folder,) = (tmp_path / "runs").iterdir()
    return Run(folder, read_record(folder))


def packets_of(run: Run, link: LinkRecord, direction: Direction) -> list[dict[str, Any]]:
    """The log as rows, in order of arrival."""
    table = packet_file.read(run.folder, run.record, link, direction)
    assert 0 == packet_file.footer(table)["lost"]
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows


def replay(
    plan: LinkPlan, direction: Direction, t0_ns: int, log: list[dict[str, Any]], *, seed: int = 0
) -> list[tuple[Any, ...]]:
    """What the reference makes of the same arrivals: (verdict, start, end, due) of each."""
    reference = Reference(**half_arguments(plan, direction, seed))
    reference.arm(t0_ns)
    verdicts = []
    for packet in log:
        verdict, arrival = reference.arrive(packet["arrival_ns"], packet["length"] + plan.overhead_bytes)
        assert packet["arrival_ns"] == arrival
        verdicts.append(verdict)
    last_ns = max(packet["sent_ns"] or 0 for packet in log)
    served = {number: times for number, _, *times in reference.pop(last_ns)}
    for number, verdict, _ in reference.dropped():
        verdicts[number] = verdict
    return [(verdict, *served.get(number, (0, 0, 0))) for number, verdict in enumerate(verdicts)]


@contextmanager
def ends(namespaces: LinkNamespaces) -> Iterator[tuple[RawEnd, RawEnd]]:
    """The client's end of the link and the server's."""
    with RawEnd(namespaces.client, CLIENT_INTERFACE) as client, RawEnd(namespaces.server, SERVER_INTERFACE) as server:
        yield client, server


async def reading(forwarder: ForwarderClient, until: Callable[[LinkStats], bool]) -> LinkStats:
    """The first reading that `until` accepts."""
    async with asyncio.timeout(20):
        while not until(stats := forwarder.read(0)):
            await asyncio.sleep(0)
    return stats


def inside(stats: LinkStats) -> int:
    """Packets that are still in the link."""
    return stats.up.inside_packets + stats.down.inside_packets


def rows_of(log: PacketLog | None) -> dict[Direction, list[dict[str, int]]]:
    """The new records of each direction by their fields' names, in order of arrival."""
    assert log is not None
    found: dict[Direction, list[dict[str, int]]] = {"up": [], "down": []}
    for direction, records, _ in log.read_new():
        found[direction] += [dict(zip(FIELDS, values, strict=True)) for values in RECORD.iter_unpack(records)]
    return {direction: sorted(rows, key=itemgetter("number")) for direction, rows in found.items()}


@pytest.mark.undisturbed  # or traffic misses the outage
def test_the_log_is_complete_and_the_reference_agrees_with_it_to_the_nanosecond(run: Run) -> None:
    """Every packet of a real run has a record, and the Python model, fed with the same arrivals, says the same of each.

    The same verdict, start, end and due time, on both links and in both directions, through rate changes, an outage,
    route changes with a blackout, and drops.
    """
    for link in run.record.links:
        assert link.planned_ns is not None
        for direction in DIRECTIONS:
            log = packets_of(run, link, direction)
            assert_complete(log, getattr(link.result, direction))
            assert_went_through_everything(link.plan, log)
            logged = [(int(p["verdict"] != "admitted"), *(p[name] or 0 for name in TIMES)) for p in log]
            assert replay(link.plan, direction, link.planned_ns, log, seed=run.record.seed) == logged
    assert_is_told(run)
    assert_is_a_capture(run)


def assert_is_a_capture(run: Run) -> None:
    """`plctl packets --pcapng` has each frame where it arrived, and each that was delivered at the other end, too."""
    command = [*PLCTL, "packets", str(run.folder), "--all", "--pcapng", "-"]
    found = read_capture(subprocess.run(command, capture_output=True, timeout=60, check=True).stdout)
    t0_wall_ns = round(datetime.fromisoformat(run.record.t0_utc).timestamp() * 10**6) * 1000
    expected: Counter[tuple[int, int, int, bytes]] = Counter()
    for number, link in enumerate(run.record.links):
        assert link.planned_ns is not None
        for way, direction in enumerate(DIRECTIONS):
            for packet in packets_of(run, link, direction):
                arrived, sent = packet["arrival_ns"] - packet["moved_ns"], packet["sent_ns"]
                assert min(96, packet["length"]) == len(packet["captured"])
                for end, t_ns in ((way, arrived), (1 - way, sent)):
                    if t_ns is not None:
                        at = t_ns - link.planned_ns + t0_wall_ns
                        expected[2 * number + end, at, packet["length"], packet["captured"]] += 1
    assert expected == Counter((p.interface, p.t_ns, p.length, p.data) for p in found.packets)
    assert ["gsl client", "gsl server", "all client", "all server"] == [each.name for each in found.interfaces]


def assert_is_told(run: Run) -> None:
    """`plctl packets` has the same counts as the run's record."""
    command = [*PLCTL, "packets", str(run.folder), "gsl", "--json"]
    told = json.loads(subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout)
    result = run.record.links[0].result
    assert result is not None
    up, down = (told["directions"][direction]["verdicts"] for direction in DIRECTIONS)
    assert (result.up.delivered_packets, result.down.delivered_packets) == (up["admitted"], down["admitted"])


def assert_complete(log: list[dict[str, Any]], counted: DirectionResult) -> None:
    """One record for each packet, in order of arrival, adding up to what the run's record says."""
    assert list(range(1, len(log) + 1)) == [packet["number"] for packet in log]
    assert all(a["arrival_ns"] <= b["arrival_ns"] for a, b in pairwise(log))
    verdicts = Counter(packet["verdict"] for packet in log if packet["t_s"] >= 0)
    assert {"admitted": counted.delivered_packets, "queue_full": counted.dropped_queue_full_packets} == verdicts
    assert verdicts.total() > PACKETS
    assert 0 == counted.packet_log_lost


def assert_went_through_everything(plan: LinkPlan, log: list[dict[str, Any]]) -> None:
    """The traffic met what the scenario has: both routes, the outage, and blackouts that hold what is in flight."""
    served = [p for p in log if p["verdict"] == "admitted"]
    assert all(p["sent_ns"] >= p["due_ns"] >= p["end_ns"] > p["start_ns"] >= p["arrival_ns"] for p in served)
    assert {7, 2} == {p["route"] for p in served}
    assert max(p["end_ns"] - p["start_ns"] for p in served) > 200 * NS_PER_MS
    longest_ns = max(row.delay_ns for row in plan.up.rows)
    assert any(p["due_ns"] - p["end_ns"] > longest_ns for p in served)


def send_until(sender: RawEnd, until_ns: int) -> Iterator[tuple[int, int]]:
    """Frames of many sizes, one after the other; of each, the clock before and after it was sent."""
    number = 0
    while (before := time.monotonic_ns()) < until_ns:
        sender.send(MACS + b"\x88\xb5" + bytes(46 + number * 331 % 1400))
        yield before, (after := time.monotonic_ns())
        number += 1
        while time.monotonic_ns() < after + 300_000:  # as a sender does that has something to do in between
            pass


async def burst(forwarder: ForwarderClient, pair: tuple[RawEnd, RawEnd]) -> LinkStats:
    """More frames of many sizes than the queue holds, both ways, and the counters once they have all gone."""
    before = forwarder.read(0)
    for number in range(25):
        for end in pair:
            end.send(MACS + b"\x88\xb5" + bytes(46 + number * 331 % 1400))
    wanted = before.up.arrived_packets + before.down.arrived_packets + 50
    return await reading(forwarder, lambda s: s.up.arrived_packets + s.down.arrived_packets == wanted and not inside(s))


def number_in(frame: bytes, sent: list[bytes], flipped: dict[int, int]) -> int:
    """Which of the frames that were sent this is, as the path left it."""
    for number, original in enumerate(sent):
        expected = bytearray(original)
        if (place := flipped.get(number)) is not None:
            bit = place * (len(original) - 14) * 8 >> 32
            expected[14 + bit // 8] ^= 0x80 >> bit % 8
        if frame == expected:
            return number
    raise AssertionError(f"nobody sent {frame.hex()}")


class TestForwarder:
    """The log of a forwarder that is fed by hand, whatever carries the frames."""

    @pytest.mark.parametrize("discipline", DISCIPLINES)
    @pytest.mark.parametrize("io", ["packet", "xdp"])
    async def test_bursts_are_modelled_as_the_reference_does(
        self, ledger: Ledger, built: LinkNamespaces, plan: LinkPlan, io: Io, discipline: Discipline
    ) -> None:
        """Bursts of all sizes, both ways at once, get the reference's verdicts and times, whatever the back end.

        With any queueing discipline: what it drops after it had been admitted is logged, too.
        """
        rows = (Row(0, 0, 3 * NS_PER_MS, 20_000_000), Row(60 * NS_PER_MS, 1, NS_PER_MS, 50_000_000))
        plan = replace(
            plan,
            up=Schedule(rows),
            down=Schedule(rows),
            packets=True,
            queue=Queue(discipline, Capacity("packets", 20), EAGER.get(discipline, {})),
        )
        dropped = f"dropped_{'aqm' if discipline in EAGER else 'queue_full'}_packets"
        async with forwarding(ledger) as forwarder:
            assert (await forwarder.add(0, built.link, plan, io=io)).startswith(io)
            t0_ns = time.monotonic_ns() + 100 * NS_PER_MS
            await forwarder.arm([0], t0_ns)
            with ends(built) as pair:
                stats = forwarder.read(0)
                # The slower bursts come, the more it takes.
                while not all(half.row and getattr(half, dropped) for half in (stats.up, stats.down)):
                    stats = await burst(forwarder, pair)
                stats = await burst(forwarder, pair)  # all of it with the second row in force
            found = rows_of(forwarder.packet_log(0))
        for direction in DIRECTIONS:
            logged = [(p["verdict"], p["start_ns"], p["end_ns"], p["due_ns"]) for p in found[direction]]
            assert replay(plan, direction, t0_ns, found[direction]) == logged
            assert getattr(stats, direction).arrived_packets == len(logged)
            # What an eager discipline drops early leaves room: whether the queue is full then is a matter of draws.
            certain = {0, 2} if discipline in EAGER else {0, 1}
            assert certain <= {verdict for verdict, *_ in logged} <= certain | {1}
            assert {0, 1} <= {p["route"] for p in found[direction]}

    @pytest.mark.undisturbed
    @pytest.mark.parametrize("io", ["packet", "xdp"])
    async def test_the_path_loses_corrupts_copies_and_jitters_as_the_reference_does(
        self, ledger: Ledger, built: LinkNamespaces, plan: LinkPlan, io: Io
    ) -> None:
        """Each frame has the fate that the reference draws for it; the receiver gets just those bits, in that order."""
        rows = Schedule((Row(0, 0, 3 * NS_PER_MS, 50_000_000, -1, 10**8, 2 * 10**8, 2 * 10**8, NS_PER_MS),))
        path = Impairments(Loss("burst", r_ppb=4 * 10**8), Jitter("pareto", correlation=2**31, reorder=True), 2_000_000)
        plan = replace(plan, up=rows, down=rows, packets=True, impairments=(path,))
        async with forwarding(ledger) as forwarder:
            assert (await forwarder.add(0, built.link, plan, io=io)).startswith(io)
            t0_ns = time.monotonic_ns() + 20 * NS_PER_MS
            await forwarder.arm([0], t0_ns)
            with ends(built) as (sender, receiver):
                sent = [
                    MACS + b"\x88\xb5" + number.to_bytes(4, "big") + bytes(number * 7 % 1400 + 46)
                    for number in range(400)
                ]
                for frame in sent:
                    sender.send(frame)
                    await reading(forwarder, lambda s: s.up.queue_packets < 10)
                stats = (await reading(forwarder, lambda s: s.up.arrived_packets == len(sent) and not inside(s))).up
                got = [(await receiver.receive()).data for _ in range(stats.delivered_packets)]
            found = rows_of(forwarder.packet_log(0))["up"]
        reference = Reference(**half_arguments(plan, "up", 0))
        reference.arm(t0_ns)
        arrivals = {p["number"]: p for p in found}
        for number in range(1, len(sent) + 1):
            p = arrivals[number]
            admitted, _ = reference.arrive(p["arrival_ns"], p["length"] + plan.overhead_bytes)
            assert (admitted == 0) == (p["verdict"] != 1)
        flown = reference.pop(max(p["sent_ns"] for p in found))
        due = sorted((p["number"] - 1, p["due_ns"]) for p in found if not p["verdict"])
        assert sorted((number, each) for number, *_, each in flown) == due
        lost = {number for number, *_ in reference.dropped()}
        assert lost == {p["number"] - 1 for p in found if p["verdict"] == LOST}
        flipped = dict(reference.corrupted())
        assert [number for number, *_ in flown] == [number_in(frame, sent, flipped) for frame in got]
        copies = len(flown) - len({number for number, *_ in flown})
        assert (len(lost), copies) == (stats.dropped_random_loss_packets, stats.duplicated_packets)
        assert min(len(lost), copies, stats.corrupted_packets) > 20

    @pytest.mark.undisturbed
    @pytest.mark.parametrize("io", ["packet", "xdp"])
    async def test_a_stall_that_the_ring_holds_changes_no_fate(
        self, ledger: Ledger, built: LinkNamespaces, plan: LinkPlan, io: Io
    ) -> None:
        """A forwarder that was stopped for 200 ms decides of each frame what it would have decided in time.

        The arrivals that it logs are the sender's, and the model makes of them what the log says, frame by frame. Only
        when they left was late: a delay of 3 ms became one of 200.
        """
        slow = Schedule((Row(0, 0, 3 * NS_PER_MS, 4_000_000), Row(150 * NS_PER_MS, 1, NS_PER_MS, 2_000_000)))
        plan = replace(plan, up=slow, down=slow, packets=True, queue=Queue(capacity=Capacity("packets", 20)))
        async with forwarding(ledger) as forwarder:
            assert (await forwarder.add(0, built.link, plan, io=io)).startswith(io)
            t0_ns = time.monotonic_ns() + 20 * NS_PER_MS
            await forwarder.arm([0], t0_ns)
            with ends(built) as (sender, _), stopped(forwarder.pid):
                until_ns = time.monotonic_ns() + 200 * NS_PER_MS
                sent = list(send_until(sender, until_ns))
            stats = await reading(forwarder, lambda s: s.up.arrived_packets >= len(sent) and not inside(s))
            found = rows_of(forwarder.packet_log(0))["up"]
        assert 0 == stats.up.lost_ring + stats.up.lost_late
        logged = [(p["verdict"], p["start_ns"], p["end_ns"], p["due_ns"]) for p in found]
        assert replay(plan, "up", t0_ns, found) == logged
        assert 2 * 64 < len(sent) == len(found)  # more than two batches
        assert {0} == {p["moved_ns"] for p in found}
        for (before, after), p in zip(sent, found, strict=True):
            assert before <= p["arrival_ns"] <= after + NS_PER_MS
        assert {0, 1} == {verdict for verdict, *_ in logged}
        assert {0, 1} <= {p["route"] for p in found}
        assert stats.up.lateness.max > 150 * NS_PER_MS

    async def test_a_frame_without_memory_is_a_loss_of_the_machine(
        self, ledger: Ledger, built: LinkNamespaces, plan: LinkPlan
    ) -> None:
        """Frames that found no memory are in the log, when they came and why they did not go on."""
        size, outage = 430, Schedule((Row(0, 0, 0, 0),))
        plan = replace(plan, up=outage, down=outage, packets=True, queue=Queue(capacity=Capacity("bytes", 6_000_000)))
        async with forwarding(ledger, budget_bytes=need_bytes(plan)) as forwarder:
            await forwarder.add(0, built.link, plan)
            with ends(built) as (sender, _):
                for _ in range(14_000):
                    sender.send(MACS + b"\x88\xb5" + bytes(size - 14))
                stats = await reading(forwarder, lambda s: s.up.arrived_packets + s.up.lost_ring == 14_000)
            found = rows_of(forwarder.packet_log(0))["up"]
        assert stats.up.lost_memory == len(found) > 0
        assert {("lost_memory", size, NO_ROUTE, 0, 0)} == {
            (VERDICTS[p["verdict"]], p["length"], p["route"], p["end_ns"], p["sent_ns"]) for p in found
        }
        assert all(p["arrival_ns"] > 0 for p in found)

    async def test_a_log_that_nobody_reads_fills_up_and_the_link_goes_on(
        self, ledger: Ledger, built: LinkNamespaces, plan: LinkPlan
    ) -> None:
        """Frames cross as before once the log is full; it keeps the first ones and counts exactly the others."""
        free = Schedule((Row(0, 0, 0, RATE_UNLIMITED),))
        async with forwarding(ledger) as forwarder:
            await forwarder.add(0, built.link, replace(plan, up=free, down=free, packets=True))
            log = forwarder.packet_log(0)
            assert log is not None
            stats, sent = forwarder.read(0), 0
            with ends(built) as (sender, _):
                while stats.up.delivered_packets < _core.PACKET_LOG_RECORDS + 500:
                    sent += 500
                    for _ in range(500):
                        sender.send(MACS + b"\x88\xb5" + bytes(46))
                    stats = await reading(forwarder, lambda s, n=sent: s.up.delivered_packets + s.up.lost_ring == n)
            assert (stats.up.arrived_packets - _core.PACKET_LOG_RECORDS, 0) == log.lost()
            found = rows_of(log)["up"]
        assert [*range(1, _core.PACKET_LOG_RECORDS + 1)] == [p["number"] for p in found]

    async def test_a_link_whose_plan_does_not_ask_has_no_log(
        self, ledger: Ledger, built: LinkNamespaces, plan: LinkPlan
    ) -> None:
        """No memory is reserved and nothing is written unless it was asked for."""
        async with forwarding(ledger) as forwarder:
            await forwarder.add(0, built.link, plan)
            assert forwarder.packet_log(0) is None
