"""The agent: one process per host that does what the controller says, for as long as it is told or lives.

The shell around run_host.py: it speaks the protocol, starts the forwarder, and leaves nothing behind when it goes.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Callable
from dataclasses import asdict

from plctl.agent.capacity import estimate_capacity
from plctl.agent.forwarder_client import ForwarderClient
from plctl.agent.forwarder_memory import default_budget
from plctl.agent.ledger import Ledger
from plctl.agent.local_status import StatusFile
from plctl.agent.outbox import Outbox
from plctl.agent.reap import reap
from plctl.agent.run_host import Host, RunHost
from plctl.agent.sd_notify import Notifier
from plctl.common import __version__
from plctl.common import messages as m
from plctl.common import presence as ps
from plctl.common.clock import Clock, ClockIdentity, clock_identity
from plctl.common.errors import ProtocolError, VersionError, WorldError
from plctl.common.forwarder_options import ForwarderOptions
from plctl.common.host_facts import gather_host_facts
from plctl.common.state import Owner
from plctl.common.transport import Spoke
from plctl.common.units import NS_PER_S

#: Links that one agent can hold; each costs some shared memory once it is used.
SLOTS = 4096
STATUS_NS = 1 * NS_PER_S
#: Answers that are kept so that a command that comes twice is carried out once.
REMEMBERED_ANSWERS = 1000
#: Runs that are over and cannot be prepared again, should their PREPARE come once more after its answer was forgotten.
REMEMBERED_RUNS = 1000


class Agent:
    """Connects to a controller through `spoke` and serves it until GOODBYE or `stop`."""

    def __init__(self, name: str, spoke: Spoke, clock: Clock, forwarder: ForwarderOptions | None = None) -> None:
        self.name = name
        self._forwarder_options = forwarder or ForwarderOptions()
        self._spoke = spoke
        self._clock = clock
        self._controller_clock: ClockIdentity | None = None
        self._outbox = Outbox()
        self._runs: dict[str, RunHost] = {}
        self._over: deque[str] = deque(maxlen=REMEMBERED_RUNS)
        self._answers: dict[int, m.Envelope | None] = {}  #: by command; None while it is being carried out
        self._notifier = Notifier()
        self._status_file: StatusFile | None = None
        self._forwarder: ForwarderClient | None = None
        self._forwarder_lock = asyncio.Lock()
        self._stopped = asyncio.Event()
        self._welcomed = asyncio.Event()

    def stop(self) -> None:
        """Leave soon; safe to call from a signal handler."""
        self._stopped.set()

    async def serve(self) -> None:
        """Reap what predecessors left, then serve; returns when everything that this agent made is gone again.

        :raises KernelError: the state folder cannot be used.
        """
        await asyncio.to_thread(reap)
        with Owner.create(f"agent-{self.name}-{os.getpid()}") as owner:
            ledger = Ledger(owner.ledger_path)
            self._status_file = StatusFile(owner.path, self.name, self._notifier)
            self._tell_host()
            host = Host(
                name=self.name,
                clock=self._clock,
                ledger=ledger,
                folder=owner.path,
                forwarder=lambda: self._living_forwarder(ledger),
                slots=set(range(SLOTS)),
                report=self._report,
                reply=self._reply,
                waiting=lambda: self._outbox.waiting,
                offset_ns=self._offset_ns,
            )
            works = [self._receive(host), self._introduce(), self._report_status()]
            if self._notifier.watchdog_ns:
                works.append(self._status_file.feed_watchdog(self._clock))
            tasks = [asyncio.create_task(work) for work in works]
            stopped = asyncio.create_task(self._stopped.wait())
            try:
                await asyncio.wait([*tasks, stopped], return_when=asyncio.FIRST_COMPLETED)
                await self._leave()
            finally:
                for task in (*tasks, stopped):
                    task.cancel()
                await asyncio.gather(*tasks, stopped, return_exceptions=True)
                if self._forwarder:
                    await self._forwarder.close()
                ledger.close()
                owner.remove()
        for task in tasks:
            if not task.cancelled() and (error := task.exception()):
                raise error

    async def _leave(self) -> None:
        await asyncio.gather(*(run.abandon() for run in self._runs.values()))
        await self._send(m.Envelope(m.Goodbye()))

    # --- what comes in

    async def _receive(self, host: Host) -> None:
        while not self._stopped.is_set():
            data = await self._spoke.receive()
            try:
                envelope = m.decode(data, "controller")
            except VersionError:
                raise
            except ProtocolError as error:
                await self._send(m.Envelope(m.Refused(str(error))))
                continue
            await self._obey(envelope, host)

    async def _obey(self, envelope: m.Envelope, host: Host) -> None:
        match envelope.message:
            case m.Welcome(_, clock, acknowledged):
                self._controller_clock = clock
                self._welcomed.set()
                self._tell_host()
                self._outbox.acknowledge(acknowledged)
                for kept in self._outbox.unacknowledged():
                    await self._send(kept)
            case m.Ack(number):
                self._outbox.acknowledge(number)
            case m.Goodbye():
                self.stop()
            case m.Refused(cause):
                raise WorldError(f"the controller refuses this agent: {cause}")
            case ps.Heartbeat():
                pass
            case _:
                await self._command(envelope, host)

    async def _command(self, envelope: m.Envelope, host: Host) -> None:
        """Carry a command out once, however often it comes."""
        if envelope.id in self._answers:
            if answer := self._answers[envelope.id]:
                await self._send(answer)
            return
        self._remember(envelope.id, None)
        kind = type(envelope.message).__name__
        bound_ns, source = self._clock_bound()
        if self._has_expired(envelope):
            await self._refuse(envelope, f"{kind} came after it had expired")
        elif isinstance(envelope.message, m.Prepare):
            await self._prepare(envelope, envelope.message, host)
        elif isinstance(envelope.message, m.Arm | m.Commit) and bound_ns < 0:
            await self._refuse(envelope, source)
        elif run := self._runs.get(envelope.epoch):
            await run.command(envelope, bound_ns, source)
        elif isinstance(envelope.message, m.Release):
            await self._reply(envelope.id, m.Released(), envelope.epoch)
        else:
            await self._refuse(envelope, f"{kind} is for run {envelope.epoch}, which is not here")

    async def _prepare(self, envelope: m.Envelope, prepare: m.Prepare, host: Host) -> None:
        if envelope.epoch in self._over:
            await self._refuse(envelope, f"PREPARE for run {envelope.epoch}, which is over")
            return
        if envelope.epoch in self._runs or prepare.plan.run != envelope.epoch:
            await self._refuse(envelope, f"PREPARE for run {envelope.epoch} came twice or names another run")
            return
        run = RunHost(prepare.plan, envelope.id, host)
        self._runs[envelope.epoch] = run
        self._tell_host()
        await run.begin()

    # --- what goes out

    async def _introduce(self) -> None:
        """Begin every connection with HELLO: whoever is at its other end now may never have heard of this agent."""
        while True:
            await self._spoke.connected()
            await self._say_hello()

    async def _say_hello(self) -> None:
        facts = {name: str(fact) for name, fact in asdict(gather_host_facts()).items()}
        capacity = estimate_capacity(self._forwarder_options)
        await self._send(m.Envelope(m.Hello(self.name, __version__, os.getpid(), clock_identity(), facts, capacity)))

    async def _report_status(self) -> None:
        await self._welcomed.wait()
        while True:
            await self._send(m.Envelope(self._status()))
            await self._clock.sleep_until(self._clock.monotonic_ns() + STATUS_NS)

    def _status(self) -> ps.Status:
        bound_ns, source = self._clock_bound()
        forwarder = self._forwarder
        free = forwarder.free_bytes if forwarder and not forwarder.died.done() else default_budget()
        return ps.Status(0, bound_ns, source, -1, self._outbox.waiting, free)

    async def _reply(self, command: int, message: m.Message, epoch: str) -> None:
        answer = m.Envelope(message, reply_to=command, epoch=epoch)
        self._remember(command, answer)
        if isinstance(message, m.Released) and epoch in self._runs:
            del self._runs[epoch]
            self._over.append(epoch)
            self._tell_host()
        await self._send(answer)

    async def _refuse(self, envelope: m.Envelope, cause: str) -> None:
        await self._reply(envelope.id, m.Refused(cause), envelope.epoch)

    async def _report(self, make: Callable[[int], m.Message], epoch: str, expendable: bool) -> None:
        await self._send(self._outbox.put(make, epoch, expendable=expendable))

    async def _send(self, envelope: m.Envelope) -> None:
        await self._spoke.send(m.encode(envelope))

    def _tell_host(self) -> None:
        if self._status_file:
            self._status_file.update(serving=self._welcomed.is_set(), runs=self._runs)

    def _remember(self, command: int, answer: m.Envelope | None) -> None:
        self._answers[command] = answer
        while len(self._answers) > REMEMBERED_ANSWERS:
            del self._answers[next(iter(self._answers))]

    # --- what the runs share

    def _has_expired(self, envelope: m.Envelope) -> bool:
        """Whether a command is void; not before the controller's clock is known, but then neither ARM nor COMMIT is
        obeyed."""
        now = self._controller_now_ns()
        return now is not None and 0 < envelope.expires_ns < now

    def _controller_now_ns(self) -> int | None:
        """What the controller's monotonic clock shows, None if that is not known."""
        offset_ns = self._offset_ns()
        return None if offset_ns is None else self._clock.monotonic_ns() + offset_ns

    def _offset_ns(self) -> int | None:
        """Controller's monotonic clock − this host's, None if that is not known.

        The one place where this host's clock is translated; an offset that was measured belongs here.
        """
        bound_ns, _ = self._clock_bound()
        return 0 if bound_ns >= 0 else None

    def _clock_bound(self) -> tuple[int, str]:
        """How far this clock may be from the controller's, in nanoseconds, and how that is known; −1 and why if not."""
        if self._controller_clock == clock_identity():
            return 0, "the same clock"
        return -1, "the controller's clock is another one, and its offset is not known"

    async def _living_forwarder(self, ledger: Ledger) -> ForwarderClient:
        async with self._forwarder_lock:
            if self._forwarder and self._forwarder.died.done():
                await self._forwarder.close()
                self._forwarder = None
            if self._forwarder is None:
                self._forwarder = await ForwarderClient.spawn(ledger, SLOTS, self._forwarder_options)
            return self._forwarder
