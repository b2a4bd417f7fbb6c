"""`plctl link start`: emulates a hand-made link in the foreground until Ctrl-C, and says what goes through it."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from plctl.agent.forwarder.data_plane import DataPlane, start_data_plane
from plctl.agent.kernel.link_namespaces import raise_buffers
from plctl.agent.link import control, live_session
from plctl.agent.link import report as link_report
from plctl.agent.link.hand_link import HandLink, hold
from plctl.agent.link.live_session import LiveSession
from plctl.agent.ownership.ledger import Ledger
from plctl.common.base.errors import WorldError
from plctl.common.base.units import NS_PER_MS, NS_PER_S, format_duration
from plctl.common.cli.start import CANCELLED
from plctl.common.cli.terminal import echo, echo_drawn, warn
from plctl.common.plan.forwarder_options import ForwarderOptions
from plctl.common.plan.offload import decide_coalesce
from plctl.common.plan.run_plan import LinkPlan, Queue, Reconfiguration, StartMode
from plctl.common.scenario.readers.opening import given_files, read_scenario
from plctl.common.scenario.readers.read_as import ReadAs
from plctl.common.telemetry.samples import LinkStats, sample

_SLOT = 0
_LOOK_S = 0.1  #: how often the counters are looked at, so that a start is told soon
_REPORT_NS = 1 * NS_PER_S
#: A reading is good that is dated so well; of so many the last is taken, if none is.
_DATED_WITHIN_NS, _READINGS = NS_PER_MS // 2, 20
_APP_START_LEAD_NS = 100 * NS_PER_MS  #: between arming and T0


def make_plan(
    scenario: Sequence[str],
    reading: ReadAs,
    link: HandLink,
    *,
    queue: Queue,
    reconfiguration_ms: float,
    reconfiguration_mode: str,
    startup_mode: str,
    repeat: bool,
    overhead_bytes: int,
    coalesce_ns: int,
    constants: Mapping[str, int],
) -> LinkPlan:
    """What phantomlink's options ask for, of the scenario in these files; its warnings go to stderr.

    :raises InputError: the scenario is wrong.
    """
    found = read_scenario(given_files(scenario), reading, repeat=repeat)
    for warning in found.warnings:
        warn(warning)
    path = found.scenario.with_constants(constants, constants)
    start = "at-t0" if startup_mode == "app-start" else startup_mode
    return LinkPlan(
        link.name,
        path.up,
        path.down,
        queue=queue,
        reconfiguration=Reconfiguration(
            round(reconfiguration_ms * NS_PER_MS), "all" if reconfiguration_mode == "all" else "gsl"
        ),
        overhead_bytes=overhead_bytes,
        mtu=link.mtu,
        offload=link.offload,
        coalesce_ns=decide_coalesce(coalesce_ns, link.offload, path.up, path.down),
        start=cast(StartMode, start),
    )


def read_dated(read: Callable[[], LinkStats], now_ns: Callable[[], int] = time.monotonic_ns) -> tuple[int, LinkStats]:
    """What `read` gives and when that was: this process may be interrupted between the two, on a busy machine for long.

    A line that divided what was counted by another time than it was counted in would show more than the path can carry.
    """
    for _ in range(_READINGS):
        before_ns = now_ns()
        stats = read()
        after_ns = now_ns()
        if after_ns - before_ns <= _DATED_WITHIN_NS:
            break
    return after_ns, stats


def run(link: HandLink, plan: LinkPlan, duration_ns: int, forwarder: ForwarderOptions, seed: int) -> None:
    """Emulate `link` until SIGINT, SIGTERM or, if `duration_ns` is not 0, until so much scenario time has passed.

    What is drawn for its frames follows from `seed`.

    Ends the process with 1 if this machine lost frames, with 130 if a signal came before the end of the duration.

    :raises BusyError: another process emulates it.
    :raises WorldError: the forwarder died, or the kernel refused something.
    """
    with hold(link) as ledger:
        raise_buffers(link.namespaces, plan)
        outcome = asyncio.run(_Emulation(link, plan, duration_ns, seed).run(ledger, forwarder))
    echo(link_report.format_summary(outcome.stats, outcome.end_ns))
    if lost := link_report.count_lost(outcome.stats):
        raise WorldError(f"this machine lost {lost} frames of its own accord: what was emulated is not the scenario")
    if outcome.cut_short:
        sys.exit(CANCELLED)


@dataclass(frozen=True, slots=True)
class _Outcome:
    stats: LinkStats
    end_ns: int
    cut_short: bool


class _Emulation:
    """One emulation, from opening the ports to the last reading."""

    def __init__(self, link: HandLink, plan: LinkPlan, duration_ns: int, seed: int) -> None:
        self._link = link
        self._plan = plan
        self._duration_ns = duration_ns
        self._seed = seed
        self._stopped = asyncio.Event()
        self._line = _LiveLine()

    async def run(self, ledger: Ledger, options: ForwarderOptions) -> _Outcome:
        """Emulate until told to stop.

        :raises WorldError: the forwarder died, or the kernel refused something.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stopped.set)
        forwarder = await start_data_plane(ledger, _SLOT + 1, options)
        try:
            for refusal in (await forwarder.terms()).refused:
                self._line.tell(f"warning: {refusal}")
            await forwarder.add(_SLOT, self._link.namespaces.link, self._plan, seed=self._seed)
            for direction, schedule in (("up", self._plan.up), ("down", self._plan.down)):
                if schedule.opportunities:
                    count = schedule.opportunities.count
                    self._line.tell(f"{direction}: {count} delivery opportunities; the rate told is their mean")
            await self._set_off(forwarder)
            live = LiveSession(self._link, forwarder, _SLOT, self._line.tell, seed=self._seed)
            live_session.forget(self._link)
            try:
                async with control.serving(self._link.folder, live.handle):
                    await self._follow(forwarder)
            finally:
                live_session.keep(self._link, live.recorded())
            stats, end_ns = forwarder.read(_SLOT), time.monotonic_ns()
        finally:
            self._line.finish()
            await forwarder.close()
        return _Outcome(stats, end_ns, bool(self._duration_ns) and self._stopped.is_set())

    async def _set_off(self, forwarder: DataPlane) -> None:
        emulating = f"emulating link {self._link.name} with seed {self._seed}"
        if self._plan.start == "at-t0":
            await forwarder.arm([_SLOT], time.monotonic_ns() + _APP_START_LEAD_NS)
            self._line.tell(f"{emulating}; Ctrl-C ends it")
        else:
            await forwarder.trigger(_SLOT)
            what = self._plan.start.replace("-", " ")
            self._line.tell(f"{emulating}; by the first row until the {what}; Ctrl-C ends it")

    async def _follow(self, forwarder: DataPlane) -> None:
        """Report until the end.

        :raises WorldError: the forwarder died.
        """
        told_ns, told = read_dated(lambda: forwarder.read(_SLOT))
        ready_ns = told_ns
        while not self._stopped.is_set():
            await self._wait(forwarder)
            now, stats = read_dated(lambda: forwarder.read(_SLOT))
            if stats.started_ns and not told.started_ns:
                self._tell_start(stats, ready_ns)
                told = _with_start(told, stats)
            if self._is_over(stats, now):
                return
            if now - told_ns >= _REPORT_NS:
                self._report(forwarder.plan_of(_SLOT), told, stats, (told_ns, now))
                told, told_ns = stats, now

    def _report(self, plan: LinkPlan, before: LinkStats, after: LinkStats, interval: tuple[int, int]) -> None:
        """Tell of an interval, unless the scenario waits for its first frame and nothing came."""
        since_ns, now_ns = interval
        samples = sample(plan, before, after, now_ns, now_ns - since_ns)
        if after.started_ns or any(each.arrived_packets for each in samples):
            scenario_ns = now_ns - after.t0_ns if after.started_ns else -1
            self._line.show(
                link_report.format_interval(samples, scenario_ns), link_report.format_short(samples, scenario_ns)
            )

    async def _wait(self, forwarder: DataPlane) -> None:
        """Return at the next look, or earlier when told to stop."""
        stop = asyncio.create_task(self._stopped.wait())
        waiting: set[asyncio.Future[Any]] = {stop, forwarder.died}
        done, _ = await asyncio.wait(waiting, timeout=_LOOK_S, return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        if forwarder.died in done:
            raise WorldError(f"link {self._link.name} is no longer emulated: {forwarder.died.result()}")

    def _is_over(self, stats: LinkStats, now_ns: int) -> bool:
        return bool(self._duration_ns and stats.started_ns) and now_ns - stats.t0_ns >= self._duration_ns

    def _tell_start(self, stats: LinkStats, ready_ns: int) -> None:
        if self._plan.start == "at-t0":
            self._line.tell("scenario time began")
        else:
            after = format_duration(max(0, stats.started_ns - ready_ns))
            self._line.tell(f"the {self._plan.start.replace('-', ' ')} came after {after}: scenario time began")


def _with_start(told: LinkStats, stats: LinkStats) -> LinkStats:
    """`told`, knowing the start, so that it is told once."""
    return LinkStats(told.up, told.down, stats.t0_ns, stats.started_ns)


class _LiveLine:
    """Lines on stdout: on a terminal the newest report replaces the one before, elsewhere each stands."""

    def __init__(self) -> None:
        self._terminal = sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        self._open = False

    def show(self, report: str, short: str) -> None:
        """A report; on a terminal that is too narrow for it, `short`."""
        if not self._terminal:
            echo(report)
            return
        width = shutil.get_terminal_size().columns
        fitting = report if len(report) < width else short
        echo_drawn(f"\r\x1b[K{fitting[: width - 1]}", nl=False)
        self._open = True

    def tell(self, sentence: str) -> None:
        """Something that is to stay."""
        self.finish()
        echo(sentence)

    def finish(self) -> None:
        """End the line that would be replaced."""
        if self._open:
            echo()
            self._open = False
