"""What a link's two halves count, and the telemetry record of one interval that is made from two such readings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import Final, Self

from plctl.common.base import columns as packed
from plctl.common.plan.run_plan import LinkPlan
from plctl.common.scenario.schedule import DIRECTIONS, Direction, Schedule
from plctl.common.telemetry.counters import COUNTERS, GAUGES, HalfCounts
from plctl.common.telemetry.histogram import Histogram

__all__ = ["SAMPLE_COLUMNS", "HalfStats", "Histogram", "LinkStats", "Sample", "Samples", "sample"]


@dataclass(frozen=True, slots=True)
class HalfStats(HalfCounts):
    """One direction since its link was added; the counters of one reading are consistent with each other."""

    #: Sent − due, plus what the arrival was moved up by; of frames that are lost_late only the latter.
    lateness: Histogram = field(default_factory=Histogram)
    transit: Histogram = field(default_factory=Histogram)  #: sent − arrival

    @classmethod
    def of(cls, counts: Sequence[int], lateness: Histogram, transit: Histogram) -> Self:
        """With counters and gauges in the order of C."""
        return cls(**dict(zip((*COUNTERS, *GAUGES), counts, strict=True)), lateness=lateness, transit=transit)


@dataclass(frozen=True, slots=True)
class LinkStats:
    """Both directions of a link, and when its scenario started (CLOCK_MONOTONIC of its host; 0: not yet)."""

    up: HalfStats = field(default_factory=HalfStats)
    down: HalfStats = field(default_factory=HalfStats)
    t0_ns: int = 0  #: planned
    started_ns: int = 0  #: when the forwarder acted on it


#: What was noted of a direction: (2 × number of the link + direction, instant, since when what is new in it was
#: counted, counters and gauges, values of `MEASURED_COLUMNS`). Instants are of CLOCK_MONOTONIC.
Snapshot = tuple[int, int, int, tuple[int, ...], tuple[int, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample(HalfCounts):
    """One link, one direction, one interval. Counters are what the interval added; gauges are as of its end."""

    t_ns: int  #: CLOCK_MONOTONIC of the agent's host at the interval's end
    interval_ns: int  #: its length
    link: str  #: its name
    direction: Direction  #: `up` or `down`
    rate_bps: int  #: asked for by the row in force; where delivery opportunities serve, their mean
    delay_ns: int  #: asked for by that row
    # −1 where there was no frame to measure.
    lateness_p50_ns: int  #: how late frames left, or were seen and then lost: the median
    lateness_p99_ns: int  #: the same: the 99th percentile
    lateness_max_ns: int  #: the same: the worst
    transit_min_ns: int  #: from arrival to leaving: the least
    transit_p50_ns: int  #: the same: the median
    transit_p99_ns: int  #: the same: the 99th percentile
    transit_max_ns: int  #: the same: the most


_WHERE = ("t_ns", "interval_ns", "link", "direction")
_OTHERS = tuple(each.name for each in fields(Sample) if each.name not in (*COUNTERS, *GAUGES, *_WHERE))
SAMPLE_COLUMNS: Final[tuple[str, ...]] = (*_WHERE, *COUNTERS, *GAUGES, *_OTHERS)
#: Those that are −1 where there was no frame to measure.
MEASURED_COLUMNS: Final = SAMPLE_COLUMNS[SAMPLE_COLUMNS.index("lateness_p50_ns") :]


_NUMBERS = attrgetter(*SAMPLE_COLUMNS[len(_WHERE) :])


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
        rows = (
            (each.t_ns, each.interval_ns, numbers[each.link], directions[each.direction], *_NUMBERS(each))
            for each in samples
        )
        return cls.of_rows(tuple(numbers), rows)

    @classmethod
    def of_rows(cls, links: tuple[str, ...], rows: Iterable[Sequence[int]]) -> Self:
        """Rows of numbers in the order of `SAMPLE_COLUMNS`, packed."""
        return cls(links, packed.pack(SAMPLE_COLUMNS, rows))

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
        Sample(
            t_ns=t_ns,
            interval_ns=interval_ns,
            link=plan.name,
            direction=direction,
            **a.since(b),
            queue_bytes=a.queue_bytes,
            queue_packets=a.queue_packets,
            in_flight_packets=a.in_flight_packets,
            aqm_ppm=a.aqm_ppm,
            aqm_average_bytes=a.aqm_average_bytes,
            **_asked(schedule, scenario_ns),
            **_timed(b, a),
        )
        for direction, (schedule, b, a) in zip(DIRECTIONS, halves, strict=True)
    ]


def _asked(schedule: Schedule, scenario_ns: int) -> dict[str, int]:
    index = schedule.index_at(scenario_ns)
    row = schedule.rows[index]
    return {"row": index, "rate_bps": row.rate_bps, "delay_ns": row.delay_ns}


def measure(lateness: Histogram | None, transit: Histogram | None) -> tuple[int, ...]:
    """The values of `MEASURED_COLUMNS`; None is an empty histogram."""
    late, spent = (-1,) * 3, (-1,) * 4
    if lateness and lateness.count:
        late = (lateness.percentile(50), lateness.percentile(99), lateness.max)
    if transit and transit.count:
        spent = (transit.min, transit.percentile(50), transit.percentile(99), transit.max)
    return (*late, *spent)


def _timed(before: HalfStats, after: HalfStats) -> dict[str, int]:
    measured = measure(after.lateness.minus(before.lateness), after.transit.minus(before.transit))
    return dict(zip(MEASURED_COLUMNS, measured, strict=True))
