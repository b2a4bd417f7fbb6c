"""Carries one run on whatever site: does what the agent's machine decides, keeps its tasks, and reads the clocks.

A site says only how its links are prepared, started, brought to rest and taken away. All else is the same on each.
"""

from __future__ import annotations

import asyncio
import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from plctl.agent.run import machine as am
from plctl.agent.run.reports import RunReports
from plctl.agent.service.clock_keeper import PATIENCE_NS
from plctl.agent.service.site import AgentServices
from plctl.common.base.background import background
from plctl.common.base.errors import KernelError, PlctlError, ProtocolError
from plctl.common.base.threads import explained
from plctl.common.plan.link_change import AppliedChange
from plctl.common.plan.run_plan import LinkPlan
from plctl.common.protocol import messages as m

#: What a step asks the machine at that moment (this host's clock), and gets to do.
Decide = Callable[[int], list[am.Instruction]]


class RunShell(ABC):
    """One run, from PREPARE to RELEASED. What happens is handled one after the other, as it is told."""

    def __init__(self, prepare: m.Prepare, prepare_id: int, services: AgentServices) -> None:
        self._plan = prepare.plan
        self._services = services
        self._machine = am.AgentRunMachine(prepare, prepare_id)
        self._gap_ns = prepare.exchange_gap_ns  #: between readings of the controller's clock, which others read, too
        self._reports = RunReports(prepare.plan.run, services)
        self._log = self._reports.log
        self._t0_ns = 0  #: on the controller's clock
        self._decisions: asyncio.Queue[Decide] = asyncio.Queue()
        self._tasks: asyncio.TaskGroup
        self._preparing: asyncio.Task[None]
        self._taken_away = asyncio.Event()

    # --- what the agent asks

    async def carry(self) -> None:
        """Carry the run from PREPARE until nothing of it is left here."""
        try:
            async with background() as self._tasks:
                self._preparing = self._spawn(self._prepare_all())
                while not self._machine.over:
                    decide = await self._decisions.get()
                    await self._guard(self._execute(decide))
        finally:
            self._taken_away.set()

    async def command(self, envelope: m.Envelope) -> None:
        """Obey a command of this run, or refuse it by name."""
        message = envelope.message
        assert isinstance(message, m.Arm | m.Commit | m.ApplyChange | m.Stop | m.Release)
        event = am.Commanded(envelope.id, message)
        if isinstance(message, m.Arm):
            self._decisions.put_nowait(partial(self._look_up_t0, event, message.t0_ns))
        else:
            self._tell(event)

    async def abandon(self, cause: str) -> None:
        """The agent leaves: take everything of the run away without being told; `cause` is for what is still asked."""
        self._tell(am.AgentLeaves(cause))
        await self._taken_away.wait()

    # --- what a site does

    @abstractmethod
    async def _prepare(self, link: LinkPlan) -> am.LinkPrepared:
        """Make the link ready for T0; what prevents that is the cause in what is returned, or a PlctlError."""

    @abstractmethod
    async def _start(self, t0_ns: int) -> tuple[m.LinkStart, ...]:
        """Start every link at `t0_ns` (this host's clock); once that has passed, when each really started."""

    @abstractmethod
    async def _change(self, wanted: m.ApplyChange) -> AppliedChange:
        """Change a link of the run while it runs; since when that holds. What prevents it is a PlctlError."""

    @abstractmethod
    async def _idle_servers(self, workloads: frozenset[tuple[str, str]]) -> frozenset[tuple[str, str]]:
        """Those of these (link, workload) pairs that do nothing but wait for clients."""

    @abstractmethod
    async def _rest(self, cause: str) -> m.Finished:
        """End what still runs and report everything; `cause` is why the links failed, if they did."""

    @abstractmethod
    async def _take_away(self) -> list[str]:
        """Remove everything of the run, in any state; the causes of what resisted."""

    def _facts(self) -> dict[str, str]:
        """What run.json is to say of this host beside HELLO."""
        return {}

    # --- events and instructions

    def _tell(self, event: am.Event) -> None:
        """Something has happened: the machine decides what follows, after what was told before."""
        self._decisions.put_nowait(partial(self._machine.handle, event))

    def _is_going_on(self) -> bool:
        return self._machine.phase in (am.AgentPhase.COMMITTED, am.AgentPhase.RUNNING)

    async def _execute(self, decide: Decide) -> None:
        for instruction in decide(self._services.clock.monotonic_ns()):
            await self._carry_out(instruction)
        await self._reports.send_events()

    async def _carry_out(self, instruction: am.Instruction) -> None:
        match instruction:
            case am.Reply(to, m.Prepared(links)):
                await self._services.reply(to, m.Prepared(links, self._facts()), self._plan.run)
            case am.Reply(to, message):
                await self._services.reply(to, message, self._plan.run)
            case am.SendReport(finished):
                try:
                    await self._reports.report(partial(m.Report, finished=finished))
                except ProtocolError as error:  # it is too large
                    self._tell(am.NotSent(str(error)))
            case _:
                self._spawn(self._work(instruction))

    async def _work(
        self,
        instruction: am.ReadClock
        | am.StartLinks
        | am.ChangeRunningLink
        | am.WakeAt
        | am.LookForServers
        | am.Rest
        | am.TearDown,
    ) -> None:
        """What takes its time, and ends with an event."""
        match instruction:
            case am.ReadClock(exchanges, gap_ns):
                await self._services.keeper.burst(exchanges=exchanges, gap_ns=gap_ns)
                self._tell(am.ClockRead())
            case am.StartLinks(t0_ns):
                await self._start_links(t0_ns)
            case am.ChangeRunningLink(to, wanted):
                await self._answer_change(to, wanted)
            case am.WakeAt(at_ns):
                await self._services.clock.sleep_until(at_ns)
                self._tell(am.TimeOver())
            case am.LookForServers(at_ns, workloads):
                await self._services.clock.sleep_until(at_ns)
                self._tell(am.Looked(await self._idle_servers(workloads)))
            case am.Rest(cause):
                self._tell(am.Rested(await self._rest(cause)))
            case am.TearDown():
                causes = await self._take_away()
                self._taken_away.set()
                self._tell(am.TornDown("; ".join(causes)))

    # --- tasks

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Let `work` go on beside the rest of the run, until nothing of that is left."""
        return self._tasks.create_task(self._guard(work))

    async def _guard(self, work: Coroutine[Any, Any, None]) -> None:
        """A failure becomes the run's cause, not the end of the agent."""
        try:
            await work
        except Exception as error:
            self._tell(am.Broke(self._cause_of(error)))

    def _cause_of(self, error: BaseException) -> str:
        """A failure in words. What no message of ours foresaw is logged."""
        if isinstance(error, RuntimeError):
            error = explained(error)
        if isinstance(error, PlctlError):
            return str(error)
        if isinstance(error, OSError):  # a full disk, for example
            return str(KernelError.from_os(f"use {error.filename or 'this host'}", error))
        self._log.emit("agent.bug", cause=repr(error), traceback="".join(traceback.format_exception(error)))
        return f"internal error: {error!r}"

    # --- the course of a run

    async def _prepare_all(self) -> None:
        async with asyncio.TaskGroup() as group:
            for instruction in self._machine.begin():
                group.create_task(self._guard(self._prepare_one(instruction.link)))

    async def _prepare_one(self, link: LinkPlan) -> None:
        try:
            self._tell(await self._prepare(link))
        except (PlctlError, OSError, RuntimeError) as error:
            self._tell(am.LinkPrepared(link.name, self._cause_of(error)))

    def _look_up_t0(self, event: am.Commanded, t0_ns: int, _now_ns: int) -> list[am.Instruction]:
        self._spawn(self._arm(event, t0_ns))
        return []

    async def _arm(self, event: am.Commanded, t0_ns: int) -> None:
        """Look what time it is at the controller, so that T0 means the same here, and answer ARM in time."""
        self._t0_ns = t0_ns
        keeper = self._services.keeper
        now_ns = keeper.controller_now_ns()
        patience_ns = PATIENCE_NS if now_ns is None else (t0_ns - now_ns) // 2  # the other half is for the commands
        try:
            await keeper.burst(patience_ns, gap_ns=self._gap_ns)
            t0, source = keeper.to_agent(t0_ns), keeper.source
        except Exception as error:  # our bug; ARM is to be answered all the same
            t0, source = None, self._cause_of(error)
        self._decisions.put_nowait(partial(self._machine.arm, event, t0, source))

    async def _answer_change(self, command: int, wanted: m.ApplyChange) -> None:
        """A change that cannot be is no failure of the run."""
        answer: m.Changed | m.Refused
        try:
            answer = m.Changed(wanted.link, await self._change(wanted))
        except Exception as error:  # the run goes on, and is not to be spoiled by it
            answer = m.Refused(self._cause_of(error))
        await self._reports.send_events()
        await self._services.reply(command, answer, self._plan.run)

    async def _start_links(self, t0_ns: int) -> None:
        starts = await self._start(t0_ns)
        await self._services.keeper.burst(gap_ns=self._gap_ns)
        latest_ns = max([t0_ns, *(start.started_ns for start in starts)])
        self._tell(am.Began(starts, self._services.keeper.error_ns(self._t0_ns, t0_ns, latest_ns)))
