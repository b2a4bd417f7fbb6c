"""Takes a validated request through a run on this machine: folder, embedded controller, session, report."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console

from plctl.common.base.clock import Clock, RealClock
from plctl.common.base.units import NS_PER_MS
from plctl.common.plan.run_plan import RunPlan
from plctl.common.plan.run_request import RunRequest
from plctl.common.telemetry.samples import Samples
from plctl.controller.launch.embedded import embedded_controller
from plctl.controller.launch.local_agent import LOCAL_HOST, LocalAgent
from plctl.controller.lifecycle.run_events import RunPhase
from plctl.controller.report import page as _page  # noqa: F401  # it imports for half a second: before T0, not at the end
from plctl.controller.report.finishing import finish
from plctl.controller.results.run_folder import RunFolder, new_run_id
from plctl.controller.results.run_record import RunRecord, rfc3339
from plctl.controller.run.run_plan import planned, plans_of
from plctl.controller.run.session import Session
from plctl.controller.view.live import LiveView

#: How often the clock on the screen goes on.
TICK_NS = 200 * NS_PER_MS


def run_locally(request: RunRequest, out: Path, console: Console, agent: LocalAgent) -> tuple[RunRecord, Path]:
    """Run `request` on this machine and write its results below `out`; the verdicts and the run's folder.

    Ctrl-C cancels in good order: the links are taken away and the results written.

    :raises UserError: the kernel cannot carry links.
    :raises WorldError: the results cannot be written, or the local agent does not start.
    """
    agent.require_kernel()
    clock = RealClock()
    folder = RunFolder.create(out, new_run_id(request.name, clock.wall_ns()))
    hosts = {link.plan.name: LOCAL_HOST for link in request.links}
    created_utc = rfc3339(clock.wall_ns())
    record = planned(request, hosts, folder.run, command=tuple(sys.argv), created_utc=created_utc)
    try:
        folder.record_plan(record, request.sources)
        asyncio.run(_run(plans_of(record)[LOCAL_HOST], folder, clock, console, agent))
        with console.status("writing the report …"):
            folder.close()
            finish(folder.path)
    finally:
        folder.close()
    assert folder.record is not None
    return folder.record, folder.path


class _Watcher:
    """Shows on a screen what a session says of itself."""

    def __init__(self, view: LiveView) -> None:
        self._view = view

    def phase(self, phase: RunPhase, t0_ns: int) -> None:
        if phase is RunPhase.COMMITTED:
            self._view.start(t0_ns)
        else:
            self._view.set_phase(phase)

    def samples(self, host: str, samples: Samples) -> None:  # noqa: ARG002  (one host)
        self._view.update(samples)

    def note(self, event: str, host: str, link: str, facts: Mapping[str, object]) -> None:  # noqa: ARG002  (one host)
        if link:
            self._view.set_state(link, event.removeprefix("link."), str(facts.get("cause", "")))


async def _run(plan: RunPlan, folder: RunFolder, clock: Clock, console: Console, agent: LocalAgent) -> None:
    with LiveView(console, plan.links, plan.duration_ns) as view:
        async with embedded_controller(clock, agent) as agent_hub:
            session = Session({LOCAL_HOST: plan}, folder, agent_hub, clock, _Watcher(view))
            loop = asyncio.get_running_loop()
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(number, session.cancel, f"{signal.Signals(number).name} was sent to plctl run")
            ticking = asyncio.create_task(_tick(view, clock))
            try:
                await session.run()
            finally:
                ticking.cancel()
                await asyncio.gather(ticking, return_exceptions=True)


async def _tick(view: LiveView, clock: Clock) -> None:
    while True:
        view.tick()
        await clock.sleep_until(clock.monotonic_ns() + TICK_NS)
