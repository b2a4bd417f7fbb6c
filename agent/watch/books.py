"""Compares what the kernel counted at the ends of a link with what the forwarder counted inside.

Both cannot be read at one instant, and frames may be passing meanwhile. So the forwarder is read before and after the
kernel, and each comparison uses the reading that can only make more frames seem to be missing, never less: a look by
which none is missing is the truth. It is looked again until there is one, or until nothing moves any more, when what is
missing is the truth, too; but not for ever.

The kernel counts a super-frame as one frame, so what is compared is what the forwarder counted likewise.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from plctl.agent.kernel.link_names import CLIENT, SERVER
from plctl.agent.watch.link_watch import LinkWatch
from plctl.agent.watch.rtnl_messages import Counters
from plctl.common.base.errors import KernelError
from plctl.common.base.units import NS_PER_MS, NS_PER_S
from plctl.common.scenario.schedule import DIRECTIONS, Direction
from plctl.common.telemetry.samples import HalfStats, LinkStats
from plctl.common.telemetry.witness import Passage

#: Nothing moves any more if nothing did for so long: at the beginning, where a link is idle, and at the end, where a
#: forwarder that lacks the CPU may still have to read what arrived.
QUIET_AT_BEGIN_NS = 30 * NS_PER_MS
QUIET_AT_END_NS = 300 * NS_PER_MS
#: How long is looked, and the pause between two looks.
PATIENCE_NS = 2 * NS_PER_S
_PAUSE_S = 0.005

_OUTER: dict[Direction, tuple[str, str]] = {
    "up": (CLIENT.interface, SERVER.interface),
    "down": (SERVER.interface, CLIENT.interface),
}


class Reading(NamedTuple):
    """One look at a link: its forwarder's counters around those of the kernel."""

    at_ns: int
    before: LinkStats
    kernel: dict[str, Counters]  #: by interface, since it was made; one that is gone is not in it
    after: LinkStats


class Count(NamedTuple):
    """The four counts of a direction that are compared, and how many frames seem to be missing by them."""

    sent: int
    arrived: int
    delivered: int
    received: int
    missing_in: int
    missing_out: int


@dataclass(slots=True)
class Settling:
    """Looks at one link until it is at rest. Pure."""

    quiet_ns: int
    offsets: dict[Direction, Count] = field(default_factory=dict)  #: by direction, what to subtract; nothing: none
    counts: dict[Direction, Count] = field(default_factory=dict)  #: by direction, the last ones
    last: Reading | None = None
    settled: bool = False
    _still_since_ns: int = 0

    def add(self, reading: Reading) -> bool:
        """Take another look; whether no further one is needed."""
        last, self.last = self.last, reading
        counts = count_reading(reading)
        self.counts = {each: _minus(count, self.offsets.get(each)) for each, count in counts.items()}
        if last is None or not _is_same(last, reading):
            self._still_since_ns = reading.at_ns
        nothing_missing = all(not each.missing_in and not each.missing_out for each in self.counts.values())
        self.settled = nothing_missing or reading.at_ns - self._still_since_ns >= self.quiet_ns
        return self.settled


class Books:
    """The counters of one link from a beginning to now. At first looks are for the beginning."""

    def __init__(self, watch: LinkWatch, read: Callable[[], LinkStats], *, from_zero: bool) -> None:
        """`read` gives the counters of its forwarder.

        :param from_zero: the beginning was when everybody's counters were 0, and needs no look.
        """
        self._watch = watch
        self._read = read
        self._begin = Settling(QUIET_AT_BEGIN_NS)
        self._end = Settling(QUIET_AT_END_NS)
        self.settling = self._begin
        if from_zero:
            self._begin.add(Reading(0, LinkStats(), dict.fromkeys(watch.interfaces, Counters()), LinkStats()))

    def begin(self) -> None:
        """Look at the beginning, if need be; from now on looks are for the end."""
        if not self._begin.settled:
            settle([self])
        self._end.offsets = self._begin.counts
        self.settling = self._end

    def look(self) -> bool:
        """Look at the link; whether it is at rest.

        :raises KernelError: there is nothing to be seen any more.
        """
        before = self._read()
        self._watch.count()
        return self.compare(before)

    def compare(self, before: LinkStats) -> bool:
        """As `look`, when the kernel was asked just now, and the forwarder `before`."""
        kernel = {
            name: each.state.counters for name, each in self._watch.interfaces.items() if each.state and each.same
        }
        return self.settling.add(Reading(time.monotonic_ns(), before, kernel, self._read()))

    @property
    def settled(self) -> bool:
        """Whether the link was at rest at both ends of the time."""
        return self._begin.settled and self._end.settled

    def passages(self) -> tuple[Passage, ...]:
        """Each direction whose ends are all there."""
        first, last = self._begin.last, self._end.last
        if not first or not last:
            return ()
        return tuple(
            _passage(direction, self._end.counts[direction], first, last)
            for direction in DIRECTIONS
            if direction in self._end.counts and direction in self._begin.counts
        )


def settle(books: Iterable[Books], patience_ns: int = PATIENCE_NS) -> None:
    """Look at links until all are at rest, or patience is over. Of one that cannot be seen nothing is known then."""
    waiting: Sequence[Books] = list(books)
    limit_ns = time.monotonic_ns() + patience_ns
    while waiting := [each for each in waiting if not _look(each)]:
        if time.monotonic_ns() > limit_ns:
            return
        time.sleep(_PAUSE_S)


def count_reading(reading: Reading) -> dict[Direction, Count]:
    """What `reading` says of each direction whose outer ends are there."""
    counts = {}
    for direction, (source, sink) in _OUTER.items():
        if source in reading.kernel and sink in reading.kernel:
            early, late = _half(reading.before, direction), _half(reading.after, direction)
            sent, received = reading.kernel[source].tx_packets, reading.kernel[sink].rx_packets
            counts[direction] = Count(
                sent=sent,
                arrived=late.in_as_counted - late.lost_ring,
                delivered=late.out_as_counted,
                received=received,
                missing_in=sent - early.in_as_counted,
                missing_out=late.out_as_counted - received,
            )
    return counts


def _look(books: Books) -> bool:
    try:
        return books.look()
    except KernelError:
        books.settling.last = None
        return True


def _minus(count: Count, offset: Count | None) -> Count:
    return Count(*(a - b for a, b in zip(count, offset, strict=True))) if offset else count


def _is_same(one: Reading, other: Reading) -> bool:
    return one.kernel == other.kernel and one.before == other.before and one.after == other.after == other.before


def _half(stats: LinkStats, direction: Direction) -> HalfStats:
    return stats.up if direction == "up" else stats.down


def _passage(direction: Direction, count: Count, first: Reading, last: Reading) -> Passage:
    source = _OUTER[direction][0]
    lost_ring = _half(last.after, direction).lost_ring - _half(first.after, direction).lost_ring
    return Passage(
        direction=direction,
        sent_packets=count.sent,
        refused_packets=last.kernel[source].tx_dropped - first.kernel[source].tx_dropped,
        arrived_packets=count.arrived,
        lost_ring=lost_ring,
        delivered_packets=count.delivered,
        received_packets=count.received,
        missing_in=count.missing_in,
        missing_out=count.missing_out,
    )
