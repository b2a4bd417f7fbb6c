"""A run's links on a real host: builds them, starts them at T0, samples them, takes them away."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from plctl.agent.forwarder.data_plane import DataPlane
from plctl.agent.kernel import link_namespaces
from plctl.agent.kernel.telling_settings import telling_settings
from plctl.agent.ownership.ledger import Ledger
from plctl.agent.run import machine as am
from plctl.agent.run.ends import RunEnds
from plctl.agent.run.link import RunLink
from plctl.agent.run.self_check import self_check
from plctl.agent.run.shell import RunShell
from plctl.agent.run.streams import RunStreams
from plctl.agent.run.watch import LOOK_NS, RunWatch
from plctl.agent.service.site import AgentServices
from plctl.agent.telemetry.socket_stats import LinkSockets
from plctl.agent.watch.listener import Listener
from plctl.agent.workload.programs import describe_programs
from plctl.agent.workload.ready import describe
from plctl.agent.workload.workload import WorkloadProcess
from plctl.common.base.errors import KernelError, PlctlError, UserError, WorldError
from plctl.common.base.units import NS_PER_MS, NS_PER_S, NS_PER_US, format_duration, three_digits
from plctl.common.plan.link_change import AppliedChange, facts_of
from plctl.common.plan.run_plan import LinkPlan, RunPlan, Workload
from plctl.common.protocol import messages as m
from plctl.common.protocol.wire import to_plain

#: Links that are built at the same time: the kernel takes a while to make a packet ring, but makes several at once.
PARALLEL_BUILDS = 16
#: Links that are checked, and workloads that are started, at the same time: more would make each other late.
PARALLEL_CHECKS = 8
PARALLEL_SPAWNS = 8
#: How long after T0 a forwarder may take to have acted on it before the link counts as never started.
START_GRACE_NS = 1 * NS_PER_S
#: Of programs that are to start at one instant, as many do as there are CPUs; so long after them as many more, and so
#: on. A timer for each that ended at that instant would keep a CPU in the kernel for milliseconds, and from its worker.
SPREAD_NS = 20 * NS_PER_US
#: For so long after T0 the agent lets the forwarder have the CPU to itself.
START_QUIET_NS = 5 * NS_PER_MS


def later_ns(before: int, cpus: int) -> int:
    """How much later than planned a program is executed, when so many others are at the same instant."""
    return SPREAD_NS * (before // cpus)


@dataclass(frozen=True, slots=True)
class HostResources:
    """What the runs of one agent share."""

    services: AgentServices
    ledger: Ledger
    folder: Path  #: for captured output; in the ledger
    etc: Path  #: what programs see in /etc
    forwarder: Callable[[], Awaitable[DataPlane]]  #: the living forwarder, started if need be
    workload_user: str  #: the account of programs that name none; empty: this process's
    slots: list[int]  #: free slots of the forwarder; of the memory that each has, what was used last is used next
    listener: Listener  #: to the interfaces of all links
    find_objection: Callable[[RunPlan], str]  #: why this host cannot carry a run, in a sentence; empty: it can


class RunHost(RunShell):
    """One run on this host."""

    def __init__(self, prepare: m.Prepare, prepare_id: int, host: HostResources) -> None:
        super().__init__(prepare, prepare_id, host.services)
        plan, log, clock = self._plan, self._log, host.services.clock
        self._host = host
        token = plan.run.rpartition("-")[2]
        self._links = {
            link.name: RunLink(link, link_namespaces.LinkNamespaces.named(host.services.name, token, link.name))
            for link in plan.links
        }
        self._forwarder: DataPlane | None = None
        self._terms: dict[str, Any] | None = None  #: what was asked of it, and what it got
        self._cpus = len(os.sched_getaffinity(0))
        self._objection = ""  #: of the host to the run
        self._programs: dict[str, str] = {}  #: that workloads run
        self._describing: asyncio.Task[dict[str, str]]
        self._settings: dict[str, str] = {}  #: of the kernel, at the client of the link that was built first
        self._building = asyncio.Semaphore(PARALLEL_BUILDS)
        self._checking = asyncio.Semaphore(PARALLEL_CHECKS)
        self._spawning = asyncio.Semaphore(PARALLEL_SPAWNS)
        folder = host.folder / f"{plan.run}-{secrets.token_hex(8)}"  # other users may pass, but not guess
        self._streams = RunStreams(plan, self._links, self._reports, folder, self._is_going_on)
        self._ends = RunEnds(self._links, host.listener, log)
        self._watch = RunWatch(self._links, plan.budget.lateness_ns, clock, log)

    # --- PREPARE

    async def _prepare_all(self) -> None:
        """Unless there is too much of it: then every link has that cause, and none is built."""
        self._objection = await asyncio.to_thread(self._host.find_objection, self._plan)
        commands = [workload.command for link in self._plan.links for workload in link.workloads]
        async with asyncio.TaskGroup() as beside:
            self._describing = beside.create_task(asyncio.to_thread(describe_programs, commands))
            await super()._prepare_all()

    async def _prepare(self, link: LinkPlan) -> am.LinkPrepared:
        if self._objection:
            return am.LinkPrepared(link.name, self._objection)
        prepared = await self._build_or_tell(link)
        self._programs = await self._describing  # the answer to PREPARE tells of them
        return prepared

    async def _build_or_tell(self, link: LinkPlan) -> am.LinkPrepared:
        made, cause, check = self._links[link.name], "", ""
        try:
            check = await self._build(made)
        except PlctlError as error:
            cause = str(error)
        return am.LinkPrepared(link.name, cause, check, made.io)

    async def _build(self, link: RunLink) -> str:
        """Build and check one link and bring its workloads to where they wait; the self-check in words."""
        async with self._building:
            began_ns = self._services.clock.monotonic_ns()
            await asyncio.to_thread(link_namespaces.build, link.namespaces, link.plan, self._host.ledger)
            if not self._settings:
                self._settings = await asyncio.to_thread(telling_settings, link.namespaces.client)
            forwarder = await self._living_forwarder()
            link.slot = self._host.slots.pop()
            link.io = await forwarder.add(
                link.slot, link.namespaces.link, link.plan, seed=self._plan.seed, company=len(self._links)
            )
            link.log = forwarder.packet_log(link.slot)
            if self._plan.socket_stats_ns:
                link.sockets = await asyncio.to_thread(LinkSockets, link.plan.name, link.namespaces)
            built_ns = self._services.clock.monotonic_ns() - began_ns
            self._log.emit("link.built", link=link.plan.name, built_ns=built_ns, netns=link.namespaces.link, io=link.io)
        async with self._checking:
            read = partial(forwarder.read, link.slot)
            check = await self_check(link.namespaces, link.plan, read)
            await self._ends.begin(link, read)
        for workload in link.plan.workloads:
            await self._spawn_workload(link, workload)
        return str(check)

    async def _spawn_workload(self, link: RunLink, workload: Workload) -> None:
        async with self._spawning:
            process = await WorkloadProcess.spawn(
                replace(workload, user=workload.user or self._host.workload_user),
                link.namespaces,
                self._streams.artifacts.folder / link.plan.name,
                ledger=self._host.ledger,
                env={"PLCTL_RUN": self._plan.run, "PLCTL_LINK": link.plan.name, "PLCTL_END": workload.at},
                clock=self._services.clock,
                etc=self._host.etc,
            )
        link.workloads[workload.name] = process
        self._streams.artifacts.expect(link.plan.name, workload.name)
        self._spawn(self._watch_workload(link, process))
        if workload.start_ns < 0:
            process.open_gate(0)
            await self._await_ready(link, process)

    async def _await_ready(self, link: RunLink, process: WorkloadProcess) -> None:
        """Return when it is ready; whoever watches the run hears what is waited for."""
        if wanted := process.workload.ready:
            about = {"link": link.plan.name, "workload": process.workload.name}
            self._log.emit("workload.awaited", **about, wanted=describe(wanted))
            await self._reports.send_events()
            await process.ready()
            self._log.emit("workload.ready", **about)
            await self._reports.send_events()

    async def _living_forwarder(self) -> DataPlane:
        forwarder = await self._host.forwarder()
        terms = await forwarder.terms()
        if self._forwarder is None:
            self._forwarder = forwarder
            self._terms = to_plain(forwarder.options) | to_plain(terms)  # what it got counts
            self._log.emit("forwarder.started", **self._terms)
            self._spawn(self._watch_forwarder(forwarder))
        return self._forwarder

    def _facts(self) -> dict[str, str]:
        """The forwarder's, the kernel settings and the programs, as text."""
        forwarder = {f"forwarder_{name}": str(fact) for name, fact in (self._terms or {}).items()}
        return forwarder | self._settings | {f"program {name}": text for name, text in self._programs.items()}

    async def _watch_forwarder(self, forwarder: DataPlane) -> None:
        cause = await asyncio.shield(forwarder.died)
        if self._machine.phase is not am.AgentPhase.STOPPING:  # then `_rest` will find out
            self._tell(am.Broke(cause + self._watch.when()))

    async def _watch_workload(self, link: RunLink, process: WorkloadProcess) -> None:
        about = {"link": link.plan.name, "workload": process.workload.name}
        if executed_ns := await process.executed():
            late = {"late_ns": executed_ns - process.planned_ns} if process.planned_ns else {}
            self._log.emit("workload.started", **about, **process.dated(executed_ns), **late)
        await process.wait()
        result = process.result()
        ended = process.dated(process.ended_ns)
        self._log.emit("workload.ended", **about, **ended, status=result.status, cause=result.cause)
        self._tell(am.WorkloadEnded(link.plan.name, process.workload.name))

    # --- the run

    async def _start(self, t0_ns: int) -> tuple[m.LinkStart, ...]:
        """Arm everything for T0; once it has passed, say when each link really started.

        The forwarder goes first: should it refuse, no link starts, and so no workload may.
        """
        assert self._forwarder is not None
        begun_ns = self._services.clock.monotonic_ns()
        try:
            await self._arm_forwarder(self._forwarder, t0_ns)
        except KernelError as error:
            late_ns = self._services.clock.monotonic_ns() - t0_ns
            if late_ns < 0:
                raise
            before, after = (format_duration(three_digits(ns)) for ns in (t0_ns - begun_ns, late_ns))
            raise WorldError(
                f"{error}: this host began {before} before it and was not through {after} after it; ease its load, or"
                " start fewer links on it at once"
            ) from error
        at_once: Counter[int] = Counter()
        for link in self._links.values():
            link.baseline = link.latest = self._forwarder.read(link.slot)
            link.baseline_ns = link.latest_ns = self._services.clock.monotonic_ns()
            self._open_gates(link, t0_ns, at_once)
        left_ns = t0_ns - self._services.clock.monotonic_ns()
        self._log.emit("links.armed", links=len(self._links), before_t0_ns=left_ns)
        await self._services.clock.sleep_until(t0_ns + START_QUIET_NS)
        self._require_links()
        for work in self._streams.start(t0_ns, self._forwarder):
            self._spawn(work)
        self._spawn(self._keep_watch())
        return tuple([await self._started(link, t0_ns) for link in self._links.values()])

    async def _arm_forwarder(self, forwarder: DataPlane, t0_ns: int) -> None:
        """Tell it of every link, and of T0.

        :raises KernelError: it refuses; or T0 has passed meanwhile.
        """
        await self._watch.begin(forwarder, t0_ns)
        await forwarder.note([link.slot for link in self._links.values()], t0_ns, self._plan.sample_interval_ns)
        await forwarder.arm([k.slot for k in self._links.values() if k.plan.start == "at-t0"], t0_ns)
        for link in self._links.values():
            if link.plan.start != "at-t0":
                await forwarder.trigger(link.slot)

    def _require_links(self) -> None:
        """Return if the links are there yet.

        :raises WorldError: they were released while they were to start.
        """
        if any(link.slot < 0 for link in self._links.values()):
            raise WorldError("the links were taken away as they were to start")

    def _open_gates(self, link: RunLink, t0_ns: int, at_once: Counter[int]) -> None:
        """`at_once` counts the programs that start at each instant."""
        for process in link.workloads.values():
            process.t0_ns = t0_ns
            if (start_ns := process.workload.start_ns) >= 0:
                process.open_gate(t0_ns + start_ns, later_ns(at_once[start_ns], self._cpus))
                at_once[start_ns] += 1

    async def _started(self, link: RunLink, t0_ns: int) -> m.LinkStart:
        """Read it from the forwarder; 0: it did not start, be it that it waits for traffic."""
        assert self._forwarder is not None
        started_ns = 0
        if link.plan.start == "at-t0":
            self._require_links()
            while not (started_ns := self._forwarder.start_of(link.slot)[1]):
                if self._services.clock.monotonic_ns() > t0_ns + START_GRACE_NS:
                    break
                await self._services.clock.sleep_until(self._services.clock.monotonic_ns() + NS_PER_MS)
                self._require_links()
        return m.LinkStart(link.plan.name, t0_ns, started_ns)

    async def _keep_watch(self) -> None:
        while self._is_going_on():
            self._watch.look()
            await self._services.clock.sleep_until(self._services.clock.monotonic_ns() + LOOK_NS)

    async def _idle_servers(self, workloads: frozenset[tuple[str, str]]) -> frozenset[tuple[str, str]]:
        processes = {(link, name): self._links[link].workloads[name] for link, name in workloads}
        found = await asyncio.to_thread(lambda: [pair for pair, each in processes.items() if each.only_serves()])
        for link, name in found:
            self._log.emit("workload.left", link=link, workload=name, cause="its clients are done")
        return frozenset(found)

    async def _change(self, wanted: m.ApplyChange) -> AppliedChange:
        """In one step, which the log tells of; the ends' buffers follow, and samples say what is asked from then on."""
        if not (link := self._links.get(wanted.link)) or not self._forwarder:
            raise UserError(f"there is no link {wanted.link!r:.80} of this run here")
        done = await self._forwarder.change(link.slot, wanted.change, wanted.by)
        link.plan = self._forwarder.plan_of(link.slot)
        self._streams.follow(link)
        t0_ns = self._forwarder.start_of(link.slot)[0]
        self._log.emit("scenario.changed", link=link.plan.name, t_ns=t0_ns + done.at_ns, **facts_of(done))
        await asyncio.to_thread(link_namespaces.raise_buffers, link.namespaces, link.plan)
        return done

    # --- the end

    async def _rest(self, cause: str) -> m.Finished:
        """Whatever goes wrong with it, what became of every link is reported."""
        works = (self._watch.settle(), self._end_workloads())  # at once: what is overdue now may soon not be
        for outcome in await asyncio.gather(*works, return_exceptions=True):
            if outcome is not None:
                cause = cause or f"{self._cause_of(outcome)}{self._watch.when() if self._is_dead() else ''}"
        await self._ends.finish(hurry=bool(cause))
        await self._streams.finish(self._forwarder)
        dead_since_ns = self._forwarder.lived_until_ns if self._forwarder and self._is_dead() else None
        return m.Finished(
            tuple(
                link.result(cause, self._watch.result(link), self._plan.budget, dead_since_ns)
                for link in self._links.values()
            )
        )

    async def _end_workloads(self) -> None:
        """End those that started with the scenario before those that were there for them, who still answer."""
        processes = [process for link in self._links.values() for process in link.workloads.values()]
        clients = [process for process in processes if process.workload.start_ns >= 0]
        for some in (clients, processes):
            for outcome in await asyncio.gather(*(process.end() for process in some), return_exceptions=True):
                if outcome is not None:  # the others have been ended all the same
                    raise outcome

    async def _take_away(self) -> list[str]:
        """Whatever was under way is ended first. Every step is taken, whatever becomes of those before it."""
        causes = []
        steps = (
            *(self._end_workloads, self._end_preparations, self._ends.forget, self._forget_slots, self._remove_links),
            self._remove_output,
        )
        for step in steps:
            try:
                await step()
            except Exception as error:
                causes.append(self._cause_of(error))
        return causes

    async def _remove_output(self) -> None:
        await asyncio.to_thread(self._streams.artifacts.remove)

    async def _end_preparations(self) -> None:
        """Those that waited for a workload to be ready know by now that it is gone; what they still made goes."""
        await asyncio.wait({self._preparing})
        await self._end_workloads()

    async def _forget_slots(self) -> None:
        """All at once: the kernel takes its time to close a packet ring, but closes many in that time.

        A forwarder that has died, or that does not answer and is ended for it, takes its links with it.
        """
        links = [link for link in self._links.values() if link.slot >= 0 and self._forwarder]
        removals = [self._forwarder.remove(link.slot) for link in links if self._forwarder and not self._is_dead()]
        outcomes = await asyncio.gather(*removals, return_exceptions=True)
        for link in links:
            self._host.slots.append(link.slot)
            link.slot, link.log = -1, None
        for outcome in outcomes:
            if isinstance(outcome, BaseException) and not self._is_dead():
                raise outcome

    def _is_dead(self) -> bool:
        return self._forwarder is not None and self._forwarder.died.done()

    async def _remove_links(self) -> None:
        await self._streams.forget_sockets()
        for link in self._links.values():
            await asyncio.to_thread(link_namespaces.remove, link.namespaces, self._host.ledger)
