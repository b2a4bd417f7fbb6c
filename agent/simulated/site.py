"""A host that is not there, as the site of runs: builds nothing, reports synthetic telemetry, and says so.

For trying a controller. Everything else is as on a real host: the protocol's shell, the run's state machine, the clock.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from plctl.agent.run import machine as am
from plctl.agent.service.site import AgentServices, MakeRun
from plctl.agent.simulated.synthetic_telemetry import SyntheticTelemetry
from plctl.agent.telemetry.sampler import BATCH_NS, first_batch_ns
from plctl.common.plan.run_plan import Workload
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


class SimulatedRun:
    """One run on a host that is not there, from PREPARE to RELEASED."""

    def __init__(self, prepare: m.Prepare, prepare_id: int, services: AgentServices, room: int) -> None:
        """Links beyond `room` cannot be prepared."""
        self._plan = prepare.plan
        self._services = services
        self._room = room
        self._machine = am.AgentRunMachine(prepare, prepare_id)
        self._gap_ns = prepare.exchange_gap_ns
        self._telemetry = SyntheticTelemetry(prepare.plan)
        self._t0_ns = 0  #: on the controller's clock
        self._tasks: set[asyncio.Task[None]] = set()
        self._released = asyncio.Event()

    async def begin(self) -> None:
        """Start with PREPARE."""
        await self._execute(self._machine.begin())

    async def command(self, envelope: m.Envelope) -> None:
        """Obey a command of this run, or refuse it by name."""
        message = envelope.message
        assert isinstance(message, m.Arm | m.Commit | m.Stop | m.Release)
        event = am.Commanded(envelope.id, message)
        if isinstance(message, m.Arm):
            self._spawn(self._arm(event, message.t0_ns))
        else:
            await self._handle(event)

    async def abandon(self) -> None:
        """Forget the run."""
        if self._machine.phase not in (am.AgentPhase.RELEASING, am.AgentPhase.RELEASED):
            await self._handle(am.Commanded(0, m.Release()))
        await self._released.wait()

    # --- events and instructions

    async def _handle(self, event: am.Event) -> None:
        await self._execute(self._machine.handle(event, self._services.clock.monotonic_ns()))

    async def _execute(self, instructions: list[am.Instruction]) -> None:
        for instruction in instructions:
            await self._carry_out(instruction)

    async def _carry_out(self, instruction: am.Instruction) -> None:
        match instruction:
            case am.ReadClock(exchanges, gap_ns):
                self._spawn(self._read_clock(exchanges, gap_ns))
            case am.PrepareLink(link):
                await self._handle(self._prepared(link.name))
            case am.Reply(to, message):
                await self._services.reply(to, message, self._plan.run)
            case am.StartLinks(t0_ns):
                self._spawn(self._start(t0_ns))
            case am.SetEnd(at_ns):
                self._spawn(self._end_at(at_ns, am.TimeOver()))
            case am.Rest(cause):
                await self._rest(cause)
            case am.SendReport(finished):
                await self._report(partial(m.Report, finished=finished))
            case am.TearDown():
                for task in self._tasks - {asyncio.current_task()}:
                    task.cancel()
                self._released.set()
                await self._handle(am.TornDown())

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # --- what a host would do

    def _prepared(self, link: str) -> am.LinkPrepared:
        number = next(i for i, each in enumerate(self._plan.links) if each.name == link)
        full = f"this simulated host has room for {self._room} links" if number >= self._room else ""
        return am.LinkPrepared(link, full, "" if full else _CHECK)

    async def _read_clock(self, exchanges: int, gap_ns: int) -> None:
        await self._services.keeper.burst(exchanges=exchanges, gap_ns=gap_ns)
        await self._handle(am.ClockRead())

    async def _arm(self, event: am.Commanded, t0_ns: int) -> None:
        """As a real host does: look what time it is at the controller, then answer."""
        self._t0_ns = t0_ns
        keeper = self._services.keeper
        await keeper.burst(gap_ns=self._gap_ns)
        t0, source = keeper.to_agent(t0_ns), keeper.source
        await self._execute(self._machine.arm(event, t0, source, self._services.clock.monotonic_ns()))

    async def _start(self, t0_ns: int) -> None:
        await self._services.clock.sleep_until(t0_ns)
        self._telemetry.start(t0_ns)
        self._spawn(self._sample_for_ever(t0_ns))
        starts = tuple(m.LinkStart(link.name, t0_ns, t0_ns) for link in self._plan.links)
        await self._services.keeper.burst(gap_ns=self._gap_ns)
        await self._handle(am.Began(starts, self._services.keeper.error_ns(self._t0_ns, t0_ns, t0_ns)))
        for link in self._plan.links:
            for workload in link.workloads:
                self._spawn(self._end_workload(link.name, workload, t0_ns))

    async def _end_workload(self, link: str, workload: Workload, t0_ns: int) -> None:
        """A workload that has a start ends at once, as one that does nothing would."""
        if workload.start_ns >= 0:
            await self._end_at(t0_ns + workload.start_ns, am.WorkloadEnded(link, workload.name))

    async def _end_at(self, at_ns: int, event: am.Event) -> None:
        await self._services.clock.sleep_until(at_ns)
        await self._handle(event)

    async def _sample_for_ever(self, t0_ns: int) -> None:
        at_ns = t0_ns + first_batch_ns(self._services.name)
        while self._machine.phase in (am.AgentPhase.COMMITTED, am.AgentPhase.RUNNING):
            await self._services.clock.sleep_until(at_ns)
            if self._machine.phase in (am.AgentPhase.COMMITTED, am.AgentPhase.RUNNING):
                await self._send_samples()
            at_ns += BATCH_NS

    async def _send_samples(self) -> None:
        samples = self._telemetry.batch(self._services.clock.monotonic_ns())
        if len(samples):
            offset_ns = self._services.keeper.offset_ns or 0  # known, or there would have been no start
            make = partial(m.Telemetry, offset_ns=offset_ns, links=samples.links, columns=dict(samples.columns))
            await self._report(make, expendable=True)

    async def _rest(self, cause: str) -> None:
        await self._send_samples()
        halves = self._telemetry.results()
        results = tuple(
            m.LinkResult(link.name, up, down, _workloads(link.workloads), cause)
            for link, (up, down) in zip(self._plan.links, halves, strict=True)
        )
        await self._handle(am.Rested(m.Finished(results)))

    async def _report(self, make: Any, *, expendable: bool = False) -> None:
        await self._services.report(make, self._plan.run, expendable)


def _workloads(workloads: tuple[Workload, ...]) -> tuple[m.WorkloadResult, ...]:
    return tuple(m.WorkloadResult(each.name, each.at, 0) for each in workloads)
