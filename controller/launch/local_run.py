"""Takes a validated request through a run on this machine: folder, embedded controller, session, report."""

from __future__ import annotations

import asyncio
import importlib
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from plctl.common.base.clock import Clock, RealClock
from plctl.common.base.units import NS_PER_MS
from plctl.common.host.caller import give_to_caller
from plctl.common.plan.run_plan import RunPlan
from plctl.common.plan.run_request import RunRequest
from plctl.common.telemetry.samples import Samples
from plctl.controller.launch.embedded import embedded_hub, serving
from plctl.controller.launch.interrupts import Interrupts
from plctl.controller.launch.local_agent import LOCAL_HOST, LocalAgent, agent_address, agent_folder
from plctl.controller.launch.planning import plan_run
from plctl.controller.launch.report_import import ReportImport
from plctl.controller.launch.run_page import run_page
from plctl.controller.lifecycle.run_events import RunPhase
from plctl.controller.lifecycle.waits import Waits
from plctl.controller.report.finishing import finish
from plctl.controller.results.run_folder import RunFolder, complete
from plctl.controller.results.run_record import RunRecord
from plctl.controller.run.retry import may_retry, told
from plctl.controller.run.session import Session
from plctl.controller.view.foreground import Foreground, ForegroundView, Read, read_below
from plctl.controller.view.live import LiveView
from plctl.controller.view.screen import tell_where

if TYPE_CHECKING:
    from plctl.controller.web.server import WebOptions
    from plctl.controller.web.sources.embedded_run import EmbeddedRun

#: How often the clock on the screen goes on.
TICK_NS = 200 * NS_PER_MS
#: How often what a program prints is passed on.
PUMP_NS = 50 * NS_PER_MS

View = LiveView | ForegroundView


def run_locally(
    request: RunRequest,
    out: Path,
    console: Console,
    agent: LocalAgent,
    *,
    interrupts: Interrupts,
    foreground: Foreground | None = None,
    report: bool = True,
    another_agent: Callable[[], LocalAgent],
    page: WebOptions | None = None,
) -> tuple[RunRecord, Path]:
    """Run `request` on this machine and write its results below `out`; the verdicts and the run's folder. A run that is
    to be retried has a folder for each attempt; what is returned is the last.

    Ctrl-C, SIGTERM and the end of the terminal cancel in good order: the links are taken away and the results written.

    :param interrupts: entered; whatever signal comes once there is a folder for results, they are written.
    :param foreground: passes on what the run's one program prints; the run itself then says little on `console`.
    :param report: draw report.html in the end.
    :param another_agent: starts the agent of each attempt after the first, whose is `agent`.
    :param page: how the live page is served until the folder is complete; None: not at all.

    :raises UserError: the kernel cannot carry links.
    :raises WorldError: the results cannot be written, or the local agent does not start.
    """
    record: RunRecord | None = None
    while True:
        with agent:
            record, folder = _run_once(
                request,
                out,
                console,
                agent,
                interrupts=interrupts,
                foreground=foreground,
                report=report,
                before=record,
                page=page,
            )
        if not may_retry(record) or interrupts.cause:
            return record, folder
        console.print(told(record), markup=False, soft_wrap=True)
        agent = another_agent()


def _run_once(
    request: RunRequest,
    out: Path,
    console: Console,
    agent: LocalAgent,
    *,
    interrupts: Interrupts,
    foreground: Foreground | None,
    report: bool,
    before: RunRecord | None,
    page: WebOptions | None,
) -> tuple[RunRecord, Path]:
    if not agent.has_spoken:
        importlib.import_module("plctl.controller.results.run_columns")  # what else is there to do?
    agent.require_kernel()
    interrupts.hold()
    clock = RealClock()
    with agent_folder() as meeting, agent:
        plan, folder = plan_run(request, out, clock, sys.argv, before)
        waits = Waits(((LOCAL_HOST, link) for link in plan.links), plan.duration_ns)
        view = ForegroundView(console) if foreground else LiveView(console, plan.links, plan.duration_ns, waits=waits)
        try:
            importing = ReportImport(report=report)
            course = _Course(plan, folder, clock, agent, meeting, view, interrupts, foreground, importing)
            served = partial(run_page, folder, page, partial(tell_where, console))
            _carry_through(course, served, partial(_complete, folder, console, importing if report else None))
        finally:
            folder.close()
            give_to_caller(folder.path)
    assert folder.record is not None
    return folder.record, folder.path


