"""Carries one run from its plans to its folder: does what the run's machine decides, and journals every event.

What happens is handled as it comes, without waiting: the machine decides, the folder and the journal are written.
Commands go out afterwards, once the journal is committed, so that a controller that is killed and started again knows
of every command that an agent may have got. The nth command of a run always has the same id, and agents carry out an id
once: so whatever may not have arrived is simply said again.
"""

from __future__ import annotations

import asyncio
import itertools
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from plctl.common.base.background import background
from plctl.common.base.clock import Clock
from plctl.common.base.errors import BusyError, ProtocolError, UserError, WorldError
from plctl.common.base.problems import suggest
from plctl.common.base.units import NS_PER_S
from plctl.common.plan.link_change import AppliedChange, LinkChange
from plctl.common.plan.run_plan import RunPlan
from plctl.common.protocol import messages as m
from plctl.common.transport.refusals import Refusal
from plctl.controller.hub.agent_hub import AgentHub
from plctl.controller.hub.journal import Happened
from plctl.controller.hub.presence import AgentLost, AgentReturned, AgentSilent, PresenceChange, ReportsForgotten
from plctl.controller.lifecycle import run_events as ev
from plctl.controller.lifecycle.machine import RunMachine
from plctl.controller.lifecycle.patience import lead_ns
from plctl.controller.results.run_folder import RunFolder
from plctl.controller.results.run_record import HostRecord, RunRecord
from plctl.controller.run.audit import QuotaError, RunAudit
from plctl.controller.run.recorder import Observer, RunRecorder

#: A change that does not reach its agent within this time is not made, and so long its answer is waited for.
CHANGE_EXPIRES_NS = 10 * NS_PER_S
CHANGE_PATIENCE_S = 60.0
#: After so many commands whoever else has something to do gets a turn.
YIELD_EVERY = 32


def new_first_command() -> int:
    """An id for the first command of a run, such that no other run's commands will have the ids that follow."""
    return 1 + secrets.randbits(62)


