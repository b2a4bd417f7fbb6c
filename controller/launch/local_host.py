"""This machine as a place for many runs: one controller, one agent and one forwarder serve all of them.

So what a run pays for by itself (two interpreters, a doctor, a forwarder) is paid for once:

    async with local_host() as host:
        for request in requests:
            record, folder = await host.run(request, Path("runs"))
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from plctl.common.base.background import background
from plctl.common.base.clock import Clock, RealClock
from plctl.common.host.caller import give_to_caller
from plctl.common.plan.forwarder_options import ForwarderOptions
from plctl.common.plan.run_plan import RunPlan
from plctl.common.plan.run_request import RunRequest, check_hosts
from plctl.common.telemetry.samples import Samples
from plctl.controller.hub.agent_hub import AgentHub
from plctl.controller.launch.embedded import embedded_hub, serving
from plctl.controller.launch.local_agent import LOCAL_HOST, LocalAgent, agent_address, agent_folder
from plctl.controller.launch.planning import plan_run
from plctl.controller.lifecycle.run_events import RunPhase
from plctl.controller.report.finishing import Finisher
from plctl.controller.results import run_columns  # noqa: F401  # once, and not while a run starts
from plctl.controller.results.run_folder import RunFolder, complete
from plctl.controller.results.run_record import RunRecord
from plctl.controller.run import books  # noqa: F401  # likewise
from plctl.controller.run.cleaning import Cleaner
from plctl.controller.run.recorder import RunWatcher
from plctl.controller.run.retry import may_retry
from plctl.controller.run.session import Session

_CANCELLED = "the run was cancelled by the program that asked for it"


class Unwatched:
    """Nobody looks while a run goes on."""

    def phase(self, phase: RunPhase, t0_ns: int) -> None:
        """As `Observer` has it."""

    def samples(self, host: str, samples: Samples) -> None:
        """As `Observer` has it."""

    def note(self, event: str, host: str, link: str, facts: Mapping[str, object]) -> None:
        """As `Observer` has it."""

    def begin(self, cancel: Callable[[str], object]) -> None:
        """As `RunWatcher` has it."""

    def complete(self) -> None:
        """As `RunWatcher` has it."""


#: Gives the run that writes a folder, whose plan is recorded, somebody who watches it.
Watch = Callable[[RunFolder], RunWatcher]


def unwatched(_folder: RunFolder) -> RunWatcher:
    """Nobody for any run."""
    return Unwatched()


class LocalHost:
    """Carries runs, one after the other or several at once. An agent that died is replaced before the next run."""

    def __init__(
        self, folder: Path, options: ForwarderOptions, agent_hub: AgentHub, clock: Clock, cleaner: Cleaner
    ) -> None:
        """`folder` is an owner's, in which `agent_hub` listens for the agent. Use `local_host`.

        `cleaner` has the agent release runs that were over without it.
        """
        self._folder = folder
        self._options = options
        self._agent_hub = agent_hub
        self._clock = clock
        self._cleaner = cleaner
        self._agent: LocalAgent | None = None
        self._serving = AsyncExitStack()
        self._replacing = asyncio.Lock()
        self._finisher = Finisher()

    async def run(
        self,
        request: RunRequest,
        out: Path,
        *,
        watch: Watch = unwatched,
        begun: Callable[[str], None] = lambda _run: None,
        report: bool = False,
        command: Sequence[str] = tuple(sys.argv),
    ) -> tuple[RunRecord, Path]:
        """Run `request` and write its results to a new folder below `out`; the verdicts and that folder. A run that is
        to be retried has a folder for each attempt; what is returned is the last.

        When the task that waits for it is cancelled, the run is cancelled in good order first: its links are taken
        away, its results and verdicts (`cancelled`) written.

        :param watch: asked for each attempt who hears what happens while it goes on.
        :param begun: told of each attempt's id once there is a folder, and before anything else is touched.
        :param report: draw report.html, too, which takes two seconds; `plctl report` can do that later.
        :param command: the argv that asked for the run, for its record.

        :raises InputError: the request names other hosts.
        :raises WorldError: the results cannot be written, or the agent does not start.
        """
        record: RunRecord | None = None
        while True:
            record, folder = await self._attempt(
                request, out, watch=watch, begun=begun, report=report, command=command, before=record
            )
            if not may_retry(record):
                return record, folder

    async def _attempt(
        self,
        request: RunRequest,
        out: Path,
        *,
        watch: Watch,
        begun: Callable[[str], None],
        report: bool,
        command: Sequence[str],
        before: RunRecord | None,
    ) -> tuple[RunRecord, Path]:
        check_hosts(request, [LOCAL_HOST])
        await self.start()
        plan, folder = plan_run(request, out, self._clock, command, before)
        try:
            try:
                watcher = watch(folder)
                begun(folder.run)
                record = await self._carry(plan, folder, watcher)
            finally:
                folder.close()
            if report:
                await self._finisher.finish(folder.path)
            else:
                await asyncio.to_thread(complete, folder.path)
            watcher.complete()
        finally:
            await asyncio.to_thread(give_to_caller, folder.path)
        return record, folder.path

    async def start(self) -> None:
        """See that there is an agent. `run` does that, too.

        :raises UserError: this machine cannot carry links; the message says what it lacks and how to get that.
        :raises WorldError: the agent does not start; the message ends with what it said.
        """
        async with self._replacing:
            if self._agent and self._agent.lives:
                return
            await self._serving.aclose()
            agent = LocalAgent(self._options)
            self._serving.callback(agent.end)
            agent.begin(self._folder)
            await asyncio.to_thread(agent.require_kernel)
            await self._serving.enter_async_context(serving(agent, self._agent_hub))
            self._agent = agent

    async def close(self) -> None:
        """Let the agent leave."""
        await self._serving.aclose()

    async def _carry(self, plan: RunPlan, folder: RunFolder, watcher: RunWatcher) -> RunRecord:
        session = Session({LOCAL_HOST: plan}, folder, self._agent_hub, self._clock, watcher)
        watcher.begin(session.cancel)
        carrying = asyncio.create_task(session.run())
        cancelled: asyncio.CancelledError | None = None
        while not carrying.done():
            try:
                await asyncio.wait({carrying})
            except asyncio.CancelledError as error:
                cancelled = error
                session.cancel(_CANCELLED)
        self._agent_hub.journal.end(plan.run)  # nobody takes it up again, and the journal is in memory
        self._agent_hub.journal.commit()
        self._cleaner.owe(plan.run, session.owed)  # by an agent that was not heard for a while, and goes on
        if cancelled:
            raise cancelled
        return carrying.result()


@asynccontextmanager
async def local_host(forwarder: ForwarderOptions | None = None, clock: Clock | None = None) -> AsyncIterator[LocalHost]:
    """This machine, ready for runs whose forwarder runs as `forwarder` says; when the block is left, nothing is left.

    :raises UserError: this machine cannot carry links, or the path of its state folder is too long.
    :raises KernelError: the state folder cannot be written.
    :raises WorldError: the agent does not start.
    """
    clock = clock or RealClock()
    with agent_folder() as folder:
        async with embedded_hub(clock, agent_address(folder)) as agent_hub, background() as tasks:
            cleaner = Cleaner(agent_hub)
            cleaner.begin(tasks)
            host = LocalHost(folder, forwarder or ForwarderOptions(), agent_hub, clock, cleaner)
            try:
                await host.start()
                yield host
            finally:
                await host.close()
