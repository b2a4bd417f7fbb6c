"""What a direction of a link counts: declared here, once, for C, the wire, columns, results, views and documents.

To add a counter, add its line to `HalfCounters`, run `make build`, and count it in C by its name in capitals. All the
rest follows: `enum counter` and the shared memory (setup.py writes agent/native/shared/counters.h from this module),
samples and their columns, `DirectionResult`, the live view, `plctl why`, the report, the reference. Who judges or shows
a link does not name single counters: each belongs to a group, and groups are what verdicts speak of.

This module imports nothing of plctl, so that setup.py can run it before plctl is installed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Final, NamedTuple

__all__ = ["CAUSES", "COUNTERS", "GAUGES", "Counter", "CounterGroup", "HalfCounters", "HalfCounts", "total"]


class CounterGroup(StrEnum):
    """What became of a frame, as far as a verdict is concerned."""

    ARRIVED = "arrived"  #: came to the model
    SERVED = "served"  #: by the bottleneck
    DELIVERED = "delivered"  #: left the link
    DROPPED = "dropped"  #: by the emulated path, as the scenario asked
    MARKED = "marked"  #: told by the emulated path that it is congested (ECN)
    DUPLICATED = "duplicated"  #: made by the emulated path of others
    CORRUPTED = "corrupted"  #: changed by the emulated path
    LOST = "lost"  #: by the machine, which the scenario did not ask for
    COUNTED = "counted"  #: as the kernel counts at the link's ends, where a super-frame is one


class Counter(NamedTuple):
    """One counter: frames, or their bytes without FCS and without the link's overhead."""

    name: str
    unit: str  #: packets or bytes
    group: CounterGroup
    doc: str
    cause: str  #: why a frame was dropped or lost, in a word or two; empty in other groups
    arrived: bool  #: it counts frames that had arrived before
    logged: int | None  #: the verdict in the packet log of what it counts, for ever the same; None: it logs nothing

    @property
    def verdict(self) -> str:
        """The name of that verdict: of `dropped_queue_full_packets`, `queue_full`."""
        return self.name.removeprefix("dropped_").removesuffix("_packets")


def _packets(group: str, doc: str, cause: str = "", logged: int | None = None) -> int:
    return field(default=0, metadata={"counter": ("packets", CounterGroup(group), doc, cause, True, logged)})


def _missed(group: str, doc: str, cause: str) -> int:
    """Packets that never arrived."""
    return field(default=0, metadata={"counter": ("packets", CounterGroup(group), doc, cause, False, None)})


def _as_counted(doc: str) -> int:
    """Frames again, by the kernel's way of counting."""
    return field(default=0, metadata={"counter": ("packets", CounterGroup.COUNTED, doc, "", False, None)})


def _bytes(group: str, doc: str) -> int:
    return field(default=0, metadata={"counter": ("bytes", CounterGroup(group), doc, "", True, None)})


