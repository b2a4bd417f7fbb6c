"""A link with super-frames gives each segment what it gives to the same frame alone, and sends the same bytes.

The worker, the lanes and the ports are the product's; the sockets are memory and the clock is the test's.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from operator import itemgetter
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from model import worlds
from model.fake_machine import BATCH, BEGIN, Machine
from model.traces import FLAT, UNIMPAIRED, US, Frame, modelled
from model.transport_frames import ACK, NO_SUPER_FRAME, PSH, TCP, UDP, VIRTIO, Flow

from plctl.agent.native import HalfArguments, _core
from plctl.common.base.units import RATE_UNLIMITED

END = 10**6  #: ns after which a trace is over
UNLIMITED: HalfArguments = {**FLAT, "rows": [(0, 5000 * US, RATE_UNLIMITED, -1, 0)], "capacity_amount": 10**6}


@dataclass(frozen=True)
class Event:
    """What happens `shift` after the event before it."""

    what: Literal["super-frame", "look", "settle"]
    shift: int
    lane: int = 0
    segments: int = 1
    size: int = 1
    short: int = 0  #: by how much the last segment is shorter
    version: int = 4
    protocol: int = TCP


def traces(shifts: st.SearchStrategy[int]) -> st.SearchStrategy[list[Event]]:
    """Super-frames of both lanes, and passes of a worker that stands still between them."""
    frames = st.builds(
        Event, st.just("super-frame"), shifts, st.integers(0, 1), st.sampled_from([1, 1, 2, 3, 7, 20]),
        st.integers(1, 3), st.integers(0, 2), st.sampled_from([4, 6]), st.sampled_from([TCP, TCP, UDP]),
    )  # fmt: skip
    passes = st.builds(Event, st.sampled_from(["look", "settle"]), shifts)
    return st.lists(st.one_of(frames, frames, passes), max_size=20)


def frames_of(event: Event, number: int, at_byte: int) -> tuple[bytes, bytes, list[bytes]]:
    """A super-frame, its virtio header, and the frames that it is; those of one flow go on where the last one ended."""
    length = max(1, event.segments * event.size - min(event.short, event.size - 1))
    payload = number.to_bytes(4, "big") * (length // 4 + 1)
    flow = Flow(
        version=event.version, protocol=event.protocol, id=number, seq=1 + at_byte, flags=ACK | PSH * (number % 5 == 0)
    )
    frame, virtio = flow.super_frame(payload[:length], event.size)
    return frame, virtio, flow.segments(payload[:length], event.size)


@dataclass
class Played:
    """What came to a lane of both machines."""

    came: list[Frame]
    frames: list[bytes]


def play(one: Machine, single: Machine, trace: Sequence[Event]) -> tuple[Played, Played]:
    """Let all of it happen to a machine with super-frames, and with each segment alone to one without."""
    lanes = (Played([], []), Played([], []))
    numbers, at_byte = count(1), 0
    for event in [*trace, Event("settle", END)]:
        for machine in (one, single):
            machine.clock += event.shift
        single.clock = one.clock = max(one.clock, single.clock)
        if event.what == "super-frame":
            frame, virtio, segments = frames_of(event, next(numbers), at_byte)
            at_byte += len(frame)
            one.arrive_super(event.lane, frame, virtio)
            for each in segments:
                single.arrive(event.lane, len(each))
                lanes[event.lane].came.append(Frame(one.clock, len(each), transport=True))
                lanes[event.lane].frames.append(each)
        else:
            for machine in (one, single):
                if event.what == "look":
                    machine.look()
                else:
                    machine.settle(passes=3 * sum(len(lane.came) for lane in lanes) // BATCH + 20)
    return lanes


def wire(sent: Sequence[tuple[bytes, bytes]]) -> list[bytes]:
    """The frames that these super-frames are."""
    return [
        _core.cut_segment((frame, virtio), index, False)
        for frame, virtio in sent
        for index in range(_core.read_segments((frame, virtio), False)["count"])
    ]


@given(UNIMPAIRED, traces(worlds.SMALL.shifts), st.sampled_from([0, 0, 3, 40]))
def test_segments_get_what_single_frames_get(
    library: ctypes.CDLL, arguments: HalfArguments, trace: list[Event], coalesce_ns: int
) -> None:
    """Verdict, arrival, service, due time and route of each; the same bytes leave in the same order."""
    with (
        Machine(library, arguments, super_frames=True, coalesce_ns=coalesce_ns) as one,
        Machine(library, arguments) as single,
    ):
        one.arm(BEGIN)
        single.arm(BEGIN)
        lanes = play(one, single, trace)
        for lane, played in enumerate(lanes):
            found, alone = one.log_as_written(lane), single.log_as_written(lane)
            assert _modelled(alone) == _modelled(found)
            assert modelled(one, played.came) == {record["number"]: _fate(record) for record in found}
            delivered = [record for record in found if not record["verdict"]]
            assert [each["number"] for each in alone if not each["verdict"]] == [each["number"] for each in delivered]
            assert all(record["sent_ns"] >= record["due_ns"] for record in delivered)
            assert [played.frames[record["number"] - 1] for record in delivered] == wire(one.take_super(lane))


def _modelled(records: Sequence[dict[str, int]]) -> list[dict[str, int]]:
    """By number: whether a drop is written before or after a frame that leaves depends on the passes of a worker."""
    modelled = [{name: value for name, value in record.items() if name != "sent_ns"} for record in records]
    return sorted(modelled, key=itemgetter("number"))


def _fate(record: dict[str, int]) -> tuple[int, ...]:
    return tuple(record[name] for name in ("verdict", "arrival_ns", "start_ns", "end_ns", "due_ns"))


def test_neighbours_that_are_due_together_leave_as_one_super_frame(library: ctypes.CDLL) -> None:
    """Where the path is unlimited, a super-frame leaves as it came: one for the kernel, three for the link."""
    with Machine(library, UNLIMITED, super_frames=True) as machine:
        machine.arm(BEGIN)
        frame, virtio, _ = frames_of(Event("super-frame", 0, segments=3, size=100), 1, 0)
        machine.arrive_super(0, frame, virtio)
        machine.look()
        machine.clock += 5000 * US
        machine.look()
        (sent, sent_virtio), counted = machine.take_super(0)[0], machine.counters(0)
        assert (frame, virtio) == (sent, sent_virtio)
        assert (3, 3, 1, 1) == (
            counted.arrived_packets, counted.delivered_packets, counted.in_as_counted, counted.out_as_counted
        )  # fmt: skip


def test_segments_wait_for_each_other_as_long_as_they_may(library: ctypes.CDLL) -> None:
    """At 1000 ns a byte the second segment is due 154 us later: it is waited for if half the time will do."""
    for coalesce_ns, leave in ((0, [1, 1]), (100 * US, [1, 1]), (306 * US, [1, 1]), (308 * US, [2]), (500 * US, [2])):
        with Machine(library, FLAT, super_frames=True, coalesce_ns=coalesce_ns) as machine:
            machine.arm(BEGIN)
            machine.arrive_super(0, *frames_of(Event("super-frame", 0, segments=2, size=100), 1, 0)[:2])
            passes = 0
            while machine.look() < 10**12 and passes < 50:
                passes += 1
                machine.clock = max(machine.clock + 1, machine.look())
            assert leave == [_core.read_segments(each, False)["count"] for each in machine.take_super(0)]


def test_who_waits_may_leave_in_the_second_half_of_its_patience(library: ctypes.CDLL) -> None:
    """So that nobody spins until the last moment: of segments that are due every 154 us those leave that are due."""
    for late_us, leave in ((0, []), (499, []), (500, [4]), (900, [6])):
        with Machine(library, FLAT, super_frames=True, coalesce_ns=1000 * US) as machine:
            machine.arm(BEGIN)
            machine.arrive_super(0, *frames_of(Event("super-frame", 0, segments=8, size=100), 1, 0)[:2])
            machine.settle(passes=100)
            first_due = machine.clock = BEGIN + (5000 + 154) * US
            assert first_due + 1000 * US == machine.look()
            machine.clock += late_us * US
            machine.look()
            assert leave == [_core.read_segments(each, False)["count"] for each in machine.take_super(0)]


def test_while_segments_wait_nothing_of_the_link_has_its_own_moment(library: ctypes.CDLL) -> None:
    """What comes alone, the other way, may be as late as they for a millisecond; then not."""
    for came_us, may_us in ((700, 400), (1200, 0)):
        with Machine(library, FLAT, super_frames=True, coalesce_ns=400 * US) as machine:
            machine.arm(BEGIN)
            machine.arrive_super(0, *frames_of(Event("super-frame", 0, segments=2, size=100), 1, 0)[:2])
            machine.look()
            for number, at_us in ((1, 200), (2, came_us)):
                machine.clock = BEGIN + at_us * US
                machine.arrive_super(1, *frames_of(Event("super-frame", 0, size=100), number, 0)[:2])
                machine.look()
            machine.clock = BEGIN + (5000 + 154) * US
            machine.look()
            machine.clock = BEGIN + (5000 + 154 + 200) * US
            assert BEGIN + (5000 + 154 + came_us + may_us) * US == machine.look()
            assert [1, 1] == [len(machine.take_super(lane)) for lane in (0, 1)]


def test_a_single_frame_waits_for_nobody(library: ctypes.CDLL) -> None:
    """What came alone leaves when it is due, however long segments may wait."""
    with Machine(library, FLAT, super_frames=True, coalesce_ns=5000 * US) as machine:
        machine.arm(BEGIN)
        for number in (1, 2):
            machine.arrive_super(0, *frames_of(Event("super-frame", 0, size=100), number, 0)[:2])
        machine.look()
        machine.clock = BEGIN + (5000 + 154) * US
        machine.look()
        assert 1 == len(machine.take_super(0))


@pytest.mark.parametrize("virtio", [VIRTIO.pack(0, 3, 54, 100, 0, 0), VIRTIO.pack(0, 1, 54, 0, 0, 0)])
def test_a_super_frame_of_no_known_kind_is_lost_by_the_machine(library: ctypes.CDLL, virtio: bytes) -> None:
    """Fragments of UDP (UFO), and one that does not say how long its segments are; what comes behind gets through."""
    with Machine(library, UNLIMITED, super_frames=True) as machine:
        machine.arm(BEGIN)
        frame = Flow().frame(bytes(300))
        machine.arrive_super(0, frame, virtio)
        machine.arrive_super(0, frame, NO_SUPER_FRAME)
        machine.look()
        machine.clock += 5000 * US
        machine.look()
        counted = machine.counters(0)
        assert (1, 1, 1, 2) == (
            counted.lost_ring, counted.arrived_packets, counted.delivered_packets, counted.in_as_counted
        )  # fmt: skip
        assert [frame] == wire(machine.take_super(0))


def test_without_memory_segments_are_lost_and_the_link_goes_on(library: ctypes.CDLL) -> None:
    """A store that is full loses segments, each counted; what comes after some have left is carried again."""
    with Machine(library, UNLIMITED, super_frames=True, budget_bytes=4 * 2**20) as machine:
        machine.arm(BEGIN)
        flow = Flow()
        frame, virtio = flow.super_frame(bytes(60_000), 1000)
        for _ in range(100):
            machine.arrive_super(0, frame, virtio)
        machine.settle(passes=10_000)
        full = machine.counters(0)
        assert 6000 == full.arrived_packets
        assert 0 < full.lost_memory < 6000
        machine.clock += 5000 * US
        machine.settle(passes=10_000)
        machine.arrive_super(0, frame, virtio)
        machine.settle(passes=10_000)
        machine.clock += 5000 * US
        machine.settle(passes=10_000)
        after = machine.counters(0)
        assert (6060, full.lost_memory) == (after.arrived_packets, after.lost_memory)
        assert after.arrived_packets - after.lost_memory == after.delivered_packets
