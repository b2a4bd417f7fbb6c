"""A run's folder as a real run would leave it, computed from the link model in virtual time: nothing here was measured.

Frames arrive on a fixed pattern, the C core's `Half` says when each is due, and a seeded random lateness of a few
microseconds stands for the machine. So plots and tables of it look as they should for a link that did as asked.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from plctl.agent.native import half_arguments
from plctl.agent.native._core import Half
from plctl.common.base.units import NS_PER_MS, NS_PER_S, NS_PER_US
from plctl.common.plan.run_plan import LinkPlan, Queue, Workload
from plctl.common.protocol.messages import DirectionResult, LinkResult, LinkStart, WorkloadResult
from plctl.common.scenario.schedule import DIRECTIONS, Direction, Row, Schedule
from plctl.common.telemetry.counters import COUNTERS
from plctl.common.telemetry.samples import SAMPLE_COLUMNS, Sample, Samples
from plctl.common.telemetry.witness import EndBooks, InterfaceWatch, Passage, WorkerWatch
from plctl.controller.results.run_folder import RunFolder
from plctl.controller.results.run_record import HostRecord, LinkRecord, RunRecord

Columns = dict[str, list[int | str]]
Frame = tuple[int, int]  #: arrival (ns after T0), bytes

HOST = "edge-1"
RUN = "20261123-041530-handover-7f3a"
INTERVAL_NS = 100 * NS_PER_MS
DURATION_NS = 14 * NS_PER_S
T0_NS = 5_000 * NS_PER_S  #: on the host's clock
WALL_NS = 1_795_407_330 * NS_PER_S

#: A satellite handover: delays in ms and rates in Mbit/s change in steps, and the route three times.
HANDOVER = Schedule(
    tuple(
        Row(round(time_s * NS_PER_S), route, round(delay_ms * NS_PER_MS), round(rate_mbps * 10**6))
        for time_s, route, delay_ms, rate_mbps in (
            (0, 0, 41.0, 8.0),
            (2.2, 0, 41.2, 8.02),
            (4.6, 1, 37.0, 10.0),
            (8, 1, 36.7, 10.15),
            (10, 2, 45.0, 4.0),
            (12, 1, 37.0, 10.01),
        )
    )
)


def handover_plan(name: str = "leo-0") -> LinkPlan:
    """A link through the handover with a sender and a receiver as workloads."""
    return LinkPlan(
        name=name,
        up=HANDOVER,
        down=HANDOVER,
        queue=Queue(),
        workloads=(
            Workload("server", "server", ("plctl", "probe", "server")),
            Workload("client", "client", ("plctl", "probe", "client", "192.168.66.2"), start_ns=0),
        ),
    )


def steady(rate_bps: int, length: int, until_ns: int = DURATION_NS) -> Iterator[Frame]:
    """Frames of `length` bytes at a constant rate from T0."""
    gap = length * 8 * NS_PER_S // rate_bps
    return ((at, length) for at in range(0, until_ns, gap))


def half_samples(
    plan: LinkPlan, direction: str, frames: Iterator[Frame], seed: int, *, slow_ns: int = 0, lost_ring: int = 0
) -> Columns:
    """Telemetry of one direction that carried `frames`. `slow_ns` is added to the lateness of one frame in fifty;
    `lost_ring` frames are lost by the machine in the interval at half-time."""
    schedule: Schedule = getattr(plan, direction)
    half = Half(**half_arguments(plan, direction, seed))
    half.arm(T0_NS)
    dice = random.Random(seed)
    columns: Columns = {}
    was_queued = 0
    frame = next(frames, None)
    for end in range(INTERVAL_NS, DURATION_NS + 1, INTERVAL_NS):
        arrived: list[int] = []
        dropped: list[int] = []
        while frame is not None and frame[0] < end:
            verdict, _ = half.arrive(T0_NS + frame[0], frame[1])
            (dropped if verdict else arrived).append(frame[1])
            frame = next(frames, None)
        sent = [(due, due - arrival, 0) for _, arrival, _, _, due in half.pop(T0_NS + end)]
        late = [_lateness(dice, slow_ns) for _ in sent]
        transit = sorted(spent + delay for (_, spent, _), delay in zip(sent, late, strict=True))
        queue_bytes, queue_packets, in_flight, row = half.gauges()
        size = 1242
        served, was_queued = len(arrived) + was_queued - queue_packets, queue_packets
        counted = {
            "arrived_packets": len(arrived) + len(dropped), "arrived_bytes": sum(arrived) + sum(dropped),
            "served_packets": served, "served_bytes": served * size,
            "delivered_packets": len(sent), "delivered_bytes": len(sent) * size,
            "dropped_queue_full_packets": len(dropped), "dropped_queue_full_bytes": sum(dropped),
            "lost_ring": lost_ring if end == DURATION_NS // 2 else 0,
        }  # fmt: skip
        _add(
            columns,
            t_ns=T0_NS + end, interval_ns=INTERVAL_NS, link=plan.name, direction=direction,
            **dict.fromkeys(COUNTERS, 0) | counted,
            queue_bytes=queue_bytes, queue_packets=queue_packets, in_flight_packets=in_flight, aqm_ppm=0,
            aqm_average_bytes=0, row=row,
            rate_bps=schedule.row_at(end).rate_bps, delay_ns=schedule.row_at(end).delay_ns,
            **_percentiles("lateness", sorted(late), (50, 99, 100)),
            **_percentiles("transit", transit, (0, 50, 99, 100)),
        )  # fmt: skip
    return columns


def packed(columns: Mapping[str, Sequence[int | str]]) -> Samples:
    """The samples as an agent would send them."""
    rows = zip(*(columns[name] for name in SAMPLE_COLUMNS), strict=True)
    named: list[dict[str, Any]] = [dict(zip(SAMPLE_COLUMNS, row, strict=True)) for row in rows]
    return Samples.of([Sample(**row) for row in named])


def direction_result(columns: Columns) -> DirectionResult:
    """The whole run's figures as an agent would report them."""

    def total(name: str) -> int:
        return sum(int(value) for value in columns[name])

    def worst(name: str) -> int:
        return max(int(value) for value in columns[name])

    p50 = sorted(int(value) for value in columns["lateness_p50_ns"])
    return DirectionResult(
        **{name: total(name) for name in COUNTERS},
        lateness_p50_ns=p50[len(p50) // 2],
        lateness_p99_ns=worst("lateness_p99_ns"),
        lateness_max_ns=worst("lateness_max_ns"),
    )


def workload_result(end: str, status: int = 0, cause: str = "") -> WorkloadResult:
    """How a workload ended that was executed when it should have been: the server's before T0, the client's then."""
    planned_ns = T0_NS if end == "client" else None
    executed_ns = T0_NS + 20 * NS_PER_US if end == "client" else T0_NS - NS_PER_S
    return WorkloadResult(end, end, status, cause, planned_ns, executed_ns, T0_NS + DURATION_NS)


def make_run(
    base: Path, plans: tuple[LinkPlan, ...] = (handover_plan(),), *, slow: str = "", overloaded: str = "",
    record: RunRecord | None = None, workload: WorkloadResult | None = None, artifacts: dict[str, bytes] | None = None,
    events: Sequence[Mapping[str, object]] = (),
) -> RunFolder:  # fmt: skip
    """A folder with everything but what `finish` makes. `slow` and `overloaded` name links that shall be so."""
    folder = RunFolder.create(base, RUN)
    folder.record_plan(record or plan_record(plans))
    folder.append_events([{"ts": "2026-11-23T04:15:30.000000Z", "t_ns": 1, "event": "run.accepted"}, *events])
    folder.record_start(
        T0_NS,
        WALL_NS,
        [LinkStart(plan.name, T0_NS, T0_NS + 18 * NS_PER_US) for plan in plans],
        [HostRecord(HOST, "0.1.0", {"kernel": "6.12.0", "cpus": "2"}, "same clock", 0, 0, 0)],
    )
    results = []
    for plan in plans:
        up = _renamed(_half("up", lost_ring=7 * (plan.name == overloaded)), plan.name)
        down = _renamed(_half("down", slow_ns=3 * NS_PER_MS * (plan.name == slow)), plan.name)
        for columns in (up, down):
            folder.append_samples(HOST, packed(columns))
        for name, data in (artifacts or {}).items():
            folder.append_artifact(plan.name, name, data)
        workloads = (workload_result("server", -15), workload or workload_result("client"))
        watch = WorkerWatch(T0_NS, T0_NS + DURATION_NS, passes=1000, greatest_gap_ns=9_000)
        results.append(
            LinkResult(
                plan.name, direction_result(up), direction_result(down), workloads,
                from_ns=T0_NS - 90 * NS_PER_MS, until_ns=T0_NS + DURATION_NS, worker=watch,
                interfaces=quiet_ends(T0_NS - 90 * NS_PER_MS, T0_NS + DURATION_NS),
            )
        )  # fmt: skip
    folder.record_result(results, failures={}, cancelled=False, finished_wall_ns=WALL_NS + DURATION_NS)
    return folder


def quiet_passage(direction: Direction, arrived: int = 9, delivered: int = 9) -> Passage:
    """One direction in which nothing is missing."""
    return Passage(
        direction=direction,
        sent_packets=arrived,
        refused_packets=0,
        arrived_packets=arrived,
        lost_ring=0,
        delivered_packets=delivered,
        received_packets=delivered,
        missing_in=0,
        missing_out=0,
    )


def quiet_ends(from_ns: int, until_ns: int) -> InterfaceWatch:
    """The watch over a link between the two instants."""
    ends = tuple(EndBooks(name, 9, 9) for name in ("veth1", "sim-veth1", "sim-veth2", "veth2"))
    return InterfaceWatch(from_ns, until_ns, ends=ends, passages=tuple(map(quiet_passage, DIRECTIONS)))


@cache
def _half(direction: str, *, slow_ns: int = 0, lost_ring: int = 0) -> Columns:
    """The handover's telemetry: 2 Mbit/s up, and 9 Mbit/s down, which at times is more than the link carries."""
    rate_bps = {"up": 2 * 10**6, "down": 9 * 10**6}[direction]
    frames = steady(rate_bps, 1242)
    return half_samples(handover_plan(), direction, frames, seed=rate_bps, slow_ns=slow_ns, lost_ring=lost_ring)


def _renamed(columns: Columns, link: str) -> Columns:
    return {**columns, "link": [link] * len(columns["link"])}


def plan_record(plans: tuple[LinkPlan, ...]) -> RunRecord:
    """What is written down before such a run."""
    return RunRecord(
        run=RUN,
        name="handover",
        seed=1,
        links=tuple(LinkRecord(plan, HOST, "3 of 3 probes took 41.0 ms each way") for plan in plans),
        command=("plctl", "run", "scenarios/quickstart.yaml"),
        sources={"scenarios/quickstart.yaml": "name: handover\nlinks:\n  - scenario: handover.csv\n"},
        duration_ns=DURATION_NS,
        sample_interval_ns=INTERVAL_NS,
        versions={"plctl": "0.1.0", "python": "3.11.2", "kernel": "6.12.0"},
        created_utc="2026-11-23T04:15:29.000000Z",
    )


def _lateness(dice: random.Random, slow_ns: int) -> int:
    """A few microseconds, seldom more."""
    usual = round(dice.lognormvariate(9.0, 0.5))
    return usual + (slow_ns if slow_ns and dice.random() < 0.02 else 0)


def _percentiles(what: str, ranked: list[int], ranks: tuple[int, ...]) -> dict[str, int]:
    """Nearest-rank percentiles of `ranked` as columns; −1 where there is nothing."""
    names = {0: "min", 50: "p50", 99: "p99", 100: "max"}
    return {
        f"{what}_{names[rank]}_ns": ranked[max(0, -(-len(ranked) * rank // 100) - 1)] if ranked else -1
        for rank in ranks
    }


def _add(columns: Columns, **values: int | str) -> None:
    for name, value in values.items():
        columns.setdefault(name, []).append(value)
