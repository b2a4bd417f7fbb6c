"""Carries one run from its plans to its folder: does what the run's machine decides, and keeps what agents report."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Protocol

from plctl.common import messages as m
from plctl.common.clock import Clock
from plctl.common.errors import ProtocolError, WorldError
from plctl.common.plan import RunPlan
from plctl.common.telemetry import Samples
from plctl.controller import events
from plctl.controller import machine as rm
from plctl.controller.events import Event
from plctl.controller.results import RunFolder
from plctl.controller.run_record import HostRecord, RunRecord
from plctl.controller.switchboard import Lost, Switchboard

#: The host of events that happened to the run as a whole.
CONTROLLER = "controller"


class Observer(Protocol):
    """Whoever watches a run while it goes on (the terminal)."""

    def phase(self, phase: rm.Phase, t0_ns: int) -> None:
        """The run entered `phase`; T0 is 0 until it is chosen."""

    def samples(self, host: str, samples: Samples) -> None:
        """Telemetry came from `host`."""

    def note(self, event: str, host: str, link: str, facts: Mapping[str, object]) -> None:
        """An event was logged."""


class Session:
    """One run. `await run()` returns once nothing of it is left on any host."""

    def __init__(
        self,
        plans: Mapping[str, RunPlan],
        folder: RunFolder,
        switchboard: Switchboard,
        clock: Clock,
        observer: Observer,
    ) -> None:
        self._machine = rm.RunMachine(plans, self._lead_ns)
        self._folder = folder
        self._switchboard = switchboard
        self._clock = clock
        self._observer = observer
        self._hosts = {link.name: host for host, plan in plans.items() for link in plan.links}
        self._run = next(iter(plans.values())).run
        self._events: asyncio.Queue[rm.Event] = asyncio.Queue()
        self._timers: set[asyncio.Task[None]] = set()
        self._facts: dict[str, dict[str, str]] = {}  #: of each host's forwarder
        self._cancelled = False
        self._disk: WorldError | None = None

    def cancel(self, cause: str) -> None:
        """End the run in good order; safe to call from a signal handler and twice."""
        self._cancelled = True
        self._events.put_nowait(rm.Cancel(cause))

    async def run(self) -> RunRecord:
        """Carry the run through and judge it; the record as run.json has it.

        :raises WorldError: the results could not be written; the hosts were released nevertheless.
        """
        self._switchboard.listen(self._run, self._machine.plans, self._hear)
        self._events.put_nowait(rm.Begin())
        try:
            while self._machine.phase is not rm.Phase.DONE:
                await self._step(await self._events.get())
        finally:
            self._switchboard.forget(self._run)
            for timer in self._timers:
                timer.cancel()
            await asyncio.gather(*self._timers, return_exceptions=True)
        if self._disk:
            raise self._disk
        return self._judge()

    async def _step(self, event: rm.Event) -> None:
        """Let one event have its effects, and write down where that led."""
        before = self._machine.phase
        for instruction in self._machine.handle(event, self._clock.monotonic_ns()):
            await self._execute(instruction)
        if self._machine.phase is not before:
            self._observer.phase(self._machine.phase, self._machine.t0_ns)
            if before is rm.Phase.COMMITTED:
                self._keep_start()

    async def _execute(self, instruction: rm.Instruction) -> None:
        match instruction:
            case rm.Tell(host, message, expires_ns):
                try:
                    await self._switchboard.tell(host, message, self._run, expires_ns)
                except WorldError as error:
                    self._events.put_nowait(rm.Lost(host, str(error)))
            case rm.SetTimer(phase, at_ns):
                self._timers.add(asyncio.create_task(self._time_out(phase, at_ns)))
            case rm.Note(event, host, link, facts):
                self._log(
                    [{"t_ns": self._clock.monotonic_ns(), "link": link, "event": event, **facts}], host or CONTROLLER
                )
                self._observer.note(event, host, link, facts)

    async def _time_out(self, phase: rm.Phase, at_ns: int) -> None:
        await self._clock.sleep_until(at_ns)
        self._events.put_nowait(rm.TimedOut(phase))

    def _lead_ns(self) -> int:
        agents = (self._switchboard.agents.get(host) for host in self._machine.plans)
        round_trips = [agent.status.round_trip_ns for agent in agents if agent and agent.status]
        return rm.lead_ns(len(self._machine.plans), max(0, *round_trips) if round_trips else 0)

    # --- what agents say

    async def _hear(self, host: str, message: m.Message | Lost) -> None:
        try:
            self._take(host, message)
        except ProtocolError as error:  # the agent is not what it seems; its run is not to be trusted
            self._events.put_nowait(rm.Lost(host, f"{host} sent what it must not: {error}"))
        except WorldError as error:
            if self._disk is None:
                self._disk = error
                self.cancel(str(error))

    def _take(self, host: str, message: m.Message | Lost) -> None:
        match message:
            case Lost(cause):
                self._events.put_nowait(rm.Lost(host, cause))
            case m.Telemetry(_, offset_ns, links, columns):
                self._require_own(host, links, "telemetry")
                samples = Samples(links, columns)
                self._folder.append_samples(host, samples, offset_ns)
                self._observer.samples(host, samples)
            case m.Events(_, log, offset_ns):
                now_ns = self._clock.monotonic_ns()
                self._log([events.translated(event, host, self._run, offset_ns, now_ns) for event in log], host)
            case m.Artifact(_, link, name, data):
                self._require_own(host, (link,), "an artifact")
                self._folder.append_artifact(link, name, data)
            case m.Packets(_, link, direction, records):
                self._require_own(host, (link,), "a packet log")
                self._folder.append_packets(link, direction, records)
            case m.Report(_, finished):
                self._events.put_nowait(rm.Said(host, finished))
            case m.Prepared() | m.Armed() | m.Started() | m.Released() | m.Refused():
                self._pass_on(host, message)
            case _:
                raise ProtocolError(f"{type(message).__name__} within a run")

    def _pass_on(self, host: str, message: m.Prepared | m.Armed | m.Started | m.Released | m.Refused) -> None:
        if isinstance(message, m.Prepared):
            self._facts[host] = message.facts
        self._events.put_nowait(rm.Said(host, message))

    def _require_own(self, host: str, links: Iterable[str], what: str) -> None:
        for link in links:
            if self._hosts.get(link) != host:
                raise ProtocolError(f"{what} of link {link!r:.80}, which is not its own")

    # --- what is kept

    def _log(self, log: Iterable[Event], host: str) -> None:
        """Write events in controller time down with the wall-clock time that belongs to it."""
        wall_minus_monotonic = self._clock.wall_ns() - self._clock.monotonic_ns()
        self._folder.append_events([events.dated(event, wall_minus_monotonic) for event in log], host)

    def _keep_start(self) -> None:
        records = self._machine.records
        starts = [m.LinkStart(name, r.planned_ns, r.actual_ns) for name, r in records.items() if r.planned_ns]
        wall_minus_monotonic = self._clock.wall_ns() - self._clock.monotonic_ns()
        hosts = [*map(self._host, self._machine.plans)]
        ready = [m.LinkReadiness(name, check=r.check, io=r.io) for name, r in records.items()]
        t0_ns = self._machine.t0_ns
        self._folder.record_start(t0_ns, t0_ns + wall_minus_monotonic, starts, hosts, ready=ready)

    def _host(self, name: str) -> HostRecord:
        """The clock record of a host is that of any of its links: they share the agent."""
        link = next(record for record in self._machine.records.values() if record.host == name)
        agent = self._switchboard.agents.get(name)
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
            cancelled=self._cancelled,
            finished_wall_ns=self._clock.wall_ns(),
        )
