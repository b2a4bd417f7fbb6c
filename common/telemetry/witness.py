"""What an agent saw of a link's forwarder and interfaces while the run went on, beside what the link counted.

Each class is what one witness of the certificate (`plctl.controller.verdict`) rests on. All times are CLOCK_MONOTONIC
of the agent's host in nanoseconds. Where a `LinkResult` has None instead, nobody watched, and the link is not proven.
"""

from __future__ import annotations

from dataclasses import dataclass

from plctl.common.scenario.schedule import Direction


@dataclass(frozen=True, slots=True)
class WorkerGap:
    """A time in which a worker of the forwarder did nothing although it should have."""

    begin_ns: int  #: when it should have worked
    length_ns: int  #: until it did

    @property
    def end_ns(self) -> int:
        """When it began to work again."""
        return self.begin_ns + self.length_ns


@dataclass(frozen=True, slots=True)
class WorkerWatch:
    """The heartbeat of the worker that served a link."""

    from_ns: int  #: when the watch began
    until_ns: int  #: when it ended
    passes: int  #: of its loop
    greatest_gap_ns: int  #: between two of them, when it should not have slept longer
    gaps: tuple[WorkerGap, ...] = ()  #: those over the budget of lateness, the longest few in order of time
    gap_count: int = 0  #: all of those
    stalled_ns: int = 0  #: all of those together, to within 4 %
    overdue_packets: int = 0  #: inside at the end although they were due
    overdue_ns: int = 0  #: since when the oldest of them was, at the end


@dataclass(frozen=True, slots=True)
class InterfaceChange:
    """What the kernel told of an interface while the link ran."""

    at_ns: int  #: when the kernel told of it
    interface: str  #: `veth1`, `sim-veth1`, `sim-veth2` or `veth2`
    what: str  #: "went down", "was deleted", "has MTU 900 instead of 1500", "was given qdisc tbf" …
    gone: bool = False  #: from then on the interface carried nothing: it was deleted, or moved elsewhere
    falsifies: bool = False  #: an offload was switched on: from then on it may hand over what no wire would carry


@dataclass(frozen=True, slots=True)
class EndBooks:
    """The kernel's counters of one interface since it was made, and what the interface is at the end of the watch."""

    interface: str  #: its name
    rx_packets: int = 0  #: frames received
    tx_packets: int = 0  #: frames sent, that is, received by the other end of the veth
    rx_dropped: int = 0  #: of those received; also frames of a protocol that nobody here speaks
    tx_dropped: int = 0  #: frames that the other end of the veth refused
    rx_errors: int = 0  #: as the kernel counts them
    tx_errors: int = 0  #: as the kernel counts them
    carrier_changes: int = 0  #: how often it went up or down
    present: bool = True  #: it is there at the end
    same_index: bool = True  #: it is the interface that was there at the beginning, not another of its name
    qdisc: str = ""  #: its root queue discipline
    xdp: str = ""  #: the program on it, in words; empty: none
    ingress_drops: int = 0  #: frames that tc dropped as they came in
    egress_drops: int = 0  #: frames that tc dropped before they went out


@dataclass(frozen=True, slots=True)
class Passage:
    """One direction of a link since it was built: what the kernel counted at its ends, and the forwarder inside.

    Below 0 missing: so many more came out than went in, which somebody else sent.
    """

    direction: Direction  #: `up` or `down`
    sent_packets: int  #: by the outer end, into the link
    refused_packets: int  #: that the outer end could not hand over to its twin; not among those sent
    arrived_packets: int  #: at the forwarder
    lost_ring: int  #: that the forwarder knows to have missed
    delivered_packets: int  #: by the forwarder
    received_packets: int  #: by the other outer end
    missing_in: int  #: sent, and neither arrived nor known to be missed
    missing_out: int  #: delivered, and not received


@dataclass(frozen=True, slots=True)
class InterfaceWatch:
    """What was seen of the four ends of a link."""

    from_ns: int  #: when the watch began
    until_ns: int  #: when it ended
    changes: tuple[InterfaceChange, ...] = ()  #: the first few, and the last of each interface, if there were more
    more_changes: int = 0  #: beyond the first few
    ends: tuple[EndBooks, ...] = ()  #: counters of the four ends
    passages: tuple[Passage, ...] = ()  #: of the directions whose ends are all there
    settled: bool = True  #: no frame passed any more when the counters were compared
    missed_events: int = 0  #: times that the kernel said it had dropped some for want of room
