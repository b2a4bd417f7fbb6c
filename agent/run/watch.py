"""Whether the forwarder lived through a run: what its workers showed meanwhile, and what was overdue in the end."""

from __future__ import annotations

from collections.abc import Mapping

from plctl.agent.forwarder.data_plane import DataPlane
from plctl.agent.forwarder.worker_watch import Watch
from plctl.agent.run.link import RunLink
from plctl.common.base.clock import Clock
from plctl.common.base.log import EventLog
from plctl.common.base.units import NS_PER_MS, format_duration
from plctl.common.telemetry.witness import WorkerGap, WorkerWatch

#: How often workers are looked at: they keep their last 64 gaps.
LOOK_NS = 100 * NS_PER_MS
#: So many gaps of a worker become events; all are counted.
EVENTS_MAX = 100


class RunWatch:
    """The workers that serve the links of one run."""

    def __init__(self, links: Mapping[str, RunLink], budget_ns: int, clock: Clock, log: EventLog) -> None:
        """Gaps longer than `budget_ns` are told."""
        self._links = links
        self._budget_ns = budget_ns
        self._clock = clock
        self._log = log
        self._forwarder: DataPlane | None = None
        self._t0_ns = 0
        self._watches: dict[int, Watch] = {}
        self._told: dict[int, int] = {}
        self._overdue: dict[str, tuple[int, int]] = {}  #: by link: how many, and for how long the first

    async def begin(self, forwarder: DataPlane, t0_ns: int) -> None:
        """Watch from `t0_ns` on, which is still to come.

        :raises WorldError: the forwarder does not answer.
        """
        await forwarder.watch(self._budget_ns)
        self._forwarder, self._t0_ns = forwarder, t0_ns
        for worker in {forwarder.worker_of(link.slot) for link in self._links.values()}:
            self._watches[worker] = Watch(forwarder.heartbeat(worker), t0_ns, self._budget_ns)

    def look(self) -> None:
        """See how the workers are, and log what is new."""
        for worker, watch in self._watches.items():
            assert self._forwarder is not None
            for gap in watch.look(self._forwarder.heartbeat(worker), self._clock.monotonic_ns()):
                self._tell(worker, gap)

    async def settle(self) -> None:
        """Look a last time, and ask what is overdue.

        :raises WorldError: the forwarder does not answer, or has died.
        """
        self.look()
        if self._forwarder is None:
            return
        slots = [link.slot for link in self._links.values()]
        at_ns = self._clock.monotonic_ns()
        for link, (packets, due_ns) in zip(self._links, await self._forwarder.settle(slots, at_ns), strict=True):
            self._overdue[link] = (packets, at_ns - due_ns if packets else 0)
        self.look()

    def when(self) -> str:
        """Of a forwarder that has died, as the end of a sentence: its last sign of life, if that was after T0."""
        if self._forwarder is None or self._forwarder.lived_until_ns < self._t0_ns:
            return ""
        after = format_duration(self._forwarder.lived_until_ns - self._t0_ns)
        return f"; its last sign of life was {after} after T0"

    def result(self, link: RunLink) -> WorkerWatch | None:
        """What was seen of the worker of `link`; None if nobody looked."""
        if self._forwarder is None or link.slot < 0:
            return None
        return self._watches[self._forwarder.worker_of(link.slot)].result(*self._overdue.get(link.plan.name, (0, 0)))

    def _tell(self, worker: int, gap: WorkerGap) -> None:
        self._told[worker] = told = self._told.get(worker, 0) + 1
        if told <= EVENTS_MAX:
            self._log.emit(
                "worker.stalled",
                worker=worker,
                begin_ns=gap.begin_ns,
                after_t0_ns=gap.begin_ns - self._t0_ns,
                length_ns=gap.length_ns,
                cause="no more of these are told" if told == EVENTS_MAX else "",
            )
