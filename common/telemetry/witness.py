"""What an agent saw of a link's forwarder and interfaces while the run went on, beside what the link counted.

Each class is what one witness of the certificate (`plctl.controller.verdict`) rests on. All times are CLOCK_MONOTONIC
of the agent's host in nanoseconds. Where a `LinkResult` has None instead, nobody watched, and the link is not proven.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WorkerGap:
    """A time in which a worker of the forwarder did nothing although it should have."""

    begin_ns: int
    length_ns: int

    @property
    def end_ns(self) -> int:
        """When it began to work again."""
        return self.begin_ns + self.length_ns


@dataclass(frozen=True, slots=True)
class WorkerWatch:
    """The heartbeat of the worker that served a link."""

    from_ns: int
    until_ns: int
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

    at_ns: int
    interface: str
    what: str  #: "went down", "was deleted", "MTU is 900, was 1500", "qdisc tbf was added" …


@dataclass(frozen=True, slots=True)
class EndBooks:
    """The kernel's counters of one interface over the time of the watch, and what the interface is at its end."""

    interface: str
    rx_packets: int = 0
    tx_packets: int = 0
    rx_dropped: int = 0
    tx_dropped: int = 0
    rx_errors: int = 0
    tx_errors: int = 0
    carrier_changes: int = 0
    present: bool = True
    same_index: bool = True  #: it is the interface that was there at the beginning, not another of its name
    qdisc: str = ""
    xdp: str = ""  #: the program on it, in words; empty: none


@dataclass(frozen=True, slots=True)
class InterfaceWatch:
    """What was seen of the four ends of a link."""

    from_ns: int
    until_ns: int
    changes: tuple[InterfaceChange, ...] = ()
    ends: tuple[EndBooks, ...] = ()
    missed_events: int = 0  #: times that the kernel said it had dropped some for want of room
