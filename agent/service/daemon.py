"""The agent: it carries out the controller's commands until it is told to leave, or ends.

This is its shell, which speaks the protocol; runs are carried out by its site (site.py).
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from plctl.agent.service.clock_keeper import ClockKeeper
from plctl.agent.service.reporter import Reporter
from plctl.agent.service.site import AgentServices, MakeRun, Run, Site
from plctl.common import __version__
from plctl.common.base.background import background, by_itself
from plctl.common.base.clock import Clock, clock_identity
from plctl.common.base.errors import KernelError, ProtocolError, VersionError, WorldError
from plctl.common.base.log import Event, make_log
from plctl.common.base.units import NS_PER_S, format_duration
from plctl.common.clocks.wall_watch import WallWatch
from plctl.common.plan.run_plan import find_misnamed
from plctl.common.protocol import messages as m
from plctl.common.protocol import presence as ps
from plctl.common.transport.hub_and_spoke import Spoke

STATUS_NS = 2 * NS_PER_S
#: Answers that are kept so that a command that comes twice is carried out once.
REMEMBERED_ANSWERS = 1000
#: Runs that are over and cannot be prepared again, should their PREPARE come once more after its answer was forgotten.
REMEMBERED_RUNS = 1000
#: How long an agent that leaves waits for the controller to take its last reports.
LAST_WORDS_S = 1.0


@dataclass(frozen=True, slots=True)
class AgentFigures:
    """An agent at one moment, as it sees itself."""

    runs: int  #: that it has not released
    silent_ns: int  #: since the controller was heard; −1: it never was
    status: ps.Status


class Agent:
    """Connects to a controller through `spoke` and serves it until GOODBYE or `stop`."""

    def __init__(
        self,
        name: str,
        spoke: Spoke,
        clock: Clock,
        site: Site,
        tell: Callable[[str], None] = lambda _notice: None,
        *,
        tell_change: Callable[[str], None] = lambda _change: None,
    ) -> None:
        """`tell` gets sentences that the host's owner should read, `tell_change` what changed in the agent's work."""
        self.name = name
        self._spoke = spoke
        self._tell = tell
        self._tell_change = tell_change
        self._clock = clock
        self._site = site
        self._wall = WallWatch(clock)
        self._keeper = ClockKeeper(clock, self._ask_time, self._wall.reading)
        self._reporter = Reporter(name, spoke, clock, lambda: self._keeper.offset_ns)
        self._runs: dict[str, Run] = {}
        self._shown = True  #: on this host: how it is now
        self._carrying: asyncio.TaskGroup  #: of the runs
        self._over: deque[str] = deque(maxlen=REMEMBERED_RUNS)
        self._answers: dict[int, m.Envelope | None] = {}  #: by command; None while it is being carried out
        self._asked: dict[int, str] = {}  #: the kind of each of them
        self._stopped = asyncio.Event()
        self._leaves = ""  #: why it begins nothing any more
        self._welcomed = asyncio.Event()
        self._heard_ns = 0  #: when the controller was heard last

    def figures(self) -> AgentFigures:
        """How it is now."""
        silent_ns = self._clock.monotonic_ns() - self._heard_ns if self._heard_ns else -1
        return AgentFigures(len(self._runs), silent_ns, self._status())

    def stop(self) -> None:
        """Leave soon; safe to call from a signal handler."""
        self._stopped.set()

    async def serve(self) -> None:
        """Serve; returns when everything that this agent made is gone again.

        :raises KernelError: the state folder cannot be used.
        """
        services = AgentServices(
            name=self.name,
            clock=self._clock,
            keeper=self._keeper,
            report=self._reporter.report,
            reply=self._reply,
            crowded=self._reporter.crowded,
            room=self._reporter.room,
        )
        async with self._site.open(services) as make_run, background() as self._carrying:
            self._show_status()
            works = (
                *(self._receive(make_run), self._introduce(), self._report_status(), self._site.tend()),
                *(self._keeper.keep(), self._wall.keep()),
            )
            tasks = [asyncio.create_task(work) for work in works]
            stopped = asyncio.create_task(self._stopped.wait())
            try:
                await asyncio.wait([*tasks, stopped], return_when=asyncio.FIRST_COMPLETED)
                await self._leave()
            finally:
                for task in (*tasks, stopped):
                    task.cancel()
                await asyncio.gather(*tasks, stopped, return_exceptions=True)
                self._reporter.close()
        for task in tasks:
            if not task.cancelled() and (error := task.exception()):
                raise error

    async def _leave(self) -> None:
        self._leaves = f"{self.name} is leaving: its agent was told to end"
        await asyncio.gather(*(run.abandon(self._leaves) for run in self._runs.values()))
        await self._reporter.finish(LAST_WORDS_S)
        await self._send(m.Envelope(m.Goodbye()))

    # --- what comes in

    async def _receive(self, make_run: MakeRun) -> None:
        while True:
            data = await self._spoke.receive()
            heard_ns = self._heard_ns = (
                self._clock.monotonic_ns()
            )  # as early as can be: it is t4 of an exchange of clock readings
            try:
                envelope = m.decode(data, "controller")
            except VersionError as error:
                if not self._runs:
                    raise
                self._tell(f"{error}; the runs here go on, and their results wait for a controller that serves this")
                continue
            except ProtocolError as error:
                await self._send(m.Envelope(m.Refused(str(error))))
                continue
            if isinstance(envelope.message, ps.ClockReply):
                self._keeper.handle_reply(envelope.message, heard_ns)
            else:
                await self._handle(envelope, make_run)

    async def _handle(self, envelope: m.Envelope, make_run: MakeRun) -> None:
        match envelope.message:
            case m.Welcome(controller, clock, acknowledged, gap_ns):
                self._tell_change(f"{self.name} serves the controller {controller}")
                self._keeper.set_controller(clock, gap_ns)
                self._welcomed.set()
                self._show_status()
                await self._reporter.welcome(acknowledged)
                for run in tuple(self._runs):  # one that this controller does not know, it will have released
                    await self._reporter.report(partial(m.Events, events=()), run, expendable=True)
                await self._tell_lost()
            case m.Ack(number):
                await self._reporter.acknowledge(number)
            case m.Goodbye():
                self.stop()
            case m.Refused(cause):
                raise WorldError(f"the controller refuses this agent: {cause}")
            case ps.Heartbeat(answer, notice):
                if notice:
                    self._tell(notice)
                if answer:
                    await self._send(m.Envelope(self._status()))
            case _:
                await self._command(envelope, make_run)

    async def _tell_lost(self) -> None:
        """Report by name what the host had before it was started again."""
        cause = "the host was started again"
        for run, links in self._site.take_lost().items():
            lines: list[Event] = []
            log = make_log(lines.append, self._clock, host=self.name, run=run)
            log.emit("agent.lost_links", links=list(links), cause=cause)
            self._tell_change(f"run {run} was lost, with {', '.join(links) or 'its links'}: {cause}")
            await self._reporter.report(partial(m.Events, events=tuple(lines)), run, expendable=False)

    async def _command(self, envelope: m.Envelope, make_run: MakeRun) -> None:
        """Carry a command out once, however often it comes.

        A controller whose journal has lost something may give an id a second time, to a command of another kind.
        """
        kind = type(envelope.message).__name__
        if envelope.id in self._answers and self._asked.get(envelope.id) == kind:
            if answer := self._answers[envelope.id]:
                await self._send(answer)
            return
        self._remember(envelope.id, None)
        self._asked[envelope.id] = kind
        if self._has_expired(envelope):
            cause = (
                f"{kind.upper()} came to {self.name} {self._late(envelope)} after it had expired; ease the load on this"
                " host, on the controller and on the network between them"
            )
            armed = isinstance(envelope.message, m.Arm) and envelope.epoch in self._runs
            await self._reply(envelope.id, m.NotArmed(cause) if armed else m.Refused(cause), envelope.epoch)
        elif self._leaves and not isinstance(envelope.message, m.Release):  # also of a run that was here until now
            await self._refuse(envelope, self._leaves)
        elif isinstance(envelope.message, m.Prepare):
            await self._prepare(envelope, envelope.message, make_run)
        elif run := self._runs.get(envelope.epoch):
            await run.command(envelope)
        elif isinstance(envelope.message, m.Release):
            await self._reply(envelope.id, m.Released(), envelope.epoch)
        else:
            await self._refuse(envelope, f"{kind} is for run {envelope.epoch}, which is not here")

    async def _prepare(self, envelope: m.Envelope, prepare: m.Prepare, make_run: MakeRun) -> None:
        if envelope.epoch in self._over:
            await self._refuse(envelope, f"PREPARE for run {envelope.epoch}, which is over")
            return
        if envelope.epoch in self._runs or prepare.plan.run != envelope.epoch:
            await self._refuse(envelope, f"PREPARE for run {envelope.epoch} came twice or names another run")
            return
        if (name := find_misnamed(prepare.plan.run, prepare.plan.links)) is not None:
            await self._refuse(envelope, f"PREPARE names something {name!r:.80}, which no file can be called")
            return
        run = make_run(prepare, envelope.id)
        self._runs[envelope.epoch] = run
        self._tell_change(f"run {envelope.epoch}: {_links(len(prepare.plan.links))}")
        self._show_status()
        self._carrying.create_task(by_itself(run.carry(), f"run {envelope.epoch}"))

    # --- what goes out

    async def _introduce(self) -> None:
        """Begin every connection with HELLO: whoever is at its other end now may never have heard of this agent."""
        while True:
            await self._spoke.connected()
            await self._say_hello()

    async def _say_hello(self) -> None:
        hello = m.Hello(
            *(self.name, __version__, os.getpid(), clock_identity()),
            facts=self._site.facts(),
            capacity=self._site.capacity(),
            simulated=self._site.simulated,
        )
        await self._send(m.Envelope(hello))

    async def _report_status(self) -> None:
        await self._welcomed.wait()
        while True:
            await self._send(m.Envelope(self._status()))
            if not self._shown:
                self._show_status()
            await self._clock.sleep_until(self._clock.monotonic_ns() + STATUS_NS)

    def _status(self) -> ps.Status:
        estimate = self._keeper.now()
        return ps.Status(
            offset_ns=estimate.offset_ns if estimate else 0,
            bound_ns=estimate.bound_ns if estimate else -1,
            clock_source=self._keeper.source,
            round_trip_ns=self._keeper.round_trip_ns,
            waiting=self._reporter.waiting,
            memory_bytes=self._site.free_bytes(),
        )

    async def _ask_time(self, query: ps.ClockQuery) -> None:
        await self._send(m.Envelope(query))

    async def _reply(self, command: int, message: m.Message, epoch: str) -> None:
        answer = m.Envelope(message, reply_to=command, epoch=epoch)
        self._remember(command, answer)
        if isinstance(message, m.Released) and epoch in self._runs:
            del self._runs[epoch]
            self._over.append(epoch)
            self._forget_answers(epoch, but=command)
            self._tell_change(f"run {epoch} is over, and nothing of it is left here")
            self._show_status()
        await self._send(answer)

    async def _refuse(self, envelope: m.Envelope, cause: str) -> None:
        await self._reply(envelope.id, m.Refused(cause), envelope.epoch)

    async def _send(self, envelope: m.Envelope) -> None:
        await self._spoke.send(m.encode(envelope))

    def _show_status(self) -> None:
        """A file that cannot be written keeps nobody from an answer; it is tried again with the next status."""
        try:
            self._site.show(serving=self._welcomed.is_set(), runs=tuple(self._runs))
        except KernelError as error:
            if self._shown:
                self._tell_change(f"{error}; trying again")
            self._shown = False
        else:
            self._shown = True

    def _forget_answers(self, run: str, but: int) -> None:
        """Nobody asks for them again: who has a run released has had them, and they name all its links.

        A command that came once more all the same would be refused, as the run is over.
        """
        gone = [id_ for id_, answer in self._answers.items() if answer and answer.epoch == run and id_ != but]
        for id_ in gone:
            del self._answers[id_]
            self._asked.pop(id_, None)

    def _remember(self, command: int, answer: m.Envelope | None) -> None:
        self._answers[command] = answer
        while len(self._answers) > REMEMBERED_ANSWERS:
            oldest = next(iter(self._answers))
            del self._answers[oldest]
            self._asked.pop(oldest, None)

    # --- what the runs share

    def _has_expired(self, envelope: m.Envelope) -> bool:
        """Whether a command is void; not before the controller's clock is known, but then ARM is refused anyway."""
        now_ns = self._keeper.controller_now_ns()
        return now_ns is not None and 0 < envelope.expires_ns < now_ns

    def _late(self, envelope: m.Envelope) -> str:
        return format_duration((self._keeper.controller_now_ns() or envelope.expires_ns) - envelope.expires_ns)


def _links(count: int) -> str:
    return "1 link" if count == 1 else f"{count} links"
