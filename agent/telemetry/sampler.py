"""Makes samples of what the forwarder noted on a run's grid, and gathers them into batches for the controller. Pure."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter, sub

from plctl.common.base.units import NS_PER_MS, NS_PER_S
from plctl.common.plan.run_plan import LinkPlan
from plctl.common.scenario.schedule import NEVER_NS, Schedule
from plctl.common.telemetry.counters import COUNTERS, GAUGES
from plctl.common.telemetry.samples import HalfStats, Histogram, LinkStats, Samples, Snapshot, measure

#: A batch is sent once its first sample is so old, or when it has so many: a message costs the controller a lot more
#: than a sample.
BATCH_NS = 1 * NS_PER_S
BATCH_SAMPLES = 4096
#: The forwarder has noted an instant so long after it, as a share of the interval, or of the most that is waited.
_NOTED_AFTER = 5, 8
_NOTED_AFTER_MOST_NS = 100 * NS_PER_MS

_counts = attrgetter(*COUNTERS, *GAUGES)
_NOTHING = (0,) * len(COUNTERS)
_GAUGES = slice(len(COUNTERS), -1)  # of a snapshot; the row in force is asked of the schedule
_UNMEASURED = measure(None, None)


def first_batch_ns(agent: str) -> int:
    """How old the first batch of `agent` may become; any later one, `BATCH_NS`.

    All agents of a run begin at the same instant: so their batches come to the controller one after the other, not all
    at once in every second.
    """
    return 1 + zlib.crc32(agent.encode()) % BATCH_NS


@dataclass(slots=True)
class _ToldHalf:
    """One direction of a link, and until when it has been told what it did."""

    link: int
    direction: int
    schedule: Schedule
    scenario_ns: int  #: when its scenario started, or will; 0: not known yet
    told_ns: int
    counts: tuple[int, ...]  #: then
    first: tuple[int, ...]  #: at T0

    def row(self, at_ns: int, counted: Iterable[int], measured: tuple[int, ...]) -> tuple[int, ...]:
        """The time until `at_ns`, when counts and gauges are those of the half, as a row of samples."""
        index = self.schedule.index_at(at_ns - self.scenario_ns if self.scenario_ns else -1)
        row = self.schedule.rows[index]
        where = (at_ns, at_ns - self.told_ns, self.link, self.direction)
        self.told_ns = at_ns
        return (*where, *counted, *self.counts[_GAUGES], index, row.rate_bps, row.delay_ns, *measured)

    def change_ns(self) -> int:
        """When a row begins that was not in force at the instant that was told last."""
        if not self.scenario_ns:
            return NEVER_NS
        since_ns = self.told_ns - self.scenario_ns
        return self.scenario_ns + (self.schedule.next_change_ns(since_ns) if since_ns >= 0 else 0)


class Sampler:
    """The samples of one run's links on this host. Every instant is on the host's monotonic clock."""

    def __init__(self, interval_ns: int, first_batch_ns: int = BATCH_NS) -> None:
        """An instant is noted every `interval_ns`; the first batch is sent before it is older than `first_batch_ns`."""
        self._interval_ns = interval_ns
        self._limit_ns = first_batch_ns
        self._t0_ns = 0
        self._read_ns = 0
        self._names: tuple[str, ...] = ()
        self._halves: list[_ToldHalf] = []
        self._batch: list[tuple[int, ...]] = []

    def start(self, t0_ns: int, links: Sequence[tuple[LinkPlan, LinkStats]]) -> None:
        """The first interval begins at `t0_ns`; `links` are as snapshots number them, with what they counted before."""
        self._t0_ns = self._read_ns = t0_ns
        self._names = tuple(plan.name for plan, _ in links)
        self._halves = [
            _ToldHalf(number, direction, schedule, stats.t0_ns, t0_ns, _counts(half), _counts(half))
            for number, (plan, stats) in enumerate(links)
            for direction, (schedule, half) in enumerate(((plan.up, stats.up), (plan.down, stats.down)))
        ]

    @property
    def next_ns(self) -> int:
        """When to read next: when the forwarder has noted the next instant of the grid, whatever became late."""
        share, of = _NOTED_AFTER
        lag_ns = min(self._interval_ns, _NOTED_AFTER_MOST_NS) * share // of
        over = (self._read_ns - self._t0_ns - lag_ns) // self._interval_ns
        return self._t0_ns + (max(over, 0) + 1) * self._interval_ns + lag_ns

    def start_scenario(self, link: int, t0_ns: int) -> None:
        """The scenario of the link with that number started at `t0_ns`, with its traffic."""
        for half in self._halves[2 * link : 2 * link + 2]:
            half.scenario_ns = t0_ns

    def follow(self, link: int, plan: LinkPlan) -> None:
        """The link with that number follows `plan`, whose rows are the same as before up to this moment."""
        up, down = self._halves[2 * link : 2 * link + 2]
        up.schedule, down.schedule = plan.up, plan.down

    def add(self, now_ns: int, snapshots: Iterable[Snapshot]) -> None:
        """Add what was read at `now_ns`."""
        for number, at_ns, from_ns, counts, measured in snapshots:
            half = self._halves[number]
            if counts[: len(COUNTERS)] == half.counts[: len(COUNTERS)]:
                half.counts = counts
                self._rest(half, at_ns)
                continue
            self._rest(half, from_ns)
            counted = tuple(map(sub, counts[: len(COUNTERS)], half.counts))
            half.counts = counts
            if at_ns > half.told_ns:
                self._batch.append(half.row(at_ns, counted, measured))
            else:  # at T0: what came before is not the run's
                half.first = counts
        self._read_ns = now_ns

    def _rest(self, half: _ToldHalf, until_ns: int) -> None:
        """Tell that nothing was counted until then: an interval for each row of the schedule that began meanwhile."""
        while half.told_ns < until_ns:
            change_ns = max(half.change_ns(), half.told_ns + 1)
            end_ns = self._t0_ns - (self._t0_ns - change_ns) // self._interval_ns * self._interval_ns
            self._batch.append(half.row(min(end_ns, until_ns), _NOTHING, _UNMEASURED))

    def finish(self, until_ns: int, readings: Sequence[tuple[LinkStats, LinkStats]]) -> None:
        """Add what came after the last snapshots, until `until_ns`.

        :param readings: of each link, what it has counted, and the same with its histograms as of the last snapshots.
        """
        for half in self._halves:
            after, noted = ((each.up, each.down)[half.direction] for each in readings[half.link])
            counts = _counts(after)
            counted = tuple(map(sub, counts[: len(COUNTERS)], half.counts))
            half.counts = counts
            if not any(counted):
                self._rest(half, until_ns)
            elif until_ns > half.told_ns:
                measured = measure(after.lateness.minus(noted.lateness), after.transit.minus(noted.transit))
                self._batch.append(half.row(until_ns, counted, measured))

    def first(self, link: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """What the link with that number had counted at T0, in the order of C."""
        up, down = self._halves[2 * link : 2 * link + 2]
        return up.first, down.first

    def last(self, link: int) -> LinkStats:
        """What it had counted when it was last told of."""
        up, down = self._halves[2 * link : 2 * link + 2]
        empty = Histogram()
        return LinkStats(HalfStats.of(up.counts, empty, empty), HalfStats.of(down.counts, empty, empty), up.scenario_ns)

    def due(self) -> bool:
        """Whether the batch is large or old enough to be sent."""
        if not self._batch:
            return False
        # The next samples would come an interval later: too late for a batch that is almost old enough.
        age_ns = self._read_ns - self._batch[0][0]
        return len(self._batch) >= BATCH_SAMPLES or age_ns + self._interval_ns >= self._limit_ns

    def batch(self) -> Samples:
        """What was gathered since the last batch."""
        batch, self._batch = self._batch, []
        self._limit_ns = BATCH_NS
        return Samples.of_rows(self._names, batch)
