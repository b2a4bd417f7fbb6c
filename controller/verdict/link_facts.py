"""Everything that a link is judged by, gathered from what the agent reported and what the controller knows."""

from __future__ import annotations

from dataclasses import dataclass, field

from plctl.common.protocol.messages import WorkloadResult
from plctl.common.scenario.schedule import Direction
from plctl.common.telemetry.witness import InterfaceWatch, WorkerWatch


@dataclass(frozen=True, slots=True)
class HalfFacts:
    """What one direction of a link did, over the whole run. Fields are named as those of `DirectionResult`."""

    lateness_p99_ns: int = -1  #: of delivery; −1: nothing was delivered, so nothing was late
    lost_ring: int = 0  #: frames that overran the receive ring
    lost_send: int = 0  #: frames that the kernel refused to send
    lost_memory: int = 0  #: frames for which the forwarder had no memory left
    lost_late: int = 0  #: frames that the model saw late and dropped, and might have admitted when they came
    lateness_packets: int = 0  #: that the percentiles rest on
    late_packets: int | None = None  #: of those, later than the budget; None: not told
    arrived_packets: int = 0
    delivered_packets: int = 0
    dropped_queue_full_packets: int = 0  #: as the scenario asked
    lateness_max_ns: int = -1  #: −1: nothing was delivered
    packet_log_lost: int = 0  #: records for which the packet log had no room

    @property
    def lost(self) -> int:
        """Frames that the machine lost, whatever the cause."""
        return self.lost_ring + self.lost_send + self.lost_memory + self.lost_late


@dataclass(frozen=True, slots=True)
class LinkFacts:
    """Everything that a link's judgement needs. All times are in the clock of the link's agent.

    `planned_ns` is T0, but None for a link that starts with traffic instead; `started_ns` is None if it never did.
    A workload that plctl itself ended, because the run was over or cancelled, has not failed.
    """

    failure: str | None = None  #: the first cause, as a sentence
    cancelled: bool = False
    workloads: tuple[WorkloadResult, ...] = ()
    duration_ns: int = 0  #: that the run was to last after T0; 0: until the workloads ended
    t0_ns: int | None = None
    planned_ns: int | None = None
    started_ns: int | None = None
    clock_bound_ns: int | None = None  #: how far the agent's idea of T0 may be from the controller's; None: not known
    clock_source: str = ""  #: who says so
    simulated: bool = False  #: nothing was built, all figures are synthetic
    reported: bool = True  #: what became of the link came from its host
    from_ns: int | None = None  #: of the counters; None: not known
    until_ns: int | None = None
    up: HalfFacts = field(default_factory=HalfFacts)
    down: HalfFacts = field(default_factory=HalfFacts)
    packet_log: bool = False  #: one was asked for
    limits: tuple[str, ...] = ()  #: that the agent hit, a sentence each
    worker: WorkerWatch | None = None
    interfaces: InterfaceWatch | None = None

    @property
    def halves(self) -> tuple[tuple[Direction, HalfFacts], ...]:
        """Both directions with their names, in the order of every pair in plctl."""
        return (("up", self.up), ("down", self.down))
