"""Everything that a link is judged by, gathered from what the agent reported and what the controller knows."""

from __future__ import annotations

from dataclasses import dataclass, field

from plctl.common.protocol.messages import DirectionResult, WorkloadResult
from plctl.common.scenario.schedule import Direction
from plctl.common.telemetry.witness import InterfaceWatch, WorkerWatch


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
    up: DirectionResult = field(default_factory=DirectionResult)
    down: DirectionResult = field(default_factory=DirectionResult)
    packet_log: bool = False  #: one was asked for
    super_frames: bool = False  #: the link carries them, and the kernel counts each as one frame
    limits: tuple[str, ...] = ()  #: that the agent hit, a sentence each
    worker: WorkerWatch | None = None
    interfaces: InterfaceWatch | None = None

    @property
    def halves(self) -> tuple[tuple[Direction, DirectionResult], ...]:
        """Both directions with their names, in the order of every pair in plctl."""
        return (("up", self.up), ("down", self.down))