@dataclass(frozen=True, slots=True)
class HalfCounters:
    """One direction of a link: how many, since some moment. In the order of `enum counter` in C."""

    arrived_packets: int = _packets("arrived", "Frames that arrived.")
    arrived_bytes: int = _bytes("arrived", "Their bytes.")
    served_packets: int = _packets("served", "Frames that went through the bottleneck: what the path carried.")
    served_bytes: int = _bytes("served", "Their bytes.")
    delivered_packets: int = _packets("delivered", "Frames that left the link.")
    delivered_bytes: int = _bytes("delivered", "Their bytes.")
    dropped_queue_full_packets: int = _packets("dropped", "The emulated queue had no room for them.", "queue full", 1)
    dropped_queue_full_bytes: int = _bytes("dropped", "Their bytes.")
    dropped_aqm_packets: int = _packets(
        "dropped", "Dropped so that the emulated queue stays short.", "queue management", 2
    )
    dropped_aqm_bytes: int = _bytes("dropped", "Their bytes.")
    dropped_random_loss_packets: int = _packets("dropped", "The path lost them at random.", "random loss", 16)
    dropped_random_loss_bytes: int = _bytes("dropped", "Their bytes.")
    duplicated_packets: int = _packets("duplicated", "Copies that the path made.")
    corrupted_packets: int = _packets("corrupted", "In which the path flipped a bit.")
    ce_marked_packets: int = _packets("marked", "On which the emulated queue set CE, in place of dropping them.")
    lost_ring: int = _missed("lost", "They found the receive ring full, or were longer than the MTU.", "receive ring")
    lost_send: int = _packets("lost", "The kernel would not send them.", "send", 129)
    lost_memory: int = _packets("lost", "There was no memory for them.", "memory", 128)
    lost_late: int = _packets("lost", "Seen late and dropped, and might have been admitted else.", "seen late", 130)
    in_as_counted: int = _as_counted(
        "What came in, or was lost on the way, as the kernel counts it: a super-frame is one."
    )
    out_as_counted: int = _as_counted("What the kernel was given to deliver, as it counts: a super-frame is one.")

    @property
    def dropped(self) -> int:
        """Frames that the emulated path dropped, as the scenario asked, whatever the cause."""
        return self.total(CounterGroup.DROPPED)

    @property
    def lost(self) -> int:
        """Frames that the machine lost, whatever the cause."""
        return self.total(CounterGroup.LOST)

    def total(self, group: CounterGroup) -> int:
        """Frames of `group`, whatever the cause."""
        return sum(getattr(self, name) for name in CAUSES[group])

    def causes(self, group: CounterGroup) -> str:
        """Why frames came into `group`, those without any left out: ``receive ring 3, memory 1``."""
        found = ((cause, getattr(self, name)) for name, cause in CAUSES[group].items())
        return ", ".join(f"{cause} {count}" for cause, count in found if count)

    def since(self, before: HalfCounters) -> dict[str, int]:
        """What was counted since the reading `before`, by the counters' names."""
        return {name: getattr(self, name) - getattr(before, name) for name in COUNTERS}


@dataclass(frozen=True, slots=True)
class HalfCounts(HalfCounters):
    """One direction of a link: its counters, and its state at some moment."""

    queue_bytes: int = 0  #: the bottleneck's backlog, queued and in service, overhead included
    queue_packets: int = 0  #: the same
    in_flight_packets: int = 0  #: served, not yet delivered
    aqm_ppm: int = 0  #: with which probability the queue's discipline drops or marks, in millionths
    aqm_average_bytes: int = 0  #: the average length of the queue by which RED decides; 0 for other disciplines
    row: int = 0  #: index of the row in force

    @property
    def inside_packets(self) -> int:
        """Arrived, and neither delivered nor dropped nor lost yet."""
        return self.queue_packets + self.in_flight_packets

    @property
    def unaccounted_packets(self) -> int:
        """Of those that arrived, the frames of which nobody knows what became: in every reading, 0."""
        left: int = sum(sign * getattr(self, name) for name, sign in BALANCE.items())
        return left - self.inside_packets


#: name → counter, in the order of C.
COUNTERS: Final[dict[str, Counter]] = {
    each.name: Counter(each.name, *each.metadata["counter"]) for each in fields(HalfCounters)
}
#: The names of what is not counted but is the case at a moment, in the order of C, which has them after the counters.
GAUGES: Final = tuple(each.name for each in fields(HalfCounts) if each.name not in COUNTERS)
#: group → name of a counter of packets → cause.
CAUSES: Final[dict[CounterGroup, dict[str, str]]] = {
    group: {each.name: each.cause for each in COUNTERS.values() if each.group == group and each.unit == "packets"}
    for group in CounterGroup
}
_SIGNS = {
    CounterGroup.ARRIVED: 1,
    CounterGroup.DUPLICATED: 1,
    CounterGroup.DELIVERED: -1,
    CounterGroup.DROPPED: -1,
    CounterGroup.LOST: -1,
}
#: What came into a link (+1) and what has gone since (−1); the rest is inside.
BALANCE: Final[dict[str, int]] = {
    each.name: _SIGNS[each.group]
    for each in COUNTERS.values()
    if each.unit == "packets" and each.arrived and each.group in _SIGNS
}


def total(counts: Mapping[str, int], group: CounterGroup) -> int:
    """Frames of `group` in `counts`, by the counters' names, of which some may be missing."""
    return sum(counts.get(name, 0) for name in CAUSES[group])
