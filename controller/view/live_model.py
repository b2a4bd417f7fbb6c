"""What is known of a run while it goes on, gathered from states and telemetry; knows nothing of terminals."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from operator import add

from plctl.common.base.units import NS_PER_S
from plctl.common.plan.run_plan import LinkPlan
from plctl.common.telemetry.counters import CAUSES, CounterGroup
from plctl.common.telemetry.samples import Samples

#: Why frames are dropped, as the scenario asked.
DROP_CAUSES = tuple(CAUSES[CounterGroup.DROPPED].values())
_NO_DROPS = (0,) * len(DROP_CAUSES)


@dataclass(slots=True)
class HalfNow:
    """One direction: gauges of its last interval, counts since the start."""

    row: int = 0  #: in force, from 0
    delay_ns: int = 0  #: asked
    rate_bps: int = 0  #: asked
    is_mean: bool = False  #: the rate asked is the mean of delivery opportunities
    carried_bps: int = 0
    queue_bytes: int = 0
    lateness_p99_ns: int = -1  #: −1: nothing was delivered
    aqm_ppm: int = 0  #: with which probability the queue drops or marks
    drops: tuple[int, ...] = _NO_DROPS  #: by the path, in the order of `DROP_CAUSES`
    marked: int = 0
    lost: int = 0  #: by the machine


@dataclass(slots=True)
class LinkNow:
    """One link. `state` is a word such as ready, running or failed; `cause` says why it is bad."""

    name: str
    rows: int
    state: str = "waiting"
    cause: str = ""
    up: HalfNow = field(default_factory=HalfNow)
    down: HalfNow = field(default_factory=HalfNow)

    @property
    def dropped(self) -> int:
        """Packets that the emulated path dropped, both directions."""
        return sum(self.drops)

    @property
    def drops(self) -> tuple[int, ...]:
        """The same by cause, in the order of `DROP_CAUSES`."""
        return tuple(map(add, self.up.drops, self.down.drops))

    @property
    def marked(self) -> int:
        """Packets on which a queue set CE, both directions."""
        return self.up.marked + self.down.marked

    @property
    def aqm_ppm(self) -> int:
        """Of the queue that drops or marks with the greater probability."""
        return max(self.up.aqm_ppm, self.down.aqm_ppm)

    @property
    def lost(self) -> int:
        """Packets that the machine lost, both directions."""
        return self.up.lost + self.down.lost

    @property
    def queue_bytes(self) -> int:
        """The fuller of both queues."""
        return max(self.up.queue_bytes, self.down.queue_bytes)

    @property
    def lateness_p99_ns(self) -> int:
        """The worse of both directions in their last interval; −1 where nothing was delivered."""
        return max(self.up.lateness_p99_ns, self.down.lateness_p99_ns)

    @property
    def badness(self) -> tuple[bool, int, int, int]:
        """Orders links: the larger, the more a user should look at it."""
        return (bool(self.cause), self.lost, self.lateness_p99_ns, self.dropped)


class LiveModel:
    """All links of a run. `t0_ns` and every `now_ns` are on the caller's clock; `t0_ns` is None until it is known."""

    def __init__(self, plans: Iterable[LinkPlan], duration_ns: int = 0) -> None:
        self.links = {plan.name: _waiting(plan) for plan in plans}
        self.duration_ns = duration_ns  #: 0: until the workloads end
        self.phase = "preparing"
        self.t0_ns: int | None = None
        self.waits = ""  #: what it waits for, and how long, as a sentence

    def elapsed_ns(self, now_ns: int) -> int:
        """Scenario time: 0 before T0, never beyond a known duration."""
        if self.t0_ns is None:
            return 0
        elapsed = max(0, now_ns - self.t0_ns)
        return min(elapsed, self.duration_ns) if self.duration_ns else elapsed

    def set_state(self, link: str, state: str, cause: str = "") -> None:
        """`link` is now `state`; a first cause is kept."""
        line = self.links[link]
        line.state = state
        line.cause = line.cause or cause

    def add(self, samples: Samples) -> None:
        """Take in telemetry; of unknown links nothing is kept."""
        for link, direction, numbers in samples.select(*_USED):
            if link in self.links:
                line = self.links[link]
                half: HalfNow = getattr(line, direction)
                _apply(half, *numbers)
                line.rows = max(line.rows, half.row + 1)  # a change while it runs adds a row

    def worst(self, count: int) -> list[LinkNow]:
        """The links in their own order, or, if they are more than `count`, the worst of them first."""
        lines = list(self.links.values())
        if len(lines) <= count:
            return lines
        return sorted(lines, key=lambda line: line.badness, reverse=True)[:count]


_USED = (
    "row", "delay_ns", "rate_bps", "served_bytes", "interval_ns", "queue_bytes", "lateness_p99_ns", "aqm_ppm",
    *CAUSES[CounterGroup.DROPPED], *CAUSES[CounterGroup.MARKED], *CAUSES[CounterGroup.LOST],
)  # fmt: skip


def _waiting(plan: LinkPlan) -> LinkNow:
    line = LinkNow(plan.name, max(plan.up.facts.rows, plan.down.facts.rows))
    for half, schedule in ((line.up, plan.up), (line.down, plan.down)):
        half.delay_ns, half.rate_bps = schedule.facts.first.delay_ns, schedule.facts.first.rate_bps
        half.is_mean = schedule.facts.opportunities > 0
    return line


def _apply(half: HalfNow, *numbers: int) -> None:
    """Bring `half` up to date with one sample, whose numbers come in the order of `_USED`."""
    half.row, half.delay_ns, half.rate_bps, served_bytes, interval_ns, half.queue_bytes = numbers[:6]
    half.lateness_p99_ns, half.aqm_ppm, *gone = numbers[6:]
    causes, marks = len(DROP_CAUSES), len(CAUSES[CounterGroup.MARKED])
    half.carried_bps = 8 * served_bytes * NS_PER_S // interval_ns if interval_ns > 0 else 0
    half.drops = tuple(map(add, half.drops, gone[:causes]))
    half.marked += sum(gone[causes : causes + marks])
    half.lost += sum(gone[causes + marks :])
