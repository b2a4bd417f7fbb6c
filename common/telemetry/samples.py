"""What a link's two halves count, and the telemetry record of one interval that is made from two such readings.

The counters of one reading are consistent with each other: arrived = delivered + dropped + lost_send + lost_memory +
lost_late + queue_packets + in_flight_packets, in packets.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Self

from plctl.common.base import columns as packed
from plctl.common.plan.run_plan import LinkPlan
from plctl.common.scenario.schedule import DIRECTIONS, Direction, Schedule
from plctl.common.telemetry.histogram import Histogram

__all__ = ["SAMPLE_COLUMNS", "HalfStats", "Histogram", "LinkStats", "Sample", "Samples", "sample"]


@dataclass(frozen=True, slots=True)
class HalfStats:
    """One direction since its link was added. Bytes are of Ethernet frames without FCS and without the overhead."""

    # In the order of `enum counter` in agent/native/shared/stats.h.
    arrived_packets: int = 0
    arrived_bytes: int = 0
    delivered_packets: int = 0
    delivered_bytes: int = 0
    dropped_queue_full_packets: int = 0
    dropped_queue_full_bytes: int = 0
    lost_ring: int = 0  #: frames that found the receive ring full, or were longer than the MTU allows; never arrived
    lost_send: int = 0  #: frames that the kernel would not send
    lost_memory: int = 0  #: frames for which there was no memory
    lost_late: int = 0  #: frames that the model saw late and dropped, and might have admitted when they came
    queue_bytes: int = 0  #: the bottleneck's backlog now, queued and in service, overhead included
    queue_packets: int = 0
    in_flight_packets: int = 0  #: served, not yet delivered
    row: int = 0  #: in force when the half last had something to do
    #: Sent − due, plus what the arrival was moved up by; of frames that are lost_late only the latter.
    lateness: Histogram = field(default_factory=Histogram)
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
    direction: Direction
    arrived_packets: int
    arrived_bytes: int
    delivered_packets: int
    delivered_bytes: int
    dropped_queue_full_packets: int
    dropped_queue_full_bytes: int
    lost_ring: int
    lost_send: int
    lost_memory: int
    lost_late: int
    queue_bytes: int
    queue_packets: int
    in_flight_packets: int
    row: int  #: index of the row in force
    rate_bps: int  #: asked for by that row
    delay_ns: int  #: asked for by that row
    lateness_p50_ns: int  #: of frames that left, or were lost_late; this and all that follow: −1 where there were none
    lateness_p99_ns: int
    lateness_max_ns: int
    transit_min_ns: int
    transit_p50_ns: int
    transit_p99_ns: int
    transit_max_ns: int


SAMPLE_COLUMNS: tuple[str, ...] = Sample._fields
#: Those that are −1 where there was no frame to measure.
MEASURED_COLUMNS = SAMPLE_COLUMNS[SAMPLE_COLUMNS.index("lateness_p50_ns") :]


class Samples:
    """Samples as they travel, known to be sound: what was `Telemetry.links` and `.columns`.

    The columns are those of `SAMPLE_COLUMNS`, packed as in `plctl.common.base.columns`; `link` is an index into
    `links`, and `direction` one into `DIRECTIONS`.
    """

    __slots__ = ("_rows", "columns", "links")

    def __init__(self, links: tuple[str, ...], columns: packed.Packed) -> None:
        """Take what has travelled.

        :raises ProtocolError: the columns are others, not equally long, or refer to a link that is not in `links`.
        """
        self._rows = packed.rows(columns, SAMPLE_COLUMNS)
        packed.check_range(columns, "link", len(links))
        packed.check_range(columns, "direction", len(DIRECTIONS))
        self.links = links
        self.columns = columns

    @classmethod
    def of(cls, samples: Sequence[Sample]) -> Self:
        """`samples`, packed."""
        numbers = {link: number for number, link in enumerate(dict.fromkeys(each.link for each in samples))}
        directions = {direction: number for number, direction in enumerate(DIRECTIONS)}
        rows = ((*each[:2], numbers[each.link], directions[each.direction], *each[4:]) for each in samples)
        return cls(tuple(numbers), packed.pack(SAMPLE_COLUMNS, rows))

    def __len__(self) -> int:
        return self._rows

    def select(self, *names: str) -> Iterator[tuple[str, Direction, tuple[int, ...]]]:
        """(link, direction, numbers) of each sample, its numbers in the order of `names`."""
        links, directions = (packed.unpack(self.columns[name]) for name in ("link", "direction"))
        numbers = zip(*(packed.unpack(self.columns[name]) for name in names), strict=True)
        for link, direction, each in zip(links, directions, numbers, strict=True):
            yield self.links[link], DIRECTIONS[direction], each


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
        after.lost_late - before.lost_late,
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
    late = (lateness.percentile(50), lateness.percentile(99), lateness.max) if lateness.count else (-1,) * 3
    if not transit.count:
        return (*late, *(-1,) * 4)
    return (*late, transit.min, transit.percentile(50), transit.percentile(99), transit.max)
