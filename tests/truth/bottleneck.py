"""The judge's model of a link: for frames whose arrival is known to within an interval, what must become of them.

Nobody outside the link sees when exactly a frame arrived at it: the judge knows when it left the sender's interface,
and that the kernel then took no longer than some bound to hand it over. So every time here is an interval `(lo, hi)`
that contains the truth whatever the arrivals were within theirs. That holds because each step is monotone: a later
arrival never ends a service earlier. A frame is *admitted* if it fits even behind the greatest backlog that may be
there, *dropped* if it does not even fit behind the smallest, else *either*. Of such a frame the caller, who has seen
whether it came out, says what it was; the true backlog is then known again as well as before, so that doubt does not
pile up: within a busy period all ends are uncertain by one and the same shift, that of its first arrival.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from truth.path import NS_PER_S, Path, Row

ETHERNET_HEADER = 14
#: A capacity in multiples of the BDP holds at least so many full-size frames.
FULL_FRAMES_MIN = 10


class Span(NamedTuple):
    """An interval that contains the truth; both ends belong to it."""

    lo: int
    hi: int


class Admission(Enum):
    """What must become of a frame on arrival."""

    ADMITTED = "admitted"
    DROPPED = "dropped"
    EITHER = "either"


@dataclass(frozen=True)
class Capacity:
    """How much the queue holds: ``packets``, ``bytes``, or ``bdp`` in millionths of rate × 2 × delay."""

    unit: str
    amount: int


@dataclass(frozen=True)
class Queue:
    """The drop-tail queue of one direction, and what a frame counts for in it."""

    capacity: Capacity
    overhead: int = 0  #: bytes a frame
    mtu: int = 1500

    def limit(self, row: Row) -> int:
        """Bytes or packets that fit while `row` is in force."""
        if self.capacity.unit != "bdp":
            return self.capacity.amount
        if row.rate_bps is None:
            return 1 << 62
        bdp = row.rate_bps * 2 * row.delay_ns * self.capacity.amount // (8 * NS_PER_S * 10**6)
        return max(bdp, FULL_FRAMES_MIN * (self.mtu + ETHERNET_HEADER + self.overhead))


class _Backlog:
    """The greatest or the smallest backlog that may be there: what has surely, or perhaps, not ended service."""

    def __init__(self) -> None:
        self._inside: deque[tuple[int, int]] = deque()
        self.amount = 0

    def add(self, end_ns: int, amount: int) -> None:
        self._inside.append((end_ns, amount))
        self.amount += amount

    def seek(self, t_ns: int) -> int:
        """What ends at `t_ns` is not there any more."""
        while self._inside and self._inside[0][0] <= t_ns:
            self.amount -= self._inside.popleft()[1]
        return self.amount


class Bottleneck:
    """One direction of a link. Call `arrive` for each frame in order, and `admit` for those that it took."""

    def __init__(self, path: Path, queue: Queue) -> None:
        self._path = path
        self._queue = queue
        self._least, self._most = _Backlog(), _Backlog()
        self._end = Span(0, 0)  #: of the service before
        self._last: dict[int, tuple[Span, Span]] = {}  #: by route: the due time of the frame before, and when it ended
        self._at = Span(0, 0)
        self._length = 0

    def arrive(self, at: Span, frame_bytes: int) -> Admission:
        """What must become of a frame that arrives within `at`, whose both ends never go back."""
        self._at, self._length = at, frame_bytes + self._queue.overhead
        limits = [self._queue.limit(row) for _, _, row in self._path.spells(*at)]
        most, least = self._most.seek(at.lo), self._least.seek(at.hi)
        if most == 0 or most + self._amount <= min(limits):
            return Admission.ADMITTED
        if least > 0 and least + self._amount > max(limits):
            return Admission.DROPPED
        return Admission.EITHER

    def admit(self) -> Span:
        """The frame of the last `arrive` is in: when it is due at the other end."""
        ends = [
            self._path.served(self._path.may_start(max(at, before)), self._length)
            for at, before in zip(self._at, self._end, strict=True)
        ]
        self._end = Span(*ends)
        self._least.add(self._end.lo, self._amount)
        self._most.add(self._end.hi, self._amount)
        return self._due(self._end)

    @property
    def _amount(self) -> int:
        return 1 if self._queue.capacity.unit == "packets" else self._length

    def _due(self, end: Span) -> Span:
        """When a frame is due whose service ends within `end`; in each row's spell the extremes are at its ends."""
        raw: dict[int, Span] = {}
        held = []
        for begin, last, row in self._path.spells(*end):
            lo = max(begin + row.delay_ns, self._path.blackout_end(begin), self._before(row.route, begin).lo)
            hi = max(last + row.delay_ns, self._path.blackout_end(last), self._before(row.route, last).hi)
            known = raw.get(row.route, Span(lo, hi))
            raw[row.route] = Span(min(known.lo, lo), max(known.hi, hi))
            held.append(Span(self._path.held(lo, begin), self._path.held(hi, last)))
        for route, due in raw.items():
            self._remember(route, due, end, certain=len(raw) == 1)
        return Span(min(due.lo for due in held), max(due.hi for due in held))

    def _before(self, route: int, t_ns: int) -> Span:
        """When the frame before on `route` is due, as it stands at `t_ns`."""
        if route not in self._last:
            return Span(0, 0)
        due, ended = self._last[route]
        return Span(self._path.held(due.lo, ended.hi, t_ns), self._path.held(due.hi, ended.lo, t_ns))

    def _remember(self, route: int, due: Span, end: Span, *, certain: bool) -> None:
        if certain:
            self._last[route] = due, end
            return
        before, ended = self._last.get(route, (Span(0, 0), end))  # perhaps the frame took another route
        self._last[route] = Span(before.lo, max(before.hi, due.hi)), Span(min(ended.lo, end.lo), ended.hi)
