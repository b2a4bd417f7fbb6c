"""Synthetic telemetry, so that a controller can be tried with more links than a machine could carry.

Every link carries a random share of what its schedule allows, the same in each interval for as long as its rows hold.
So a batch is one pattern, repeated, and making it costs far less than receiving it does.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from plctl.common.base import columns as packed
from plctl.common.base.units import ASSUMED_RATE_BPS, NS_PER_S, NS_PER_US, RATE_UNLIMITED
from plctl.common.plan.run_plan import ETHERNET_HEADER, LinkPlan, RunPlan
from plctl.common.protocol.messages import DirectionResult
from plctl.common.scenario.schedule import NEVER_NS, Schedule
from plctl.common.telemetry.counters import COUNTERS
from plctl.common.telemetry.samples import SAMPLE_COLUMNS, Samples

_NUMBER = packed.NUMBER_BYTES


@dataclass(slots=True)
class _Half:
    """One direction of one link, what it is made to be, and what it has counted."""

    link: int  #: its number in the plan
    direction: int
    schedule: Schedule
    frame_bytes: int
    share: float  #: of the rate that is used
    lateness_ns: int  #: median; the others follow from it
    counted: dict[str, int]


class SyntheticTelemetry:
    """The telemetry of all links of one plan. Every instant is on the host's monotonic clock."""

    def __init__(self, plan: RunPlan) -> None:
        """The run's seed and the links' names decide all of it."""
        self._names = tuple(link.name for link in plan.links)
        self._interval_ns = plan.sample_interval_ns
        self._halves = tuple(_halves(plan))
        self._t0_ns = self._told_ns = self._holds_until_ns = 0
        self._pattern: list[dict[str, int]] = []
        self._uncounted = 0  #: intervals that the pattern was repeated and that no half has counted yet
        self._packed: dict[str, bytes] = {}

    def start(self, t0_ns: int) -> None:
        """The scenarios and the first interval begin at `t0_ns`."""
        self._t0_ns = self._told_ns = self._holds_until_ns = t0_ns

    def follow(self, link: int, plan: LinkPlan, now_ns: int) -> None:
        """The link with that number follows `plan`, whose rows are the same as before until `now_ns`."""
        for half, schedule in zip(self._halves[2 * link : 2 * link + 2], (plan.up, plan.down), strict=True):
            half.schedule = schedule
        self._holds_until_ns = min(self._holds_until_ns, now_ns)

    def batch(self, now_ns: int) -> Samples:
        """The samples of all whole intervals that are over by `now_ns` and were in no batch before."""
        parts: dict[str, list[bytes]] = {name: [] for name in SAMPLE_COLUMNS}
        while (over := (now_ns - self._told_ns) // self._interval_ns) > 0:
            if self._told_ns >= self._holds_until_ns:
                self._make_pattern()
            held = -(-(self._holds_until_ns - self._told_ns) // self._interval_ns)
            for name, column in self._repeat(min(over, held)).items():
                parts[name].append(column)
        return Samples(self._names, {name: b"".join(part) for name, part in parts.items()})

    def results(self) -> list[tuple[DirectionResult, DirectionResult]]:
        """What each link did over all batches, up and down."""
        self._count()
        halves = [_result(half) for half in self._halves]
        return list(zip(halves[::2], halves[1::2], strict=True))

    def _make_pattern(self) -> None:
        """Make one interval by the rows in force at its beginning."""
        self._count()
        scenario_ns = self._told_ns - self._t0_ns
        self._pattern = [_interval(half, scenario_ns, self._interval_ns) for half in self._halves]
        self._packed = packed.pack(SAMPLE_COLUMNS, [[each[name] for name in SAMPLE_COLUMNS] for each in self._pattern])
        change_ns = min((half.schedule.next_change_ns(scenario_ns) for half in self._halves), default=NEVER_NS)
        self._holds_until_ns = self._t0_ns + change_ns

    def _repeat(self, count: int) -> dict[str, bytes]:
        """The columns of the next `count` intervals."""
        first_ns = self._told_ns + self._interval_ns
        self._told_ns += count * self._interval_ns
        ends = range(first_ns, self._told_ns + 1, self._interval_ns)
        self._uncounted += count
        columns = {name: column * count for name, column in self._packed.items()}
        columns["t_ns"] = b"".join(end.to_bytes(_NUMBER, "little") * len(self._halves) for end in ends)
        return columns

    def _count(self) -> None:
        for half, made in zip(self._halves, self._pattern, strict=False):  # there is no pattern before the first
            for name in COUNTERS:
                half.counted[name] += self._uncounted * made[name]
        self._uncounted = 0


def _halves(plan: RunPlan) -> Iterator[_Half]:
    for number, link in enumerate(plan.links):
        chance = random.Random(f"{plan.seed}/{link.name}")
        for direction, schedule in enumerate((link.up, link.down)):
            share, lateness_ns = chance.uniform(0.2, 0.9), round(chance.uniform(2, 20) * NS_PER_US)
            counted = dict.fromkeys(COUNTERS, 0)
            yield _Half(number, direction, schedule, link.mtu + ETHERNET_HEADER, share, lateness_ns, counted)


def _interval(half: _Half, scenario_ns: int, interval_ns: int) -> dict[str, int]:
    """One interval of `half`, of which only the end is missing."""
    row = half.schedule.row_at(scenario_ns)
    rate_bps = ASSUMED_RATE_BPS if row.rate_bps >= RATE_UNLIMITED else row.rate_bps
    packets = int(half.share * rate_bps * interval_ns / NS_PER_S / 8) // half.frame_bytes
    late_ns = half.lateness_ns if packets else -1
    transit_ns = row.delay_ns + late_ns if packets else -1
    return {
        "t_ns": 0,
        "interval_ns": interval_ns,
        "link": half.link,
        "direction": half.direction,
        **dict.fromkeys(COUNTERS, 0),
        "arrived_packets": packets,
        "arrived_bytes": packets * half.frame_bytes,
        "served_packets": packets,
        "served_bytes": packets * half.frame_bytes,
        "delivered_packets": packets,
        "delivered_bytes": packets * half.frame_bytes,
        "queue_bytes": half.frame_bytes if packets else 0,
        "queue_packets": 1 if packets else 0,
        "in_flight_packets": packets * row.delay_ns // interval_ns,
        "aqm_ppm": 0,
        "aqm_average_bytes": 0,
        "row": half.schedule.index_at(scenario_ns),
        "rate_bps": row.rate_bps,
        "delay_ns": row.delay_ns,
        "lateness_p50_ns": late_ns,
        "lateness_p99_ns": 3 * late_ns if packets else -1,
        "lateness_max_ns": 8 * late_ns if packets else -1,
        "transit_min_ns": row.delay_ns if packets else -1,
        "transit_p50_ns": transit_ns,
        "transit_p99_ns": transit_ns + 2 * late_ns if packets else -1,
        "transit_max_ns": transit_ns + 7 * late_ns if packets else -1,
    }


def _result(half: _Half) -> DirectionResult:
    counted = half.counted
    late_ns = half.lateness_ns if counted["delivered_packets"] else -1
    return DirectionResult(
        **counted,
        lateness_p50_ns=late_ns,
        lateness_p99_ns=3 * late_ns if late_ns > 0 else -1,
        lateness_max_ns=8 * late_ns if late_ns > 0 else -1,
        lateness_packets=counted["delivered_packets"],
    )
