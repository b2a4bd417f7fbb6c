"""A host that is not there, as the site of runs: builds nothing, reports synthetic telemetry, and says so.

For trying a controller. Everything else is as on a real host: the protocol's shell, the run's, its machine, the clock.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from plctl.agent.run import machine as am
from plctl.agent.run.shell import RunShell
from plctl.agent.service.site import AgentServices, MakeRun
from plctl.agent.simulated.synthetic_telemetry import SyntheticTelemetry
from plctl.agent.telemetry.sampler import BATCH_NS, first_batch_ns
from plctl.common.base.errors import UserError, WorldError
from plctl.common.plan.link_change import (
    AppliedChange,
    applied,
    changed_plan,
    check_change,
    facts_of,
    free_instant,
)
from plctl.common.plan.run_plan import LinkPlan, Workload
from plctl.common.protocol import messages as m

#: What a simulated host has room for, for each of its links: any scenario that a real host could carry.
LINK_MEMORY_BYTES = 2**30
LINK_PACKETS_PER_S = 2_000_000
_CHECK = "simulated: nothing was built, so nothing was checked"


class SimulatedSite:
    """A host with room for `links` links, which all do as they are asked."""

    simulated = True

    def __init__(self, links: int) -> None:
        self._links = links

    @asynccontextmanager
    async def open(self, services: AgentServices) -> AsyncIterator[MakeRun]:
        """Be ready for runs; there is nothing to make or to take away."""
        yield lambda prepare, prepare_id: SimulatedRun(prepare, prepare_id, services, self._links)

    def take_lost(self) -> dict[str, tuple[str, ...]]:
        """There was nothing."""
        return {}

    def show(self, *, serving: bool, runs: tuple[str, ...]) -> None:
        """There is no host to show it to."""

    async def tend(self) -> None:
        """There is nothing to tend."""
        await asyncio.Event().wait()  # for ever

    def facts(self) -> dict[str, str]:
        """Only that there is no host to tell of."""
        return {"simulated": "yes: no link is built, and telemetry is synthetic", "links": str(self._links)}

    def capacity(self) -> m.HostCapacity:
        """Room for so many links, whatever they are."""
        return m.HostCapacity(self._links * LINK_MEMORY_BYTES, self._links * LINK_PACKETS_PER_S, self._links)

    def free_bytes(self) -> int:
        """As much as ever: nothing is taken."""
        return self._links * LINK_MEMORY_BYTES


class SimulatedRun(RunShell):
    """One run on a host that is not there."""

    def __init__(self, prepare: m.Prepare, prepare_id: int, services: AgentServices, room: int) -> None:
        """Links beyond `room` cannot be prepared."""
        super().__init__(prepare, prepare_id, services)
        self._room = room
        self._numbers = {link.name: number for number, link in enumerate(prepare.plan.links)}
        self._plans = {link.name: link for link in prepare.plan.links}
        self._start_ns = 0
        self._telemetry = SyntheticTelemetry(prepare.plan)

    async def _prepare(self, link: LinkPlan) -> am.LinkPrepared:
        if self._numbers[link.name] >= self._room:
            raise WorldError(f"this simulated host has room for {self._room} links")
        return am.LinkPrepared(link.name, check=_CHECK)

    async def _start(self, t0_ns: int) -> tuple[m.LinkStart, ...]:
        await self._services.clock.sleep_until(t0_ns)
        self._start_ns = t0_ns
        self._telemetry.start(t0_ns)
        self._spawn(self._sample_for_ever(t0_ns))
        for link in self._plan.links:
            for workload in link.workloads:
                self._spawn(self._end_workload(link.name, workload, t0_ns))
        return tuple(m.LinkStart(link.name, t0_ns, t0_ns) for link in self._plan.links)

    async def _end_workload(self, link: str, workload: Workload, t0_ns: int) -> None:
        """A workload that has a start ends at once, as one that does nothing would."""
        if workload.start_ns >= 0:
            await self._services.clock.sleep_until(t0_ns + workload.start_ns)
            self._tell(am.WorkloadEnded(link, workload.name))

    async def _sample_for_ever(self, t0_ns: int) -> None:
        at_ns = t0_ns + first_batch_ns(self._services.name)
        while self._is_going_on():
            await self._services.clock.sleep_until(at_ns)
            if self._is_going_on():
                await self._send_samples()
            at_ns += BATCH_NS

    async def _send_samples(self) -> None:
        samples = self._telemetry.batch(self._services.clock.monotonic_ns())
        if len(samples):
            offset_ns = self._reports.offset_ns() or 0  # known, or there would have been no start
            make = partial(m.Telemetry, offset_ns=offset_ns, links=samples.links, columns=dict(samples.columns))
            await self._reports.report(make, expendable=True)

    async def _change(self, wanted: m.ApplyChange) -> AppliedChange:
        """At once, as there is nothing that could be in its way."""
        if not (plan := self._plans.get(wanted.link)):
            raise UserError(f"there is no link {wanted.link!r:.80} of this run here")
        check_change(plan, wanted.change)
        now_ns = self._services.clock.monotonic_ns()
        at_ns = free_instant(plan, max(1, now_ns - self._start_ns))
        done = applied(plan, wanted.change, at_ns, wanted.by)
        self._plans[wanted.link] = plan = changed_plan(plan, wanted.change, at_ns)
        self._telemetry.follow(self._numbers[wanted.link], plan, now_ns)
        self._log.emit("scenario.changed", link=wanted.link, t_ns=self._start_ns + at_ns, **facts_of(done))
        return done

    async def _idle_servers(self, workloads: frozenset[tuple[str, str]]) -> frozenset[tuple[str, str]]:
        return workloads  # none of them does anything

    async def _rest(self, cause: str) -> m.Finished:
        await self._send_samples()
        halves = self._telemetry.results()
        return m.Finished(
            tuple(
                m.LinkResult(link.name, up, down, _workloads(link.workloads), cause)
                for link, (up, down) in zip(self._plan.links, halves, strict=True)
            )
        )

    async def _take_away(self) -> list[str]:
        return []


def _workloads(workloads: tuple[Workload, ...]) -> tuple[m.WorkloadResult, ...]:
    return tuple(m.WorkloadResult(each.name, each.at, 0) for each in workloads)
