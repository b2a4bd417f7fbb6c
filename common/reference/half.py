"""The link model in pure Python, written to be read: the oracle for the C core.

It has no event loop and no cursor. A queueing discipline (`disciplines`) says which frame is served next; what
comes of a service follows from formulas over the past: which reconfigurations there have been, when the frame
before it left, how much work the bottleneck has done until a time. That is worked out anew at every question, in
integers without bounds, for all frames that are not yet due; nothing here is fast.
"""

from __future__ import annotations

import functools
from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from plctl.common.plan.half_arguments import HalfArguments, NativeOpportunities, NativeQueue, NativeRow
from plctl.common.plan.half_impairments import NativeImpairments
from plctl.common.reference.disciplines import ADMITTED, DISCIPLINES, Discipline, Surroundings, Waiting
from plctl.common.reference.draw import draw
from plctl.common.reference.impairments import Fate, PathImpairments
from plctl.common.reference.opportunities import InstantSteps, Use

NEVER = 2**63 - 1
UNLIMITED = 2**63 - 1
PURPOSE_QUEUE = 0  #: what a discipline draws
UNKNOWN = 2**200  #: a T0 later than every time there is
RANDOM_LOSS = 16  #: the verdict of what the path lost
CALM = Fate(lost=False, corruption=None, jitter=0, copy_jitter=None)  #: of every frame before T0
BITS_NS = 8 * 10**9  #: bit × 10⁹ in a byte: the unit of work is (bit/s) × ns


@dataclass(slots=True)
class Frame:
    """One that entered service. `first_due` is due as it was at the end of service, before later reconfigurations."""

    number: int
    arrival: int
    length: int
    start: int
    behind: Use | None = None  #: what the frame before it used, where service is by opportunities
    used: Use | None = None  #: what it used, once that is over
    end: int = NEVER
    first_due: int = NEVER
    due: int = NEVER
    route: int = 0  #: that it was sent on at its end of service
    popped: bool = False
    fate: Fate | None = None  #: None: it is in service
    lost: bool = False  #: by the path
    corruption: int | None = None  #: place of the bit that the path flipped
    copy: Frame | None = None  #: that the path made of it


