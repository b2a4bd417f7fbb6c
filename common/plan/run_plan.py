"""What an agent is told to do: the resolved plan of a run, in plain types that travel as msgpack maps.

The controller makes these from a user's run spec; the agent trusts none of it until `plctl.common.protocol.wire` has
checked it. Durations are integer nanoseconds, sizes bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Literal

from plctl.common.base.names import is_file_name
from plctl.common.base.units import NS_PER_MS, NS_PER_US
from plctl.common.plan.disciplines import Discipline
from plctl.common.plan.impairments import Impairments
from plctl.common.scenario.schedule import Direction, Schedule

#: Bytes of an Ethernet header, which a frame has beyond the MTU.
ETHERNET_HEADER = 14

End = Literal["client", "server"]
#: The most of a frame that a packet log keeps: more than the largest has.
MAX_CAPTURE_BYTES = 65_535
StartMode = Literal["at-t0", "first-packet", "first-transport-packet", "first-large-transport-packet"]
ArpMode = Literal["static", "dynamic"]
#: Whether what the kernel's TCP and UDP send as one frame of up to 64 kB crosses a link so, or in segments.
Offload = Literal["off", "on"]
#: How late a segment may leave for others where nobody has decided.
COALESCE_NS = 50 * NS_PER_US


@dataclass(frozen=True, slots=True)
class Capacity:
    """How much the bottleneck's queue holds. For ``bdp`` the amount is in millionths of the row's rate × 2 × delay."""

    unit: Literal["bytes", "packets", "bdp"] = "bdp"  #: of the amount
    amount: int = 1_000_000  #: bytes, packets, or millionths of the BDP


@dataclass(frozen=True, slots=True)
class Queue:
    """The bottleneck's queueing discipline."""

    discipline: Discipline = "droptail"  #: by its name, as in the run spec
    capacity: Capacity = field(default_factory=Capacity)  #: how much it holds
    parameters: dict[str, int] = field(default_factory=dict)  #: of the discipline, where they are not the defaults


@dataclass(frozen=True, slots=True)
class Reconfiguration:
    """The blackout that a new RouteID brings: its length and whether frames in flight are held up too (``all``)."""

    delay_ns: int = 0  #: of the blackout
    mode: Literal["gsl", "all"] = "gsl"  #: `all`: frames in flight are held up, too


@dataclass(frozen=True, slots=True)
class Ready:
    """The gate of a workload: it counts as ready once this is true in its namespace. Exactly one field is set."""

    tcp: int = 0  #: a TCP socket listens on this port
    udp: int = 0  #: a UDP socket is bound to this port
    file: str = ""  #: this file exists (relative to the folder that the workload runs in)


@dataclass(frozen=True, slots=True)
class Workload:
    """A command that runs in the client's or the server's namespace."""

    name: str  #: unique within its link; names its artifact files
    at: End  #: in whose namespace
    command: tuple[str, ...]  #: argv; placeholders already filled in
    start_ns: int = -1  #: after T0; -1: before T0, during PREPARE
    ready: Ready | None = None  #: what READY waits for; only with `start_ns` = -1
    timeout_ns: int = 0  #: ended (and failed) this long after its start; 0: never
    env: dict[str, str] = field(default_factory=dict)  #: added to its environment
    user: str = ""  #: account to run as; empty: the agent's choice


@dataclass(frozen=True, slots=True)
class LinkPlan:
    """One emulated end-to-end path on one host."""

    name: str  #: unique within the run
    up: Schedule  #: rows from client to server; in run.json the digest of one of `schedules`
    down: Schedule  #: likewise, from server to client
    index: int = 0  #: the number behind the link's name, for `{index}`
    queue: Queue = field(default_factory=Queue)  #: of the bottleneck, in each direction one of its own
    queue_down: Queue | None = None  #: that of the direction down, where it is set up otherwise
    impairments: tuple[Impairments, ...] = ()  #: of the path behind the bottleneck: up, down; one for both; none
    reconfiguration: Reconfiguration = field(default_factory=Reconfiguration)  #: what a new RouteID brings
    overhead_bytes: int = 0  #: added to every frame's length for service and queue
    mtu: int = 1500  #: bytes of the largest IP packet
    start: StartMode = "at-t0"  #: what scenario time begins with
    arp: ArpMode = "static"  #: whether the ends know each other's addresses, or ask for them
    workloads: tuple[Workload, ...] = ()  #: programs at its ends
    packets: bool = False  #: keep a log of every packet
    capture_bytes: int = 0  #: of each frame that are kept beside its record; 0: none
    offload: Offload = "off"  #: `on`: segmentation offload stays on at the ends, and super-frames cross the link
    coalesce_ns: int = COALESCE_NS  #: how late a segment may leave so that others leave with it in one super-frame

    def queue_of(self, direction: Direction) -> Queue:
        """The queue of one direction."""
        return self.queue_down if direction == "down" and self.queue_down else self.queue

    def impairments_of(self, direction: Direction) -> Impairments:
        """The impairments of one direction."""
        if not self.impairments:
            return Impairments()
        return self.impairments[-1 if direction == "down" else 0]

    def logging(self, packets: bool, capture_bytes: int = 0) -> LinkPlan:
        """This plan with the packet log that is asked for, where it is more than what the plan says itself."""
        logged = self.packets or packets or capture_bytes > 0
        return replace(self, packets=logged, capture_bytes=capture_bytes or self.capture_bytes)


@dataclass(frozen=True, slots=True)
class Budget:
    """What a link must keep to be `ok`."""

    lateness_ns: int = 1 * NS_PER_MS  #: p99 of delivery lateness, per direction
    skew_ns: int = 1 * NS_PER_MS  #: how far from T0 a link may start
    workload_ns: int = 50 * NS_PER_MS  #: how much later than planned a workload may be executed


@dataclass(frozen=True, slots=True)
class RunPlan:
    """All links of one run that one agent is to build, and how long they run after T0 (0: until workloads end)."""

    run: str  #: run id, also the epoch of every command of the run
    seed: int
    links: tuple[LinkPlan, ...]
    duration_ns: int = 0
    budget: Budget = field(default_factory=Budget)
    sample_interval_ns: int = 100 * NS_PER_MS  #: telemetry
    socket_stats_ns: int = 0  #: between two looks at the TCP sockets of all clients and servers; 0: none


def find_misnamed(run: str, links: Iterable[LinkPlan]) -> str | None:
    """The first of all names (run, links, workloads) that would lead out of the folder in which it names a file."""
    names = [name for link in links for name in (link.name, *(workload.name for workload in link.workloads))]
    return next((name for name in (run, *names) if not is_file_name(name)), None)


def decisive_workloads(links: Iterable[LinkPlan]) -> set[tuple[str, str]]:
    """The (link, workload) pairs of `links` whose end is the run's: those with a start time, or all if none has one.

    A workload that was started before T0 (a server) serves the others and is ended with them.
    """
    everything = [(link.name, w) for link in links for w in link.workloads]
    timed = {(link, w.name) for link, w in everything if w.start_ns >= 0}
    return timed or {(link, w.name) for link, w in everything}