@dataclass(frozen=True, slots=True)
class _Course:
    """A run on this machine and all who have to do with it."""

    plan: RunPlan
    folder: RunFolder
    clock: Clock
    agent: LocalAgent
    meeting: Path  #: the folder in which it finds its controller
    view: View
    interrupts: Interrupts
    foreground: Foreground | None
    importing: ReportImport


#: Serves the page of the run, if there is to be one.
_Served = Callable[[], AbstractAsyncContextManager["EmbeddedRun | None"]]


def _carry_through(course: _Course, served: _Served, end: Callable[[], None]) -> None:
    """Run until there is a verdict and the folder is complete; a signal before there is a session is a verdict, too."""
    try:
        asyncio.run(_run(course, served, end))
    except asyncio.CancelledError:
        now_ns = course.clock.wall_ns()
        course.folder.record_result([], failures={}, cancelled=True, finished_wall_ns=now_ns)
        end()


def _complete(folder: RunFolder, console: Console, importing: ReportImport | None) -> None:
    folder.close()
    if importing:
        importing.hurry()
        with console.status("writing the report …"):
            importing.wait()
            finish(folder.path)
    else:
        complete(folder.path)


class _Watcher:
    """Shows on a screen, and on the page if there is one, what a session says of itself."""

    def __init__(self, view: View, importing: ReportImport, page: EmbeddedRun | None) -> None:
        self._view = view
        self._importing = importing
        self._page = page

    def phase(self, phase: RunPhase, t0_ns: int) -> None:
        if phase is RunPhase.RUNNING:
            self._importing.begin()
        if phase is RunPhase.COMMITTED:
            self._view.start(t0_ns)
        else:
            self._view.set_phase(phase)
        if self._page:
            self._page.phase(phase, t0_ns)

    def samples(self, host: str, samples: Samples) -> None:
        self._view.update(samples)
        if self._page:
            self._page.samples(host, samples)

    def note(self, event: str, host: str, link: str, facts: Mapping[str, object]) -> None:
        self._view.note(event, host, link, facts)
        if self._page:
            self._page.note(event, host, link, facts)


async def _run(course: _Course, served: _Served, end: Callable[[], None]) -> None:
    own_task = asyncio.current_task()
    assert own_task
    course.interrupts.attach(lambda _: own_task.cancel())
    async with AsyncExitStack() as stack:
        page = await stack.enter_async_context(served())
        try:
            with course.view as view:
                address = agent_address(course.meeting)
                agent_hub = await stack.enter_async_context(embedded_hub(course.clock, address))
                course.agent.begin(course.meeting)
                await stack.enter_async_context(serving(course.agent, agent_hub))
                watcher = _Watcher(view, course.importing, page)
                session = Session({LOCAL_HOST: course.plan}, course.folder, agent_hub, course.clock, watcher)
                course.interrupts.attach(session.cancel)
                if page:
                    page.begin(session.cancel)
                async with _beside(_tick(view, course.clock)), _passing_on(course):
                    await session.run()
        finally:
            course.interrupts.detach()
        course.agent.leave()  # while the report is drawn
        await asyncio.to_thread(end)
        if page:
            page.complete()


@asynccontextmanager
async def _passing_on(course: _Course) -> AsyncIterator[None]:
    """Pass on what the program in the foreground prints, to its last word."""
    if not course.foreground:
        yield
        return
    read = read_below(course.folder.path)
    async with _beside(_pump(course.foreground, read, course.clock)):
        yield
    await course.foreground.pump(read)


async def _pump(foreground: Foreground, read: Read, clock: Clock) -> None:
    while True:
        await foreground.pump(read)
        await clock.sleep_until(clock.monotonic_ns() + PUMP_NS)


async def _tick(view: View, clock: Clock) -> None:
    while True:
        view.tick()
        await clock.sleep_until(clock.monotonic_ns() + TICK_NS)


@asynccontextmanager
async def _beside(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Have `work` done while the block runs."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
