"""Begins, keeps and ends the runs of a controller: several at once, and over the deaths of its process."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Callable, Collection, Coroutine
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from plctl.common.base.background import by_itself
from plctl.common.base.clock import Clock, clock_identity, format_wall
from plctl.common.base.errors import BusyError, PlctlError, WorldError
from plctl.common.base.log import EventLog
from plctl.common.base.units import NS_PER_S
from plctl.common.plan.run_request import RunRequest
from plctl.common.protocol import requests as rq
from plctl.controller.hub.agent_hub import AgentHub
from plctl.controller.hub.journal import RunEntry
from plctl.controller.hub.presence import AgentRecord
from plctl.controller.lifecycle import run_events as ev
from plctl.controller.report.finishing import Finisher
from plctl.controller.results.run_folder import RunFolder, new_run_id
from plctl.controller.results.run_reader import read_record
from plctl.controller.results.run_record import EarlierAttempt, RunRecord
from plctl.controller.run.broken import write_verdict
from plctl.controller.run.cleaning import Cleaner
from plctl.controller.run.retry import attempts_until, next_id, note_retry
from plctl.controller.run.run_plan import planned, plans_of
from plctl.controller.run.session import Session, new_first_command
from plctl.controller.scheduling.occupancy import Occupancy
from plctl.controller.scheduling.placement import Need, NoRoomError, Offer, need_of, place, place_later
from plctl.controller.scheduling.run_queue import RunQueue
from plctl.controller.service import interpreter
from plctl.controller.service.disk import write_out
from plctl.controller.service.dispatcher import Requester
from plctl.controller.service.retries import Retries
from plctl.controller.service.run_view import RunView
from plctl.controller.spec.request_check import check_request

_WAITS = "hosts have no room for it now"
#: How often a run that waits looks whether an agent has come back, or brought more room.
_LOOK_S = 1.0


@dataclass(frozen=True, slots=True)
class ActiveRun:
    """A run that goes on."""

    session: Session
    view: RunView
    record: RunRecord


class RunManager:
    """The runs whose agents are on `agent_hub`; their folders are below `base`, their course in the hub's journal."""

    def __init__(self, agent_hub: AgentHub, clock: Clock, base: Path, log: EventLog) -> None:
        self._agent_hub = agent_hub
        self._journal = agent_hub.journal
        self._clock = clock
        self._base = base
        self._log = log
        self._cleaner = Cleaner(agent_hub)
        agent_hub.set_stray_listener(self._release_unknown)
        self._finisher = Finisher()
        self._retries = Retries(self._journal, clock, log, self._begin_again)
        self._active: dict[str, ActiveRun] = {}
        self._placing = asyncio.Lock()  #: one run after the other: each counts on the room that it was shown
        self.occupancy = Occupancy()  #: of hosts by runs that have begun, or are about to, and are not over
        self.queue = RunQueue()
        self._room = asyncio.Condition()  #: told when hosts or the queue have changed
        self._tasks: asyncio.TaskGroup

    # --- what others ask

    def active(self, run: str) -> ActiveRun | None:
        """The run, if it goes on."""
        return self._active.get(run)

    def views(self) -> dict[str, RunView]:
        """Those of all runs that go on."""
        return {run: active.view for run, active in self._active.items()}

    def folder(self, run: str) -> Path:
        """Where the run's results are.

        :raises UserError: there is no such run.
        """
        return self._base / self._journal.run(run).run

    # --- what changes something

    async def submit(self, requester: Requester, submit: rq.Submit) -> rq.Submitted:
        """Place a run and begin it, or let it wait for hosts that are taken.

        :raises UserError: it is none, fits nowhere, or names hosts that are not here.
        :raises WorldError: its folder cannot be written.
        """
        if known := self._journal.requested(requester.name, requester.id):  # by a life before this one
            return rq.Submitted(known.run, _assignments(read_record(self._base / known.run)))
        if submit.plan_only:
            assignments, waits = await asyncio.to_thread(_place, submit, self._offers())
            return rq.Submitted("", assignments, waits=_WAITS if waits else "")
        return await self._begin(requester, submit)

    async def _begin_again(self, requester: Requester, submit: rq.Submit, before: RunRecord) -> str:
        return (await self._begin(requester, submit, before)).run

    async def _begin(self, requester: Requester, submit: rq.Submit, before: RunRecord | None = None) -> rq.Submitted:
        """Place a run and begin it; with `before`, as the attempt after that one."""
        async with self._placing:
            avoid = before.setback_by if before else ()
            assignments, waits = await asyncio.to_thread(_place, submit, self._offers(), avoid)
            now_ns = self._clock.wall_ns()
            run = next_id(before, self._base) if before else new_run_id(submit.request.name, now_ns)
            (self.queue if waits else self.occupancy).add(run, assignments)  # nobody else may count on that room
        try:
            attempts = attempts_until(before) if before else ()
            record, folder = await asyncio.to_thread(
                _write_plan, self._base, submit, assignments, run, now_ns, attempts=attempts
            )
        except BaseException:
            self._give_room_back(run)
            raise
        phase = ev.RunPhase.QUEUED if waits else ev.RunPhase.NEW
        entry = _entry(record, requester, new_first_command(), phase, report=submit.report)
        try:
            self._journal.add_run(replace(entry, retry_of=before.run if before else ""))
            self._retries.keep(run, submit)
            self._journal.follow(run, folder.grown)
            self._journal.commit_for_good()
        except BaseException:  # whoever asked is told so: it never began
            self._journal.drop_run(run)
            folder.close()
            self._give_room_back(run)
            raise
        self._log.emit("run.submitted", run=run, client=requester.name, links=entry.links, hosts=len(entry.hosts))
        note_retry(folder, record, self._clock)
        active = self._open(entry, record, folder)
        self._spawn(self._carry(run, folder, self._run_in_turn(active.session, run)))
        interpreter.set_aside()
        return rq.Submitted(run, assignments, waits=self.waits(run))

    def _give_room_back(self, run: str) -> None:
        """Of a run that does not begin."""
        self.occupancy.remove(run)
        self.queue.remove(run)

    def waits(self, run: str) -> str:
        """What the run waits for, in words; empty if it does not wait."""
        if run not in self.queue:
            return self._retries.waits(run)
        before = len(self.queue.before(run))
        return _WAITS + (f"; {before} run{'s' * (before > 1)} before it in the queue" if before else "")

    async def cancel(self, requester: Requester, cancel: rq.Cancel) -> rq.Done:
        """End a run in good order.

        :raises UserError: there is no such run, or it is over.
        """
        self._journal.run(cancel.run)
        if self._retries.cancel(cancel.run):
            return rq.Done(f"run {cancel.run} is not made again")
        if not (active := self._active.get(cancel.run)):
            raise BusyError(f"run {cancel.run} is over")
        active.session.cancel(f"{cancel.cause or 'cancelled'} ({requester.name})")
        self.queue.remove(cancel.run)
        await self._tell_waiting()
        return rq.Done(f"run {cancel.run} is being ended")

    async def change(self, requester: Requester, change: rq.ChangeLink) -> rq.LinkChanged:
        """Change a link of a run while it runs.

        :raises UserError: there is no such run or link, or it cannot be changed so, or not now.
        :raises WorldError: its host does not answer.
        """
        self._journal.run(change.run)
        if not (active := self._active.get(change.run)):
            raise BusyError(f"run {change.run} is over")
        return rq.LinkChanged(change.link, await active.session.change(change.link, change.change, requester.name))

    async def clean(self, _: Requester, clean: rq.Clean) -> rq.Done:
        """Let every host that is here take away what it has of a run that is over, known or not.

        :raises BusyError: it goes on.
        :raises WorldError: a host could not.
        """
        if clean.run in self.occupancy or clean.run in self.queue:
            raise BusyError(f"run {clean.run} goes on; end it first: plctl cancel {clean.run}")
        done, not_done = await self._cleaner.clean(clean.run)
        if not_done:
            raise WorldError(f"not all of run {clean.run} is gone:\n" + "\n".join(not_done))
        return rq.Done(f"nothing of run {clean.run} is left on {len(done)} host{'s' if len(done) != 1 else ''}")

    # --- life and death

    def begin(self, tasks: asyncio.TaskGroup) -> None:
        """Carry runs in `tasks`, those of this controller's last life first; what then goes on is left to the next."""
        self._tasks = tasks
        self._cleaner.begin(tasks)
        for entry in self._journal.unfinished():
            path = self._base / entry.run
            try:
                record = read_record(path)
                if entry.phase == ev.RunPhase.QUEUED and not entry.verdict:
                    self._queue_again(entry, record, path)
                    continue
                self.occupancy.add(entry.run, _assignments(record))
                if entry.verdict:
                    self._spawn(self._finish(entry.run, path))
                else:
                    self._resume(entry, record, path)
            except PlctlError as error:
                self._give_up(entry, str(error))

    def _resume(self, entry: RunEntry, record: RunRecord, path: Path) -> None:
        course = self._journal.course(entry.run)  # first: of an older journal it may not be readable
        folder = RunFolder.reopen(path, self._journal.sizes(entry.run))
        active = self._open(entry, record, folder)
        self._journal.follow(entry.run, folder.grown)
        event: ev.Resumed | ev.Interrupted = ev.Resumed("the controller was started again")
        if entry.clock != clock_identity():
            event = ev.Interrupted("the controller's machine was started again")
        self._log.emit("run.resumed", run=entry.run, phase=entry.phase, cause=event.cause)
        self._spawn(self._carry(entry.run, folder, active.session.resume(course, event)))

    def _queue_again(self, entry: RunEntry, record: RunRecord, path: Path) -> None:
        self.queue.add(entry.run, _assignments(record))
        folder = RunFolder.reopen(path, self._journal.sizes(entry.run))
        active = self._open(entry, record, folder)
        self._journal.follow(entry.run, folder.grown)
        self._spawn(self._carry(entry.run, folder, self._run_in_turn(active.session, entry.run)))

    # --- the queue

    async def _run_in_turn(self, session: Session, run: str) -> RunRecord:
        """Let a run begin once nobody waits before it and its hosts have room."""
        while run in self.queue and not await self._take_room(run):
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_S), self._room:
                    await self._room.wait()
        await self._tell_waiting()
        return await session.run()

    def _has_room(self, run: str) -> bool:
        if not self.queue.is_first(run):
            return False
        offers = {offer.name: offer for offer in self._offers()}
        return all(host in offers and offers[host].has_room_for(need) for host, need in self.queue.needs(run).items())

    async def _take_room(self, run: str) -> bool:
        """Whether the run's hosts have room, which is its own from now on."""
        async with self._placing:
            if run not in self.queue or not self._has_room(run):
                return False
            self.occupancy.add(run, _assignments(self._active[run].record))
            self.queue.remove(run)
            self._journal.enter(run, ev.RunPhase.NEW)
            return True

    async def _tell_waiting(self) -> None:
        async with self._room:
            self._room.notify_all()

    # --- the end

    def _give_up(self, entry: RunEntry, cause: str) -> None:
        """A run whose folder is gone or spoiled cannot be gone on with; its hosts are to forget it."""
        self._log.emit("run.broke", run=entry.run, cause=cause)
        self.occupancy.remove(entry.run)
        self._cleaner.owe(entry.run, entry.hosts)
        self._journal.judge(entry.run, "failed", cause)
        self._journal.end(entry.run)
        self._journal.commit_for_good()
        self._spawn(self._complete_broken(entry.run, cause))

    async def _complete_broken(self, run: str, cause: str) -> None:
        """What there is of it is completed all the same, if it can be."""
        if await write_verdict(self._base / run, cause, self._clock):
            try:
                await self._finisher.finish(self._base / run, report=False)
            except PlctlError as error:
                self._log.emit("run.not_completed", run=run, cause=str(error))

    def _open(self, entry: RunEntry, record: RunRecord, folder: RunFolder) -> ActiveRun:
        view = RunView(record)
        session = Session(
            plans_of(record), folder, self._agent_hub, self._clock, view, first_command=entry.first_command
        )
        active = self._active[entry.run] = ActiveRun(session, view, record)
        return active

    def _release_unknown(self, run: str, host: str) -> None:
        if not self._journal.knows(run):
            self._cleaner.owe_unknown(run, host)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.create_task(by_itself(work, "a run")).add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled():  # else the process is about to end
            asyncio.get_running_loop().call_soon(interpreter.look_again)

    async def _carry(self, run: str, folder: RunFolder, session: Coroutine[Any, Any, RunRecord]) -> None:
        """Let a run come to its end, then complete its folder."""
        verdict, cause = "failed", ""
        try:
            record = await session
            verdict, cause = record.verdict, record.cause
        except PlctlError as error:
            cause = str(error)
        except Exception as error:  # our bug; the other runs are to go on
            cause = f"a bug in plctl: {error!r}"
            self._log.emit("run.broke", run=run, cause=cause, traceback=traceback.format_exc())
        finally:
            try:
                folder.close()
            except WorldError as error:  # nothing that was to be written is missing
                self._log.emit("run.not_completed", run=run, cause=str(error))
        self._cleaner.owe(run, self._active[run].session.owed)
        await self._write_down(lambda: self._journal.judge(run, verdict, cause))
        self._log.emit("run.judged", run=run, verdict=verdict, cause=cause)
        if cause and verdict == "failed":
            await write_verdict(folder.path, cause, self._clock)  # unless it stands there already
        await self._finish(run, folder.path)

    async def _finish(self, run: str, path: Path) -> None:
        try:
            await self._finisher.finish(path, report=self._journal.run(run).report)
            await asyncio.to_thread(write_out, path)  # the journal forgets what it would take to complete it again
        except PlctlError as error:
            self._log.emit("run.not_completed", run=run, cause=str(error))
        self._active.pop(run, None)
        self.occupancy.remove(run)
        await self._tell_waiting()
        await self._retries.retry(run, path)
        await self._write_down(lambda: self._journal.end(run))
        self._log.emit("run.done", run=run)
        await self._tell_waiting()

    async def _write_down(self, write: Callable[[], None]) -> None:
        """Write to the journal for good, however long its disk says no: a run that is over is not to hang on that."""
        told = False
        while True:
            try:
                write()  # again each time: what could not be committed may have been rolled back
                self._journal.commit_for_good()
            except WorldError as error:
                if not told:
                    self._log.emit("journal.refused", cause=str(error))
                told = True
                await self._clock.sleep_until(self._clock.monotonic_ns() + round(_LOOK_S * NS_PER_S))
            else:
                return

    def _offers(self) -> list[Offer]:
        return [self._offer(name, agent) for name, agent in self._agent_hub.agents.items() if agent.here]

    def _offer(self, name: str, agent: AgentRecord) -> Offer:
        capacity = agent.hello.capacity
        room = Need(capacity.memory_bytes, capacity.packets_per_s)
        return Offer(name, room, max(1, capacity.workers), self.occupancy.taken(name), self.queue.promised(name))


