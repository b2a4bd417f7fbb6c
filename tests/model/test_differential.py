"""The C core and the Python reference agree on everything, to the nanosecond, on whatever hypothesis thinks of."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from model import worlds
from model.worlds import Courses, Step

from plctl.agent.native import HalfArguments, TracedHalfArguments
from plctl.agent.native._core import Half
from plctl.common.reference.disciplines import ADMITTED
from plctl.common.reference.half import NEVER, Reference

#: When a half is looked at for the last time.
END = 2**62

#: Rounds of rows that repeat which are written out for a change, at most.
MOST_ROUNDS = 200

Popped = list[tuple[int, int, int, int, int]]


class Pair:
    """A half and its reference, which get the same calls; every answer is compared, and what must hold is checked."""

    def __init__(self, arguments: HalfArguments) -> None:
        self.arguments = arguments
        self.half = Half(**arguments)
        self.reference = Reference(**arguments)
        self.clock = 0
        self.t0: int | None = None
        self.arrived = self.dropped = self.popped = 0
        self.earliest = NEVER  #: next_due() after the last call that may lower it
        self.last_popped: tuple[int, int] = (-1, -1)

    def do(self, step: Step) -> None:
        """One step, and all checks that can be made after any step."""
        self.clock += step.shift
        at = max(0, self.clock - step.back)
        if step.call == "arrive":
            for _ in range(step.count):
                self.arrive(at, step)
        elif step.call == "arm":
            self.arm()
        elif step.call == "change":
            self.change(step)
        elif step.call == "pop":
            self.pop(at)
        else:
            self.advance(at)
        self.check_dropped()
        self.check_marked()
        self.check_corrupted()
        self.check_gauges()

    def arrive(self, at: int, step: Step) -> None:
        frame = (step.length, step.ecn, step.flow)
        expected = self.reference.arrive(at, *frame)
        assert expected == self.half.arrive(at, *frame)
        self.arrived += 1
        self.dropped += expected[0] != ADMITTED
        self.earliest = self.half.next_due()

    def arm(self) -> None:
        """Arms at the clock, once, or again while the first T0 is still to come."""
        t0 = max(self.clock, self.half.now())
        if self.t0 is None or self.t0 > self.half.now():
            self.t0 = t0
            self.reference.arm(t0)
            self.half.arm(t0)
            self.earliest = self.half.next_due()

    def change(self, step: Step) -> None:
        """Goes over to other rows, if scenario time begins before that; what comes too late changes nothing."""
        now, t0 = self.half.now(), self.t0
        at = min(now + 1 + step.back, NEVER - 1)
        if t0 is None or t0 >= at:
            with pytest.raises(ValueError, match="scenario time has not started"):
                self.half.change(at, self.arguments)
            return
        if self.arguments["period_ns"] and (at - t0) // self.arguments["period_ns"] > MOST_ROUNDS:
            return
        self.arguments = worlds.unrolled(self.arguments, at - t0)
        rows = worlds.changed_rows(self.arguments["rows"], at - t0, step)
        known = self.arguments["routes"]
        if len(rows) < (routes := max(known, *(row[4] + 1 for row in rows))):
            return  # RouteIDs are numbered so that there are never more than rows
        self.arguments = {**self.arguments, "rows": rows, "routes": routes}
        with pytest.raises(ValueError, match=r"virtual time is there already|scenario time has not started"):
            self.half.change(now, self.arguments)
        self.reference.change(at, self.arguments)
        self.half.change(at, self.arguments)
        self.earliest = self.half.next_due()

    def advance(self, now: int) -> None:
        self.reference.advance(now)
        self.half.advance(now)

    def pop(self, now: int) -> Popped:
        expected = self.reference.pop(now)
        self.half.advance(now)
        overdue = (len(expected), min((due for *_, due in expected), default=0))
        assert overdue == self.half.overdue(now), "what pop() is about to hand out is what is overdue"
        assert expected == self.half.pop(now)
        assert all(due >= self.earliest for *_, due in expected), "next_due() was no lower bound"
        self.popped += len(expected)
        self.check_dropped()
        if now >= self.half.now():
            assert self.half.next_due() > now, "next_due() would keep the caller from sleeping"
        self.earliest = self.half.next_due()
        return expected

    def check_marked(self) -> None:
        """CE was set on the same frames, and the discipline is in the same state."""
        assert self.reference.aqm_ppm() == self.half.aqm_ppm()
        assert self.reference.aqm_average() == self.half.aqm_average()
        count, numbers = self.reference.marked()
        assert (count, sorted(numbers)) == (self.half.marked()[0], sorted(self.half.marked()[1]))

    def check_dropped(self) -> None:
        """The discipline let go of the same frames, for the same causes, at the same times."""
        expected = self.reference.dropped()
        assert sorted(expected) == sorted(self.half.dropped())
        self.dropped += len(expected)

    def check_corrupted(self) -> None:
        """The path flipped the same bits of the same frames."""
        assert sorted(self.reference.corrupted()) == sorted(self.half.corrupted())

    def check_gauges(self) -> None:
        gauges = self.reference.gauges()
        assert gauges == self.half.gauges()
        _, queued, in_flight, _ = gauges
        copies = sum(1 for frame in self.reference.frames if frame.copy)
        assert self.arrived + copies == self.dropped + queued + in_flight + self.popped, "a frame was lost or made"
        if queued + in_flight == 0:
            assert self.half.next_due() == NEVER


def play(arguments: HalfArguments, steps: list[Step], end: int) -> None:
    """All steps, then a caller that sleeps until next_due() each time, then whatever is due by `end`."""
    pair = Pair(arguments)
    for step in steps:
        pair.do(step)
    pair.pop(pair.half.now())
    for _ in range(50):
        now = pair.half.next_due()
        if now >= end:
            break
        assert all(due == now for *_, due in pair.pop(now)), "a frame was due before next_due()"
    pair.pop(max(pair.half.now(), end))
    pair.check_gauges()


def play_each(arguments: HalfArguments, courses: Courses, end: int) -> None:
    """Each course with a new pair of the same configuration."""
    for steps in courses:
        play(arguments, steps, end)


@settings(max_examples=12 * settings.default.max_examples)
@given(worlds.arguments(worlds.SMALL), worlds.courses(worlds.SMALL))
def test_coincidences(arguments: HalfArguments, courses: Courses) -> None:
    """Where arrivals, services, rows, blackouts and due times fall on the same nanosecond, the order is kept."""
    play_each(arguments, courses, end=400)


@settings(max_examples=8 * settings.default.max_examples)
@given(worlds.traced(worlds.SMALL), worlds.courses(worlds.SMALL))
def test_delivery_opportunities(arguments: TracedHalfArguments, courses: Courses) -> None:
    """What several frames share, what one needs several of, and what nobody uses, is the same in both."""
    play_each(arguments, courses, end=800)


@settings(max_examples=8 * settings.default.max_examples)
@given(worlds.arguments(worlds.WIDE), worlds.courses(worlds.WIDE))
def test_real_sizes(arguments: HalfArguments, courses: Courses) -> None:
    """With delays, rates and lengths as of real links and far beyond, no nanosecond and no bit is lost."""
    play_each(arguments, courses, end=5 * 10**11)


@settings(max_examples=8 * settings.default.max_examples)
@given(worlds.arguments(worlds.SMALL), worlds.courses(worlds.SMALL, changing=True))
def test_live_changes(arguments: HalfArguments, courses: Courses) -> None:
    """Whatever changes while frames wait, are served and fly, it is the same in both, and no frame is lost."""
    play_each(arguments, courses, end=400)


@settings(max_examples=5 * settings.default.max_examples)
@given(worlds.traced(worlds.SMALL), worlds.courses(worlds.SMALL, changing=True))
def test_live_changes_with_delivery_opportunities(arguments: TracedHalfArguments, courses: Courses) -> None:
    """Where service is by opportunities, delays, routes and impairments change, and services do not."""
    play_each(arguments, courses, end=800)


@settings(max_examples=5 * settings.default.max_examples)
@given(worlds.arguments(worlds.WIDE), worlds.courses(worlds.WIDE, changing=True))
def test_live_changes_of_real_sizes(arguments: HalfArguments, courses: Courses) -> None:
    """Likewise with delays, rates and lengths as of real links and far beyond."""
    play_each(arguments, courses, end=5 * 10**11)


@settings(max_examples=5 * settings.default.max_examples)
@given(worlds.arguments(worlds.PATIENT), worlds.courses(worlds.PATIENT))
def test_long_services(arguments: HalfArguments, courses: Courses) -> None:
    """A service of up to 10^18 cycles of a repeated schedule ends at the right nanosecond."""
    play_each(arguments, courses, end=END)


@settings(max_examples=5 * settings.default.max_examples)
@given(worlds.arguments(worlds.SMALL), worlds.steps(worlds.SMALL), st.data())
def test_how_often_time_is_told_does_not_matter(
    arguments: HalfArguments, steps: list[Step], data: st.DataObject
) -> None:
    """A half that is advanced now and then between arrivals ends up as one that is not."""
    told, untold = Half(**arguments), Half(**arguments)
    clock = 0
    for step in steps:
        clock += step.shift
        for now in data.draw(st.lists(st.integers(told.now(), max(clock, told.now())), max_size=3)):
            told.advance(now)
        if step.call == "arrive":
            frame = (step.length, step.ecn, step.flow)
            assert untold.arrive(clock, *frame) == told.arrive(clock, *frame)
    assert untold.pop(400 + clock) == told.pop(400 + clock)
    assert untold.dropped() == told.dropped()
