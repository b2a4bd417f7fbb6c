"""What a lane notes at the instants of a grid is what the model did until then, however late the machine was."""

from __future__ import annotations

import ctypes
import itertools
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st
from model import worlds
from model.fake_machine import BATCH, BEGIN, Machine, Noted, Record
from model.traces import END, FLAT, UNIMPAIRED, US, Came, Event, Frame, events, happen, play, settle

from plctl.agent.native import HalfArguments
from plctl.common.base.units import NS_PER_MS, NS_PER_S
from plctl.common.reference.half import BITS_NS, UNLIMITED, RowSteps
from plctl.common.telemetry.counters import HalfCounts
from plctl.common.telemetry.samples import MEASURED_COLUMNS

LATE, TRANSIT = MEASURED_COLUMNS.index("lateness_max_ns"), MEASURED_COLUMNS.index("transit_max_ns")


LONGEST = 10  #: bytes of the longest frame of small worlds
#: T0 and interval.
GRIDS = st.tuples(st.integers(BEGIN + 1, BEGIN + 20), st.integers(3, 40))


def assert_noted(noted: Sequence[Noted], came: Sequence[Frame], log: Sequence[Record], grid: tuple[int, int]) -> None:
    """Each snapshot is of an instant of the grid, and has what came, and what the packet log says, of all until then.

    Of frames that are in flight for ever the log says nothing.
    """
    t0, interval = grid
    for each in noted:
        assert (each.at - t0) % interval == 0
        assert each.begin <= each.at

        def until(moment: str, at: int = each.at) -> tuple[int, int]:
            lengths = [record["length"] for record in log if 0 < record[moment] <= at]
            return len(lengths), sum(lengths)

        counts = each.counts
        arrived = [frame.length for frame in came if frame.at <= each.at]
        assert (len(arrived), sum(arrived)) == (counts.arrived_packets, counts.arrived_bytes)
        assert until("due_ns") == (counts.delivered_packets, counts.delivered_bytes)
        assert until("end_ns") == (counts.served_packets, counts.served_bytes)
        assert counts.unaccounted_packets == 0


def assert_possible(noted: Sequence[Noted], arguments: HalfArguments, t0: int) -> None:
    """No interval has served more than the integral of the rate over it, and the part of a frame served before."""
    steps = RowSteps(arguments["rows"], arguments["period_ns"])
    if any(row[2] == UNLIMITED for row in arguments["rows"]):
        return
    served = 0
    for each in noted:
        work = steps._work_until(each.at - t0) - steps._work_until(each.begin - t0)
        if each.at > t0:  # else it has what came before
            assert (each.counts.served_bytes - served) * BITS_NS <= work + LONGEST * BITS_NS
        served = each.counts.served_bytes


@settings(max_examples=5 * settings.default.max_examples)
@given(UNIMPAIRED, events(worlds.SMALL), st.booleans(), GRIDS)
def test_stalls_change_nothing_of_what_is_noted(
    library: ctypes.CDLL, arguments: HalfArguments, trace: list[Event], wall_stamps: bool, grid: tuple[int, int]
) -> None:
    """Every snapshot is exact to the nanosecond, and no interval carries more than its path can.

    They are taken only when all is over: what finds no room goes into a later one, whose interval is as much longer.
    """
    with Machine(library, arguments, wall_stamps) as machine:
        t0, interval = grid
        machine.note(t0, interval)
        machine.arm(t0)
        came = play(machine, trace)
        for lane in range(2):
            noted = machine.take(lane)
            if machine.counters(lane).in_flight_packets == 0:
                assert_noted(noted, came[lane], machine.log(lane), grid)
            assert_possible(noted, arguments, t0)
            assert [each.at for each in noted] == sorted({each.at for each in noted})


@settings(max_examples=2 * settings.default.max_examples)
@given(UNIMPAIRED, events(worlds.SMALL), GRIDS)
def test_intervals_follow_on_each_other_and_nothing_is_in_none(
    library: ctypes.CDLL, arguments: HalfArguments, trace: list[Event], grid: tuple[int, int]
) -> None:
    """A reader that keeps up gets every interval in which something changed, of just that length."""
    with Machine(library, arguments) as machine:
        t0, interval = grid
        machine.note(t0, interval)
        machine.arm(t0)
        came: Came = ([], [])
        noted: tuple[list[Noted], list[Noted]] = ([], [])
        for event in [*trace, *[Event("settle", 1)] * 100, Event("settle", END)]:
            happen(machine, [event, Event("settle", 0)], came)
            for lane in range(2):
                noted[lane].extend(machine.take(lane))
        for lane in range(2):
            last = HalfCounts()
            for each in noted[lane]:
                if last.since(HalfCounts()) != each.counts.since(HalfCounts()):
                    assert each.begin == max(t0, each.at - interval)
                last = each.counts
            assert len(came[lane]) == last.arrived_packets


def test_a_link_at_rest_is_noted_once_a_second(library: ctypes.CDLL) -> None:
    """So that who looks at it knows that it still is; after a change also the first interval without one is noted."""
    with Machine(library, FLAT) as machine:
        t0 = BEGIN + NS_PER_MS
        machine.note(t0, 100 * NS_PER_MS)
        machine.arm(t0)
        came: Came = ([], [])
        while machine.clock < t0 + 5 * NS_PER_S:
            machine.clock = machine.look() if machine.clock else 0
            settle(machine, came)
        at = [each.at - t0 for each in machine.take(0)]
        assert [NS_PER_S] * 4 == [later - sooner for sooner, later in itertools.pairwise(at)][:4]
        machine.clock = t0 + 6050 * NS_PER_MS
        happen(machine, [Event("frames", 0, length=1000), Event("settle", 0), Event("settle", 0)], came)
        for _ in range(50):
            machine.clock = machine.look()
            settle(machine, came)
        moments = [(each.begin - t0) // NS_PER_MS for each in machine.take(0) if each.at > t0 + 6000 * NS_PER_MS][:2]
        assert [6000, 6100] == moments


def test_times_of_a_stall_are_in_the_interval_of_the_frame(library: ctypes.CDLL) -> None:
    """A frame that left 3 ms late is late in the interval in which it was due, and in no other."""
    with Machine(library, FLAT) as machine:
        t0 = BEGIN + 1000
        machine.note(t0, NS_PER_MS)
        machine.arm(t0)
        machine.clock = t0
        machine.arrive(0, 100)
        machine.look()
        machine.clock = t0 + 8100 * US  # due after 5.1 ms
        machine.settle(BATCH)
        noted = {(each.at - t0) // NS_PER_MS: each.measured for each in machine.take(0)}
        assert 3000 * US == noted[6][LATE]
        assert 8100 * US == noted[6][TRANSIT]
        assert all(-1 == measured[LATE] for interval, measured in noted.items() if interval != 6)
