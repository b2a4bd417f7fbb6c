"""A worker that gets no CPU is late; what it decides about each frame is what a prompt one would have decided."""

from __future__ import annotations

import ctypes
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from model import worlds
from model.fake_machine import BATCH, BEGIN, NEVER, Machine
from model.traces import CAPACITY, END, FLAT, UNIMPAIRED, US, Came, Event, Frame, events, happen, modelled, play

from plctl.agent.native import HalfArguments
from plctl.common.telemetry.packet_log import VERDICTS

HOUR = 3600 * 10**9

#: As small, but a frame holds the headers of a transport.
LONG_FRAMES = replace(worlds.SMALL, lengths=st.integers(34, 40))


def assert_undisturbed(machine: Machine, came: Came) -> None:
    """Of each frame the machine has decided what the reference says, at the same instants, and none left too soon."""
    for lane in range(2):
        log = machine.log(lane)
        found = {r["number"]: (r["verdict"], r["arrival_ns"], r["start_ns"], r["end_ns"], r["due_ns"]) for r in log}
        assert modelled(machine, came[lane]) == found
        assert all(record["moved_ns"] == 0 and record["sent_ns"] >= record["due_ns"] for record in log)
        assert [came[lane][number - 1].length for number in found] == [record["length"] for record in log]


@settings(max_examples=5 * settings.default.max_examples)
@given(UNIMPAIRED, events(worlds.SMALL), st.booleans(), st.integers(0, 20))
def test_stalls_change_no_verdict_and_no_time(
    library: ctypes.CDLL, arguments: HalfArguments, trace: list[Event], wall_stamps: bool, begin: int
) -> None:
    """However the worker is held up, each frame gets the verdict, the service and the due time of its arrival."""
    with Machine(library, arguments, wall_stamps) as machine:
        machine.arm(BEGIN + begin)
        assert_undisturbed(machine, play(machine, trace))


@settings(max_examples=5 * settings.default.max_examples)
@given(UNIMPAIRED, events(worlds.SMALL), st.integers(0, 20))
def test_frames_of_two_ports_are_taken_in_the_order_of_arrival(
    library: ctypes.CDLL, arguments: HalfArguments, trace: list[Event], begin: int
) -> None:
    """Frames that strayed to a second port, stamped by another clock, keep their places among the others."""
    with Machine(library, arguments, strays=True) as machine:
        machine.arm(BEGIN + begin)
        assert_undisturbed(machine, play(machine, trace))


def test_a_stray_does_not_overtake_a_frame_that_came_while_ports_were_read(library: ctypes.CDLL) -> None:
    """Of two ports one is read first; a frame that came to it right after waits for no stray that came later still."""
    with Machine(library, FLAT, strays=True) as machine:
        machine.arm(BEGIN)
        machine.arrive(0, 100)
        machine.pass_by(0)
        machine.look()
        machine.clock += 10
        came = [Frame(at, 100, False) for at in (BEGIN, BEGIN + 1, BEGIN + 2)]
        happen(machine, [Event("settle", 0), Event("settle", 10_000 * US)], ([], []))
        assert_undisturbed(machine, (came, []))


@settings(max_examples=5 * settings.default.max_examples)
@given(UNIMPAIRED, events(LONG_FRAMES), st.booleans(), st.booleans())
def test_a_first_frame_starts_both_directions_when_it_arrives(
    library: ctypes.CDLL, arguments: HalfArguments, trace: list[Event], wall_stamps: bool, strays: bool
) -> None:
    """T0 is the arrival of the first frame of the kind, in whichever direction, though it was read long afterwards."""
    with Machine(library, arguments, wall_stamps, strays) as machine:
        machine.trigger("first-transport-packet")
        came = play(machine, trace)
        assert min((frame.at for lane in came for frame in lane if frame.transport), default=NEVER) == machine.t0
        assert_undisturbed(machine, came)


@settings(max_examples=2 * settings.default.max_examples)
@given(UNIMPAIRED, st.lists(events(worlds.SMALL), min_size=2, max_size=4), st.data())
def test_a_wall_clock_that_is_set_during_a_stall_changes_nothing(
    library: ctypes.CDLL, arguments: HalfArguments, traces: list[list[Event]], data: st.DataObject
) -> None:
    """Frames that were stamped before and after the clock was set by an hour are told apart, whichever way it went.

    As long as frames are read between one setting and the next.
    """
    with Machine(library, arguments, wall_stamps=True) as machine:
        machine.arm(BEGIN)
        came: Came = ([], [])
        for trace in traces:
            at = data.draw(st.integers(0, len(trace)))
            happen(machine, trace[:at], came)
            machine.step_wall(data.draw(st.sampled_from([-HOUR, HOUR])))
            happen(machine, [*trace[at:], Event("frames", 1), Event("settle", 1)], came)
        happen(machine, [Event("settle", END)], came)
        assert_undisturbed(machine, came)


def test_a_flooded_lane_takes_turns_with_the_other(library: ctypes.CDLL) -> None:
    """A pass reads one batch of a flood, and all that is little; the flood is through after as many passes."""
    with Machine(library, FLAT) as machine:
        machine.arm(BEGIN)
        for _ in range(10 * BATCH):
            machine.arrive(0, 100)
        machine.arrive(1, 100)
        for batches in range(1, 11):
            machine.clock += 1
            machine.look()
            assert (batches * BATCH, 1) == (machine.counters(0).arrived_packets, machine.counters(1).arrived_packets)


@pytest.mark.parametrize(("inside", "verdict"), [(CAPACITY, "queue_full"), (CAPACITY - 1, "lost_late")])
def test_a_frame_that_is_seen_late_and_dropped_is_lost_by_the_machine_unless_it_had_to_be(
    library: ctypes.CDLL, inside: int, verdict: str
) -> None:
    """A frame that is in the ring 200 µs after its stamp finds no room in the queue: whose fault is that?

    If another was admitted meanwhile, it has the late one's place. If not, there was no place when the late one came.
    """
    with Machine(library, FLAT) as machine:
        machine.arm(BEGIN)
        for _ in range(inside):
            machine.arrive(0, 1000)
        stamp = machine.clock + 100 * US
        machine.clock += 300 * US
        machine.arrive(0, 1000)
        machine.settle(inside)
        machine.arrive(0, 1000, at=stamp)
        machine.settle(1)
        (late,) = [record for record in machine.log(0) if record["number"] == inside + 2]
        moved = late["arrival_ns"] - stamp
        assert moved >= 200 * US
        assert (verdict, moved) == (VERDICTS[late["verdict"]], late["moved_ns"])
        counted = machine.counters(0)
        lost = verdict == "lost_late"
        assert (lost, 1 - lost + (inside == CAPACITY)) == (counted.lost_late, counted.dropped_queue_full_packets)
        assert moved * lost == machine.greatest_lateness(0)