#: What answers a command, beside a refusal.
_ANSWERS: dict[type[m.Message], tuple[type[m.Message], ...]] = {
    m.Prepare: (m.Prepared,), m.Arm: (m.Armed, m.NotArmed), m.Commit: (m.Started,), m.Release: (m.Released,),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Command:
    """What an agent was told last and has not answered yet."""

    id: int
    instruction: ev.SendCommand

    def is_answered_by(self, message: m.Message, reply_to: int) -> bool:
        """Whoever lost the last of a journal gives ids a second time, and older answers may be under way."""
        kinds = _ANSWERS.get(type(self.instruction.message), ())
        return self.id == reply_to and isinstance(message, (*kinds, m.Refused))


class Session:
    """One run. `await run()` returns once nothing of it is left on any host that can be reached."""

    def __init__(
        self,
        plans: Mapping[str, RunPlan],
        folder: RunFolder,
        agent_hub: AgentHub,
        clock: Clock,
        observer: Observer,
        *,
        first_command: int = 0,
    ) -> None:
        """`first_command` is where the ids of the run's commands begin; 0: somewhere."""
        on_failure = folder.record.on_failure if folder.record else "continue"
        self._machine = RunMachine(plans, self._lead_ns, on_failure=on_failure)
        self._lead = 0  #: what the machine was told about its lead because of this event; 0: it has not asked
        self._folder = folder
        self._agent_hub = agent_hub
        self._journal = agent_hub.journal
        self._clock = clock
        self._observer = observer
        self._run = next(iter(plans.values())).run
        self._hosts = {link.name: host for host, plan in plans.items() for link in plan.links}
        self._audit = RunAudit(plans, clock)
        self._recorder = RunRecorder(self._audit, folder, clock, observer)
        self._distrusted: set[str] = set()  #: hosts of which nothing is believed any more
        self._reported: set[str] = set()  #: hosts whose result has come
        self._changes: dict[int, asyncio.Future[m.Changed | m.Refused]] = {}  #: that were not answered yet, by command
        self._ids = itertools.count(first_command or new_first_command())
        self._open: dict[str, _Command] = {}  #: by host
        self._unsent: dict[str, None] = {}  #: hosts whose open command is to be sent, in order
        self._wake = asyncio.Event()
        self._timers: list[tuple[ev.TimedOut, int]] = []  #: that are still to be set, and for when
        self._keeping: list[asyncio.Task[None]] = []  #: in threads, which no TaskGroup could end
        self._facts: dict[str, dict[str, str]] = {}  #: of each host's forwarder
        self._disk: WorldError | None = None

    @property
    def owed(self) -> frozenset[str]:
        """The hosts that were not heard to have taken their part of the run away."""
        return frozenset(self._machine.plans.keys() - self._machine.released)

    def cancel(self, cause: str) -> None:
        """End the run in good order; safe to call from a signal handler and twice."""
        self._handle(ev.CancelRequested(cause))

    async def change(self, link: str, wanted: LinkChange, by: str) -> AppliedChange:
        """Change a link while it runs, in both directions at once; since when that holds.

        The log tells of it, too, in the order of all that the link's agent reports.

        :raises UserError: there is no such link, the run is not running, or the link cannot be changed so.
        :raises WorldError: its agent is not here, or does not answer.
        """
        if not (host := self._hosts.get(link)):
            raise UserError(f"run {self._run} has no link {link!r:.80}; {suggest(link, list(self._hosts))}")
        if self._machine.phase is not ev.RunPhase.RUNNING:
            raise BusyError(f"run {self._run} is {self._machine.phase}; a link can be changed while it is running")
        command = new_first_command()
        answer: asyncio.Future[m.Changed | m.Refused] = asyncio.get_running_loop().create_future()
        self._changes[command] = answer
        try:
            expires_ns = self._clock.monotonic_ns() + CHANGE_EXPIRES_NS
            await self._agent_hub.send_command(host, m.ApplyChange(link, wanted, by), self._run, command, expires_ns)
            message = await asyncio.wait_for(answer, CHANGE_PATIENCE_S)
        except TimeoutError:
            raise WorldError(
                f"{host} has not answered for {CHANGE_PATIENCE_S:.0f} s; if it has changed {link} after all, "
                f"the log will say so: plctl events {self._run} --event scenario.changed"
            ) from None
        finally:
            del self._changes[command]
        if isinstance(message, m.Refused):
            raise UserError(message.cause)
        return message.applied

    async def run(self) -> RunRecord:
        """Carry the run through and judge it; the record as run.json has it.

        :raises WorldError: the results could not be written; the hosts were released nevertheless.
        """
        self._agent_hub.listen(self._run, self._machine.plans, self._on_message)
        self._handle(ev.Begin())
        return await self._carry_out()

    async def resume(self, course: Iterable[Happened], event: ev.Resumed | ev.Interrupted) -> RunRecord:
        """As `run`, for a run that another process began: `course` is what happened there, `event` what happened to it.

        :raises WorldError: as `run` does.
        """
        self._agent_hub.listen(self._run, self._machine.plans, self._on_message)
        course = list(course)
        if course:
            self._audit.begin(course[0].now_ns)
        for happened in course:
            self._lead = happened.lead_ns
            for instruction in self._advance(happened.event, happened.now_ns):
                if isinstance(instruction, ev.Note):
                    self._observer.note(instruction.event, instruction.host, instruction.link, instruction.facts)
        if isinstance(event, ev.Resumed) and any(record.planned_ns for record in self._machine.records.values()):
            self._keep_start()
        self._handle(event)
        return await self._carry_out()

    async def _carry_out(self) -> RunRecord:
        try:
            async with background() as timers:
                while self._machine.phase is not ev.RunPhase.DONE:
                    await self._wake.wait()
                    self._wake.clear()
                    for event, at_ns in self._timers:
                        timers.create_task(self._time_out(event, at_ns))
                    self._timers.clear()
                    await self._send_commands()
        finally:
            self._agent_hub.forget(self._run)
            await asyncio.gather(*self._keeping)
        if self._disk:
            raise self._disk
        return await asyncio.to_thread(self._judge)

    # --- events and instructions

    def _handle(self, event: ev.Event) -> None:
        """Let one event have its effects, and write down where that led."""
        before, now_ns = self._machine.phase, self._clock.monotonic_ns()
        self._lead = 0
        instructions = self._advance(event, now_ns)
        self._journal.append(self._run, Happened(event, now_ns, self._lead))
        for instruction in instructions:
            self._execute(instruction)
        with self._disk_may_refuse():
            self._recorder.note([each for each in instructions if isinstance(each, ev.Note)])
        if self._machine.phase is not before:
            self._journal.enter(self._run, self._machine.phase)
            if before is ev.RunPhase.COMMITTED and self._machine.phase is not ev.RunPhase.ARMING:
                self._keep_start()
        self._wake.set()

    def _advance(self, event: ev.Event, now_ns: int) -> list[ev.Instruction]:
        """Let the machine decide; what only this process needs to know follows from that, the first time and again."""
        before = self._machine.phase
        instructions = self._machine.handle(event, now_ns)
        if isinstance(event, ev.Distrusted):
            self._distrusted.add(event.host)
        elif isinstance(event, ev.Answered) and isinstance(event.message, m.Finished):
            self._reported.add(event.host)
        if isinstance(event, ev.Answered) and not isinstance(event.message, m.Finished):
            self._open.pop(event.host, None)
            if isinstance(event.message, m.Prepared):
                self._facts[event.host] = event.message.facts
        for instruction in instructions:
            if isinstance(instruction, ev.SendCommand):
                self._open[instruction.host] = _Command(next(self._ids), instruction)
        if self._machine.phase is not before:
            self._observer.phase(self._machine.phase, self._machine.t0_ns)
        return instructions

    def _execute(self, instruction: ev.Instruction) -> None:
        match instruction:
            case ev.SendCommand(host):
                self._unsent[host] = None
            case ev.SetTimer(phase, at_ns, host):
                self._timers.append((ev.TimedOut(phase, host), at_ns))

    async def _send_commands(self) -> None:
        """Send what is open to those who are to get it, once it is certain that this process's successor knows."""
        hosts, self._unsent = self._unsent, {}
        if hosts:
            self._journal.commit()
        for number, host in enumerate(hosts, 1):
            if command := self._open.get(host):
                try:
                    message, expires_ns = command.instruction.message, command.instruction.expires_ns
                    await self._agent_hub.send_command(host, message, self._run, command.id, expires_ns)
                except WorldError as error:
                    self._handle(ev.Unreached(host, str(error)))
            if number % YIELD_EVERY == 0:
                await asyncio.sleep(0)

    async def _time_out(self, event: ev.TimedOut, at_ns: int) -> None:
        await self._clock.sleep_until(at_ns)
        self._handle(event)

    def _lead_ns(self) -> int:
        """The same, however often the machine asks because of one event: the journal has room for one answer."""
        if self._lead:
            return self._lead
        agents = (self._agent_hub.agents.get(host) for host in self._machine.plans)
        statuses = [agent.status for agent in agents if agent and agent.status]
        round_trips = [status.round_trip_ns for status in statuses if status.round_trip_ns >= 0]
        self._lead = lead_ns(len(self._machine.plans), round_trips, len(self._hosts))
        return self._lead

    # --- what agents say

    def _on_message(self, host: str, message: m.Message | PresenceChange, reply_to: int) -> None:
        is_last_word = isinstance(message, PresenceChange | m.Released | m.Refused)
        if host in self._distrusted and not is_last_word:
            self._agent_hub.refuse(host, Refusal.DISTRUSTED, f"a report of run {self._run}, which believes it no more")
            return
        try:
            with self._disk_may_refuse():
                self._handle_message(host, message, reply_to)
        except ProtocolError as error:
            self._distrust(host, Refusal.QUOTA if isinstance(error, QuotaError) else Refusal.UNTRUE, str(error))
        except WorldError:
            raise
        except Exception as error:  # our bug; the other hosts, and the other runs, are to go on
            asyncio.get_running_loop().call_exception_handler({"message": f"{message!r:.200}", "exception": error})
            self._distrust(host, Refusal.UNTRUE, f"{type(message).__name__}, on which plctl failed: {error!r:.200}")

    def _distrust(self, host: str, why: Refusal, cause: str) -> None:
        """The agent is not what it seems: the run believes nothing more of it."""
        self._agent_hub.refuse(host, why, f"of run {self._run}: {cause}")
        self._handle(ev.Distrusted(host, f"{host} sent what it must not: {cause:.2000}"))

    def _handle_message(self, host: str, message: m.Message | PresenceChange, reply_to: int) -> None:
        match message:
            case AgentLost(cause):
                self._handle(ev.Lost(host, cause))
            case AgentSilent(cause):
                self._handle(ev.Silent(host, cause))
            case ReportsForgotten(cause):
                self._handle(ev.Forgotten(host, cause))
            case AgentReturned():
                self._handle(ev.Returned(host))
                if host in self._open:
                    self._unsent[host] = None
            case m.Telemetry() | m.SocketStats() | m.Events() | m.Artifact() | m.Packets():
                self._recorder.record(host, message)
                if isinstance(message, m.Events):
                    self._heed_failures(host, message)
            case m.Report(_, finished):
                self._handle_result(host, finished)
            case m.Prepared() | m.Armed() | m.NotArmed() | m.Started() | m.Released() | m.Refused() | m.Changed():
                self._handle_answer(host, message, reply_to)
            case _:
                raise ProtocolError(f"{type(message).__name__} within a run")

    def _handle_result(self, host: str, finished: m.Finished) -> None:
        if host in self._reported:
            raise ProtocolError("its result a second time")
        planned = {link: record.planned_ns for link, record in self._machine.records.items() if record.host == host}
        self._audit.check_result(host, finished, planned, self._machine.t0_ns)
        self._handle(ev.Answered(host, finished))

    def _heed_failures(self, host: str, message: m.Events) -> None:
        """A program that failed is told of as soon as it has ended, long before the run may end."""
        if self._machine.on_failure == "cancel" and self._machine.phase is ev.RunPhase.RUNNING:
            for event in message.events:
                if event.get("event") == "workload.ended" and (cause := event.get("cause")):
                    says = f"{event.get('workload')}: {cause}"
                    self._handle(ev.LinkFailed(host, str(event.get("link")), f"{says:.500}"))

    def _handle_answer(
        self,
        host: str,
        message: m.Prepared | m.Armed | m.NotArmed | m.Started | m.Released | m.Refused | m.Changed,
        reply_to: int,
    ) -> None:
        change = self._changes.get(reply_to)
        if change and not change.done() and isinstance(message, m.Changed | m.Refused):
            change.set_result(message)
        elif isinstance(message, m.Changed):
            pass  # nobody waits for it any more; the log has it
        elif host in self._open and self._open[host].is_answered_by(message, reply_to):  # else something before that
            if isinstance(message, m.Prepared | m.Started):
                self._audit.check_links(host, (each.link for each in message.links), "an answer")
            if isinstance(message, m.Started) and len({each.planned_ns for each in message.links}) > 1:
                raise ProtocolError("more than one T0 for its links")
            self._handle(ev.Answered(host, message))

    # --- what is kept

    @contextmanager
    def _disk_may_refuse(self) -> Iterator[None]:
        """A run whose results cannot be written is cancelled."""
        try:
            yield
        except ProtocolError:
            raise
        except WorldError as error:
            if self._disk is None:
                self._disk = error
                asyncio.get_running_loop().call_soon(self._handle, ev.CancelRequested(str(error), disk=True))

    def _keep_start(self) -> None:
        records, t0_ns = self._machine.records, self._machine.t0_ns
        wall_minus_monotonic = self._clock.wall_ns() - self._clock.monotonic_ns()
        hosts = [*map(self._host, self._machine.plans)]

        def write() -> None:
            starts = [m.LinkStart(name, r.planned_ns, r.started_ns) for name, r in records.items() if r.planned_ns]
            ready = [m.LinkReadiness(name, check=r.check, io=r.io) for name, r in records.items()]
            self._folder.record_start(t0_ns, t0_ns + wall_minus_monotonic, starts, hosts, ready=ready)

        self._keeping.append(asyncio.create_task(self._keep(write)))

    async def _keep(self, write: Callable[[], None]) -> None:
        """In a thread: the record of thousands of links takes a while, in which others want to be heard."""
        with self._disk_may_refuse():
            await asyncio.to_thread(write)

    def _host(self, name: str) -> HostRecord:
        """The clock record of a host is that of any of its links: they share the agent."""
        link = self._machine.records[self._machine.plans[name].links[0].name]
        agent = self._agent_hub.agents.get(name)
        return HostRecord(
            name=name,
            version=agent.hello.version if agent else "",
            facts=(agent.hello.facts if agent else {}) | self._facts.get(name, {}),
            clock_source=link.clock_source,
            clock_offset_ns=self._machine.t0_ns - link.planned_ns if link.planned_ns else None,
            bound_before_ns=link.bound_before_ns,
            bound_after_ns=link.bound_after_ns,
            simulated=bool(agent and agent.hello.simulated),
        )

    def _judge(self) -> RunRecord:
        records = self._machine.records
        return self._folder.record_result(
            [record.result for record in records.values() if record.result],
            failures={name: record.cause for name, record in records.items() if record.cause},
            cancelled=any(record.cancelled for record in records.values()),
            finished_wall_ns=self._clock.wall_ns(),
            setback=self._machine.setback,
            setback_by=self._machine.setback_by,
        )
