"""One link of a run on this host: what there is of it, and what became of it in the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from plctl.agent.forwarder.packet_log import PacketLog
from plctl.agent.kernel.link_names import LinkNamespaces
from plctl.agent.telemetry.socket_stats import LinkSockets
from plctl.agent.watch.ends_watch import EndsWatch
from plctl.agent.workload.workload import WorkloadProcess
from plctl.common.plan.run_plan import Budget, LinkPlan
from plctl.common.protocol.messages import DirectionResult, LinkResult
from plctl.common.telemetry.samples import HalfStats, LinkStats
from plctl.common.telemetry.witness import WorkerWatch


@dataclass(slots=True)
class RunLink:
    """A link that is being built, running or being taken away."""

    plan: LinkPlan
    namespaces: LinkNamespaces
    slot: int = -1
    io: str = ""  #: what carries its frames
    log: PacketLog | None = None  #: if the plan asks for it; the forwarder's
    sockets: LinkSockets | None = None  #: if the plan asks for them
    ends: EndsWatch | None = None  #: since its self-check
    baseline: LinkStats | None = None  #: at T0; what came before is not the run's
    baseline_ns: int | None = None  #: when it was read, on this host's clock
    latest: LinkStats | None = None
    latest_ns: int | None = None
    scenario_told: bool = False  #: that its traffic has started its scenario
    workloads: dict[str, WorkloadProcess] = field(default_factory=dict)

    def begin_with(self, up: Sequence[int], down: Sequence[int]) -> None:
        """Those were its counters at T0, in the order of C."""
        assert self.baseline is not None
        halves = ((self.baseline.up, up), (self.baseline.down, down))
        was_up, was_down = (HalfStats.of(counts, half.lateness, half.transit) for half, counts in halves)
        self.baseline = replace(self.baseline, up=was_up, down=was_down)

    def result(
        self, cause: str, worker: WorkerWatch | None, budget: Budget, dead_since_ns: int | None = None
    ) -> LinkResult:
        """What became of it since T0; `cause` is why it failed, `dead_since_ns` when its forwarder died, if so."""
        baseline, latest = self.baseline or LinkStats(), self.latest or LinkStats()
        logs = [_log_losses(self.log, way) for way in (0, 1)]
        return LinkResult(
            link=self.plan.name,
            up=replace(_direction_result(baseline.up, latest.up, budget), **logs[0]),
            down=replace(_direction_result(baseline.down, latest.down, budget), **logs[1]),
            workloads=tuple(process.result() for process in self.workloads.values()),
            cause=cause,
            scenario_start_ns=latest.t0_ns if latest.started_ns else 0,
            from_ns=self.baseline_ns,
            until_ns=self.latest_ns,
            worker=worker,
            interfaces=self.ends.result(dead_since_ns) if self.ends else None,
        )


def _log_losses(log: PacketLog | None, way: int) -> dict[str, int]:
    return {"packet_log_lost": log.lost()[way], "capture_lost": log.capture_lost()[way]} if log else {}


def _direction_result(before: HalfStats, after: HalfStats, budget: Budget) -> DirectionResult:
    lateness = after.lateness.minus(before.lateness)
    return DirectionResult(
        **after.since(before),
        lateness_p50_ns=lateness.percentile(50) if lateness.count else -1,
        lateness_p99_ns=lateness.percentile(99) if lateness.count else -1,
        lateness_max_ns=lateness.max if lateness.count else -1,
        lateness_packets=lateness.count,
        late_packets=lateness.count_above(budget.lateness_ns),
    )
