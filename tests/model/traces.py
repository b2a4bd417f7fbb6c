"""What may happen to a machine: frames that come, passes of its worker, and stalls between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from hypothesis import strategies as st
from model import worlds
from model.fake_machine import BATCH, BEGIN, NEVER, Machine
from model.halves import impairing

from plctl.agent.native import HalfArguments
from plctl.common.reference.half import Reference

#: When all that will ever leave has left.
END = BEGIN + 1000
US = 1000
CAPACITY = 20

FLAT: HalfArguments = {
    "rows": [(0, 5000 * US, 8_000_000, -1, 0)], "routes": 1, "period_ns": 0, "capacity_unit": "packets",
    "capacity_amount": CAPACITY, "full_frame": 1514, "reconfiguration_ns": 0, "reconfiguration_mode": "gsl",
    "queue": {"name": "droptail"}, "impairments": impairing(), "key": 0,
}  # fmt: skip
#: What the path does to frames behind the bottleneck, `test_differential` tests.
UNIMPAIRED = worlds.arguments(worlds.SMALL, impaired=False)


@dataclass(frozen=True)
class Event:
    """Something that happens `shift` after the event before it."""

    what: Literal["frames", "look", "look blindly", "settle"]
    shift: int
    lane: int = 0
    stray: bool = False
    transport: bool = True
    length: int = 1
    count: int = 1


class Frame(NamedTuple):
    """One that came to a lane."""

    at: int
    length: int
    transport: bool


Came = tuple[list[Frame], list[Frame]]


def events(world: worlds.World) -> st.SearchStrategy[list[Event]]:
    """Frames for both lanes, and now and then a pass of the worker: between those it is stalled."""
    frames = st.builds(
        Event, st.just("frames"), world.shifts, st.integers(0, 1), st.booleans(), st.booleans(), world.lengths,
        st.sampled_from([1, 1, 1, 2, 5, 12]),
    )  # fmt: skip
    passes = st.builds(Event, st.sampled_from(["look", "look blindly", "settle"]), world.shifts)
    return st.lists(st.one_of(frames, frames, passes), max_size=25)


def happen(machine: Machine, trace: Sequence[Event], came: Came) -> None:
    """Let all of it happen, and add what comes to each lane to `came`."""
    for event in trace:
        machine.clock += event.shift
        if event.what == "frames":
            machine.clock += machine.strays  # two ports' frames of one instant have no order
            frame = Frame(machine.clock, event.length, event.transport)
            stray = event.stray and machine.strays
            for _ in range(event.count):
                machine.arrive(event.lane, frame.length, stray=stray, transport=frame.transport)
                came[event.lane].append(frame)
        elif event.what == "settle":
            settle(machine, came)
        else:
            machine.look(asks=event.what == "look")


def settle(machine: Machine, came: Came) -> None:
    """Let the worker do what there is to do by now; each pass takes a whole batch as long as there is one."""
    machine.settle(passes=sum(map(len, came)) // BATCH + 5)


def play(machine: Machine, trace: Sequence[Event]) -> Came:
    """Let all of it happen, then give the worker all the time that it wants; what came to each lane."""
    came: Came = ([], [])
    happen(machine, [*trace, Event("settle", 0), Event("settle", END)], came)
    return came


def modelled(machine: Machine, came: Sequence[Frame]) -> dict[int, tuple[int, ...]]:
    """Number → (verdict, arrival, start, end, due) of what the reference dropped, or has delivered by now."""
    reference = Reference(**machine.arguments)
    if machine.t0 != NEVER:
        reference.arm(machine.t0)
    fates = {}
    for number, frame in enumerate(came, 1):
        verdict, arrival = reference.arrive(frame.at, frame.length)
        if verdict:
            fates[number] = (verdict, arrival, 0, 0, 0)
    delivered = reference.pop(machine.clock)
    for number, dropped, _ in reference.dropped():
        fates[number + 1] = (dropped, came[number].at, 0, 0, 0)
    return fates | {number + 1: (0, *times) for number, *times in delivered}