# In threads: ten thousand links take a second each.


def _place(
    submit: rq.Submit, offers: list[Offer], avoid: Collection[str] = ()
) -> tuple[tuple[rq.Assignment, ...], bool]:
    """Where the links go, and whether they must wait until there is room; not where to `avoid`, if others will do."""
    check_request(submit.request)
    if others := [offer for offer in offers if offer.name not in avoid] if avoid else []:
        with suppress(PlctlError):
            crowded = [replace(offer, taken=offer.taken + offer.promised) for offer in others]
            return place(_without(submit.request, avoid), crowded, submit.policy), False
    crowded = [replace(offer, taken=offer.taken + offer.promised) for offer in offers]
    try:
        return place(submit.request, crowded, submit.policy, force=submit.force), False
    except NoRoomError:
        if not submit.wait:
            raise
    return place_later(submit.request, crowded, submit.policy), True


def _without(request: RunRequest, avoid: Collection[str]) -> RunRequest:
    """`request`, in which no link with a choice asks for a host to `avoid` by its name."""
    links = (
        replace(link, hosts=tuple(h for h in link.hosts if h not in avoid) or link.hosts) for link in request.links
    )
    return replace(request, links=tuple(links))


def _write_plan(
    base: Path,
    submit: rq.Submit,
    assignments: tuple[rq.Assignment, ...],
    run: str,
    now_ns: int,
    *,
    attempts: tuple[EarlierAttempt, ...],
) -> tuple[RunRecord, RunFolder]:
    hosts, created_utc = {each.link: each.host for each in assignments}, format_wall(now_ns)
    record = planned(submit.request, hosts, run, command=submit.command, created_utc=created_utc, attempts=attempts)
    folder = RunFolder.create(base, run)
    try:
        folder.record_plan(record, submit.request.sources)
    except BaseException:
        folder.close()
        raise
    return record, folder


def _entry(
    record: RunRecord, requester: Requester, first_command: int, phase: ev.RunPhase, *, report: bool
) -> RunEntry:
    return RunEntry(
        run=record.run,
        name=record.name,
        client=requester.name,
        request=requester.id,
        submitted_utc=record.created_utc,
        links=len(record.links),
        hosts=tuple(dict.fromkeys(link.host for link in record.links)),
        clock=clock_identity(),
        first_command=first_command,
        phase=phase,
        labels=record.labels,
        report=report,
    )


def _assignments(record: RunRecord) -> tuple[rq.Assignment, ...]:
    """What was placed where, as `place` had it."""
    needs = ((link, need_of(link.plan)) for link in record.links)
    return tuple(rq.Assignment(k.plan.name, k.host, need.memory_bytes, need.packets_per_s) for k, need in needs)
