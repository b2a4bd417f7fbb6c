"""What a link's two halves count, and the telemetry record of one interval that is made from two such readings.

The counters of one reading are consistent with each other: arrived = delivered + dropped + lost_send + lost_memory +
queue_packets + in_flight_packets, in packets.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from plctl.common.histogram import Histogram
from plctl.common.plan import DIRECTIONS, LinkPlan
from plctl.common.scenario import Schedule

__all__ = ["SAMPLE_COLUMNS", "HalfStats", "Histogram", "LinkStats", "Sample", "columns_of", "sample"]


@dataclass(frozen=True, slots=True)
class HalfStats:
    """One direction since its link was added. Bytes are of Ethernet frames without FCS and without the overhead."""

    # In the order of `enum counter` in agent/native/stats.h.
    arrived_packets: int = 0
    arrived_bytes: int = 0
    delivered_packets: int = 0
    delivered_bytes: int = 0
    dropped_queue_full_packets: int = 0
    dropped_queue_full_bytes: int = 0
    lost_ring: int = 0  #: frames that found the receive ring full, or were longer than the MTU allows; never arrived
    lost_send: int = 0  #: frames that the kernel would not send
    lost_memory: int = 0  #: frames for which there was no memory
    queue_bytes: int = 0  #: the bottleneck's backlog now, queued and in service, overhead included
    queue_packets: int = 0
    in_flight_packets: int = 0  #: served, not yet delivered
    row: int = 0  #: in force when the half last had something to do
    lateness: Histogram = field(default_factory=Histogram)  #: sent − due, plus what the arrival was moved up by
    transit: Histogram = field(default_factory=Histogram)  #: sent − arrival

    @property
    def inside_packets(self) -> int:
        """Arrived, and neither delivered nor dropped nor lost yet."""
        return self.queue_packets + self.in_flight_packets


@dataclass(frozen=True, slots=True)
class LinkStats:
    """Both directions of a link, and when its scenario started (CLOCK_MONOTONIC of its host; 0: not yet)."""

    up: HalfStats = field(default_factory=HalfStats)
    down: HalfStats = field(default_factory=HalfStats)
    t0_ns: int = 0  #: planned
    started_ns: int = 0  #: when the forwarder acted on it


class Sample(NamedTuple):
    """One link, one direction, one interval. Counters are what the interval added; gauges are as of its end."""

    t_ns: int  #: CLOCK_MONOTONIC of the agent's host at the interval's end
    interval_ns: int
    link: str
    direction: str  #: "up" or "down"
    arrived_packets: int
    arrived_bytes: int
    delivered_packets: int
    delivered_bytes: int
    dropped_queue_full_packets: int
    dropped_queue_full_bytes: int
    lost_ring: int
    lost_send: int
    lost_memory: int
    queue_bytes: int
    queue_packets: int
    in_flight_packets: int
    row: int  #: index of the row in force
    rate_bps: int  #: asked for by that row
    delay_ns: int  #: asked for by that row
    lateness_p50_ns: int  #: this and all that follow: −1 where nothing was delivered in the interval
    lateness_p99_ns: int
    lateness_max_ns: int
    transit_min_ns: int
    transit_p50_ns: int
    transit_p99_ns: int
    transit_max_ns: int


SAMPLE_COLUMNS: tuple[str, ...] = Sample._fields


def sample(plan: LinkPlan, before: LinkStats, after: LinkStats, t_ns: int, interval_ns: int) -> list[Sample]:
    """The records, up and down, of the `interval_ns` until `t_ns` with a reading at either end."""
    scenario_ns = t_ns - after.t0_ns if after.t0_ns else -1
    halves = ((plan.up, before.up, after.up), (plan.down, before.down, after.down))
    return [
        Sample._make(
            (t_ns, interval_ns, plan.name, direction, *_counted(b, a), *_asked(schedule, scenario_ns), *_timed(b, a))
        )
        for direction, (schedule, b, a) in zip(DIRECTIONS, halves, strict=True)
    ]


def columns_of(samples: Iterable[Sample]) -> dict[str, tuple[Any, ...]]:
    """The samples as equally long columns by the names in `SAMPLE_COLUMNS`."""
    columns = tuple(zip(*samples, strict=True)) or ((),) * len(SAMPLE_COLUMNS)
    return dict(zip(SAMPLE_COLUMNS, columns, strict=True))


def _counted(before: HalfStats, after: HalfStats) -> tuple[int, ...]:
    return (
        after.arrived_packets - before.arrived_packets,
        after.arrived_bytes - before.arrived_bytes,
        after.delivered_packets - before.delivered_packets,
        after.delivered_bytes - before.delivered_bytes,
        after.dropped_queue_full_packets - before.dropped_queue_full_packets,
        after.dropped_queue_full_bytes - before.dropped_queue_full_bytes,
        after.lost_ring - before.lost_ring,
        after.lost_send - before.lost_send,
        after.lost_memory - before.lost_memory,
        after.queue_bytes,
        after.queue_packets,
        after.in_flight_packets,
    )


def _asked(schedule: Schedule, scenario_ns: int) -> tuple[int, int, int]:
    index = schedule.index_at(scenario_ns)
    row = schedule.rows[index]
    return index, row.rate_bps, row.delay_ns


def _timed(before: HalfStats, after: HalfStats) -> tuple[int, ...]:
    lateness, transit = after.lateness.minus(before.lateness), after.transit.minus(before.transit)
    if not lateness.count or not transit.count:
        return (-1,) * 7
    return (
        lateness.percentile(50), lateness.percentile(99), lateness.max,
        transit.min, transit.percentile(50), transit.percentile(99), transit.max,
    )  # fmt: skip