class Reference:
    """One direction of a link, as its arguments say: those of `plctl.common.plan.half_arguments`.

    Same interface and same results as the C core's `Half`, except that it cannot say when the next frame is due.
    """

    def __init__(
        self,
        *,
        rows: list[NativeRow],
        routes: int,  # noqa: ARG002 - only the C core makes room for each route
        period_ns: int,
        loop_ns: int = 0,
        capacity_unit: Literal["bytes", "packets", "bdp"],
        capacity_amount: int,
        full_frame: int,
        reconfiguration_ns: int,
        reconfiguration_mode: Literal["gsl", "all"],
        queue: NativeQueue,
        impairments: NativeImpairments,
        key: int,
        opportunities: NativeOpportunities | None = None,
    ) -> None:
        self.opportunities = InstantSteps(*opportunities) if opportunities else None
        self.steps = RowSteps(rows, period_ns, loop_ns)
        self.capacity = (capacity_unit, capacity_amount)
        self.full_frame = full_frame
        self.blackout_ns = reconfiguration_ns
        self.mode = reconfiguration_mode
        self.t0 = UNKNOWN
        self.virtual_now = 0
        self.arrivals = 0
        self.bottleneck = 0  #: the QueueID in force at the last arrival
        self.bottlenecks: dict[int, int] = {}  #: that each arrival found
        self.impairments = PathImpairments(impairments, key)
        self.reorders = impairments["reorder"]
        self.copy_delay = impairments["duplicate_delay_ns"]
        self.told_lost = 0  #: how many lost frames were told of by `dropped`
        self.frames: list[Frame] = []  #: in order of service
        self.settled = 0  #: so many of them are due or lost, and nothing about them changes any more
        self.travelled = 0  #: so many of these ended service since T0
        self.last_settled: dict[int, Frame] = {}  #: of these by route
        self.queue = DISCIPLINES[str(queue["name"])](
            Surroundings(
                has_room=self._has_room,
                fits=self._fits,
                room_bytes=self._room_bytes,
                serving=lambda: sum(frame.length for frame in self._in_service()),
                idle_since=lambda: self._end(self.frames[-1]) if self.frames else 0,
                rate_at=lambda t: self.steps.rate_before(t - self.t0),
                t0=lambda: self.t0,
                draw=lambda number: draw(key, PURPOSE_QUEUE, number),
                full_frame=full_frame,
                parameters={name: int(value) for name, value in queue.items() if name != "name"},
            )
        )

    def arm(self, t0: int) -> None:
        """Scenario time starts at `t0`."""
        for frame in self.frames if self.opportunities else ():
            if self._end(frame) <= self.virtual_now:
                frame.used = self._use(frame)  # what is over stays so, whenever scenario time is to start
        self.t0 = t0

    def change(self, at: int, arguments: HalfArguments) -> None:
        """Go over to other rows, the same until `at` > virtual now, and to the impairments that go with them."""
        assert max(self.t0, self.virtual_now) < at
        self.steps = RowSteps(arguments["rows"], arguments["period_ns"], arguments.get("loop_ns", 0))
        self.impairments.configure(arguments["impairments"])

    def advance(self, now: int) -> None:
        """Virtual time is `now` from here on, unless it is later already."""
        self.virtual_now = max(now, self.virtual_now)
        self._serve()
        self._work_out()

    def arrive(self, at: int, length: int, ecn: int = 0, flow: int = 0) -> tuple[int, int]:
        """(verdict, arrival as the model saw it)."""
        self.advance(at)
        number, self.arrivals = self.arrivals, self.arrivals + 1
        self.bottleneck = _queue_id(self.steps.row_at(self.virtual_now - self.t0))
        self.bottlenecks[number] = self.bottleneck
        verdict = self.queue.arrive(Waiting(number, self.virtual_now, length, ecn, flow), self.virtual_now)
        if verdict == ADMITTED:
            self._serve()
            self._work_out()
        return verdict, self.virtual_now

    def marked(self) -> tuple[int, list[int]]:
        """How many frames the discipline has marked, and the numbers of those that were popped."""
        popped = [frame.number for frame in self._flown() if frame.popped]
        return len(self.queue.marked), [number for number in popped if number in self.queue.marked]

    def aqm_ppm(self) -> int:
        """With which probability the discipline drops or marks, in millionths."""
        return self._seen().probability() * 10**6 // 2**48

    def aqm_average(self) -> int:
        """The average length of the queue, in bytes, by which the discipline decides; 0 where it does not."""
        return self._seen().average_bytes()

    def _seen(self) -> Discipline:
        """The discipline as it is now. Before T0 its timers are let be: when they tick is not known yet."""
        return self.queue.seen_at(self.virtual_now, ticks=self.virtual_now >= self.t0)

    def dropped(self) -> list[tuple[int, int, int]]:
        """What was dropped after it had been admitted, since the last call: (number, verdict, when), in any order."""
        found, self.queue.dropped = self.queue.dropped, []
        lost = [(frame.number, RANDOM_LOSS, frame.end) for frame in self.frames if frame.lost]
        new, self.told_lost = lost[self.told_lost :], len(lost)
        return [*found, *new]

    def corrupted(self) -> list[tuple[int, int]]:
        """All frames that were popped corrupt: (number, place of the bit)."""
        return [(f.number, f.corruption) for f in self._flown() if f.popped and f.corruption is not None]

    def pop(self, now: int) -> list[tuple[int, int, int, int, int]]:
        """All frames due by `now` that were not popped before."""
        self.advance(now)
        ready = sorted((f for f in self._flown() if f.due <= now and not f.popped), key=lambda f: f.due)
        for frame in ready:
            frame.popped = True
        return [(f.number, f.arrival, f.start, f.end, f.due) for f in ready]

    def _flown(self) -> list[Frame]:
        """What left the bottleneck and was not lost, each copy behind its original."""
        flown = [frame for frame in self.frames if frame.end <= self.virtual_now and not frame.lost]
        return [each for frame in flown for each in (frame, frame.copy) if each]

    def gauges(self) -> tuple[int, int, int, int]:
        """(backlog in bytes, backlog in packets, packets in flight, row in force)."""
        self._work_out()
        backlog = self._backlog()
        in_flight = [frame for frame in self._flown() if not frame.popped]
        return sum(backlog), len(backlog), len(in_flight), self.steps.index_at(self.virtual_now - self.t0)

    def _backlog(self) -> list[int]:
        """The lengths of what waits or is in service."""
        return [frame.length for frame in self._in_service()] + [frame.length for frame in self.queue.waiting()]

    def _in_service(self) -> list[Frame]:
        return [frame for frame in self.frames[-1:] if frame.end > self.virtual_now]

    def _has_room(self, length: int) -> bool:
        """Beside what the bottleneck in force at the arrival has."""
        frames: list[Frame | Waiting] = [*self._in_service(), *self.queue.waiting()]
        backlog = [frame.length for frame in frames if self.bottlenecks[frame.number] == self.bottleneck]
        return not backlog or self._holds(len(backlog) + 1, sum(backlog) + length)

    def _fits(self) -> bool:
        return self._holds(len(self._backlog()), sum(self._backlog()))

    def _holds(self, packets: int, length: int) -> bool:
        unit, amount = self._room()
        return (packets if unit == "packets" else length) <= amount

    def _room(self) -> tuple[str, int]:
        """The capacity in bytes or packets."""
        _, delay, rate, queue_bytes = self.steps.row_at(self.virtual_now - self.t0)[:4]
        unit, amount = self.capacity
        if queue_bytes >= 0:
            return "bytes", queue_bytes
        if unit != "bdp":
            return unit, amount
        if rate == UNLIMITED:
            return "bytes", NEVER
        return "bytes", max(rate * 2 * delay * amount // (BITS_NS * 10**6), 10 * self.full_frame)

    def _room_bytes(self) -> int:
        unit, amount = self._room()
        return amount * self.full_frame if unit == "packets" else amount

    def _serve(self) -> None:
        """All services that begin by virtual now, one after the other: each asks the discipline for a frame."""
        changes = self._changes()
        while waiting := self.queue.waiting():
            free = self._end(self.frames[-1]) if self.frames else 0
            start = self._out_of_blackouts(max(free, min(frame.arrival for frame in waiting)), changes)
            if start > self.virtual_now:
                return
            chosen = self.queue.next(start)
            if chosen:
                behind = self._use(self.frames[-1]) if self.opportunities and self.frames else None
                self.frames.append(Frame(chosen.number, chosen.arrival, chosen.length, start, behind))

    def _end(self, frame: Frame) -> int:
        if self.opportunities:
            return self._use(frame).end
        return self.steps.service_end(frame.start - self.t0, frame.length, self.t0)

    def _use(self, frame: Frame) -> Use:
        """The delivery opportunities that `frame` uses."""
        assert self.opportunities is not None
        if frame.used:
            return frame.used
        waited = frame.arrival < frame.start
        return self.opportunities.use(frame.start, waited, frame.length, frame.behind, self.t0)

    def _work_out(self) -> None:
        """The fate of what was served up to virtual now. What a frame's fields say of later times is provisional."""
        changes = self._changes()
        last = dict(self.last_settled)
        n = self.travelled  # of frames since T0
        for frame in self.frames[self.settled :]:
            frame.end = self._end(frame)
            if frame.end > self.virtual_now:
                frame.due = NEVER
                continue
            row = self.steps.row_at(frame.end - self.t0)
            fate = frame.fate or (CALM if frame.end < self.t0 else self.impairments.fate(n, row, frame.end))
            frame.fate = fate  # which is final
            n += fate is not CALM
            frame.lost, frame.corruption = fate.lost, fate.corruption
            if frame.lost:
                continue
            self._propagate(frame, max(0, row[1] + fate.jitter), row[4], last, changes)
            if fate.copy_jitter is not None:
                frame.copy = frame.copy or Frame(frame.number, frame.arrival, frame.length, frame.start)
                frame.copy.end, frame.copy.corruption = frame.end, frame.corruption
                travel = max(0, row[1] + fate.copy_jitter) + self.copy_delay
                self._propagate(frame.copy, travel, row[4], last, changes)

        self._settle()

    def _settle(self) -> None:
        while self.settled < len(self.frames):
            frame = self.frames[self.settled]
            flown = [] if frame.lost else [each for each in (frame, frame.copy) if each]
            if frame.fate is None or any(each.due > self.virtual_now for each in flown):
                return
            self.last_settled |= {each.route: each for each in flown}
            self.travelled += frame.fate is not CALM
            self.settled += 1

    def _propagate(self, frame: Frame, travel: int, route: int, last: dict[int, Frame], changes: list[int]) -> None:
        """When `frame` is due that travels so long, given the last one before it on each route."""
        ahead = None if self.reorders else last.get(route)
        frame.first_due = max(
            min(frame.end + travel, NEVER),
            self._out_of_blackouts(frame.end, [change for change in changes if change <= frame.end]),
            self._hold(ahead, until=frame.end, changes=changes) if ahead else 0,
        )
        frame.due = self._hold(frame, until=self.virtual_now, changes=changes)
        frame.route = route
        last[route] = frame

    def _changes(self) -> list[int]:
        """When there has been a reconfiguration, in order."""
        return [self.t0 + s for s in self.steps.changes(self.virtual_now - self.t0)] if self.blackout_ns else []

    def _out_of_blackouts(self, t: int, changes: list[int]) -> int:
        """The first time from `t` on that no blackout covers."""
        for change in changes:
            if change <= t < change + self.blackout_ns:
                t = min(change + self.blackout_ns, NEVER)
        return t

    def _hold(self, frame: Frame, until: int, changes: list[int]) -> int:
        """When `frame` is due after the reconfigurations that found it in flight, up to `until`."""
        due = frame.first_due
        for change in changes:
            if frame.end < change <= until and due > change:
                later = due + self.blackout_ns if self.mode == "all" else max(due, change + self.blackout_ns)
                due = min(later, NEVER)
        return due


class RowSteps:
    """The rows as functions of scenario time s, which is negative before T0."""

    def __init__(self, rows: list[NativeRow], period_ns: int, loop_ns: int = 0) -> None:
        self.rows = rows
        self.loop = loop_ns  #: from which on they begin again
        self.begins = [row[0] for row in rows]
        self.period = period_ns
        self.work_before = [0]  #: of each row: what all rows before it do
        for row, after in pairwise(rows):
            self.work_before.append(self.work_before[-1] + _finite(row) * (after[0] - row[0]))
        self.cycle_work = self._work_in_cycle(loop_ns + period_ns) - self._work_in_cycle(loop_ns)
        self.service_end = functools.cache(self._service_end)

    def index_at(self, s: int) -> int:
        """Which row is in force at `s`."""
        if self.period and s >= self.loop:
            s = self.loop + (s - self.loop) % self.period
        return max(0, bisect_right(self.begins, s) - 1)

    def row_at(self, s: int) -> NativeRow:
        """The row in force at `s`."""
        return self.rows[self.index_at(s)]

    def rate_before(self, s: int) -> int:
        """The rate at `s`, or the last before that which was not 0; 0 if there was none."""
        index = self.index_at(s)
        earlier = self.rows[: index + 1]
        if self.period and s >= self.loop + self.period:  # all of them have been in force
            again = [row for row in self.rows[: index + 1] if row[0] >= self.loop]
            earlier = [*self.rows, *again]
        return next((row[2] for row in reversed(earlier) if row[2]), 0)

    def changes(self, until: int) -> list[int]:
        """All times from 0 to `until` at which a row begins whose route is not that of the row before it."""
        cycles = range(0, until + 1, self.period) if self.period else range(1)
        begins = [
            (cycle + row[0], row[4])
            for cycle in cycles
            for row in self.rows
            if cycle + row[0] <= until and (cycle == 0 or row[0] >= self.loop)
        ]
        return [s for (s, route), (_, before) in zip(begins[1:], begins, strict=False) if route != before]

    def _service_end(self, start: int, length: int, t0: int) -> int:
        """Absolute time, at most NEVER, at which `length` bytes are served that enter service at scenario time `start`.

        The first at which enough work is done, found by bisection, or at which a row serves in no time.
        """
        goal = self._work_until(start) + length * BITS_NS
        low, high = start, min(self._first_unlimited(start), NEVER - t0)
        while low < high:
            middle = (low + high) // 2
            if self._work_until(middle) >= goal:
                high = middle
            else:
                low = middle + 1
        return t0 + low

    def _first_unlimited(self, s: int) -> int:
        """The first time from `s` on at which the rate is unlimited."""
        if self.row_at(s)[2] == UNLIMITED:
            return s
        begins = [row[0] for row in self.rows if row[2] == UNLIMITED]
        if self.period:
            cycle = max(s - self.loop, 0) // self.period * self.period
            later = [begin for begin in begins if begin >= self.loop]
            begins = [*begins, *(cycle + k * self.period + begin for k in (0, 1) for begin in later)]
        return min([begin for begin in begins if begin >= s], default=UNKNOWN)

    def _work_until(self, s: int) -> int:
        """The integral of all finite rates from 0 to `s`; negative before 0."""
        if s < 0:
            return s * _finite(self.rows[0])
        if not self.period or s < self.loop:
            return self._work_in_cycle(s)
        cycles, rest = divmod(s - self.loop, self.period)
        return cycles * self.cycle_work + self._work_in_cycle(self.loop + rest)

    def _work_in_cycle(self, s: int) -> int:
        index = bisect_right(self.begins, s) - 1
        return self.work_before[index] + _finite(self.rows[index]) * (s - self.begins[index])


def _queue_id(row: NativeRow) -> int:
    return dict(enumerate(row)).get(9, 0)


def _finite(row: NativeRow) -> int:
    """The rate of `row`, or 0 if it is unlimited."""
    return 0 if row[2] == UNLIMITED else row[2]
