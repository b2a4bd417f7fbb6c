"""Follows a run by asking again and again how it is, and shows it as `plctl run` shows its own."""

from __future__ import annotations

from rich.console import Console

from plctl.common.base.clock import Clock, RealClock
from plctl.common.base.errors import UserError
from plctl.common.base.units import NS_PER_MS
from plctl.common.protocol.requests import RunState
from plctl.controller.lifecycle.run_events import RunPhase
from plctl.controller.results.run_record import RunRecord
from plctl.controller.view.foreground import Foreground, ForegroundView
from plctl.controller.view.live import LiveView
from plctl.controller.view.live_model import LiveModel
from plctl.controller.view.live_state import apply_state
from plctl.controller.view.run_source import BROKEN_OFF, RunSource, read_record

#: Between two questions.
ASK_NS = 400 * NS_PER_MS


def is_over(state: RunState) -> bool:
    """Whether nothing more will come of the run."""
    return state.info.phase == BROKEN_OFF or (state.info.phase == RunPhase.DONE and bool(state.info.verdict))


async def follow(
    source: RunSource, run: str, console: Console, clock: Clock | None = None, foreground: Foreground | None = None
) -> RunRecord:
    """Show the run on `console` until it is over; its record, with the verdicts.

    :param foreground: passes on what the run's one program prints, in place of the run's figures.

    :raises UserError: there is no such run.
    :raises WorldError: the controller is lost.
    """
    clock = clock or RealClock()
    record = await read_record(source, run)
    state = await source.state(run)
    if foreground:
        await _follow_program(source, run, state, ForegroundView(console), foreground, clock=clock)
        return await read_record(source, run)
    shown = _Controllers(clock)
    shown.set(state.now_ns)
    with LiveView(console, [link.plan for link in record.links], record.duration_ns, clock_ns=shown.now_ns) as view:
        before = None
        while True:
            shown.set(state.now_ns)
            for link in apply_state(view.model, before, state):
                view.set_state(link.link, link.state, link.cause)
            view.set_phase(state.info.phase)
            view.tick()
            if is_over(state):
                break
            await clock.sleep_until(clock.monotonic_ns() + ASK_NS)
            before, state = state, await source.state(run)
    return await read_record(source, run)


async def _follow_program(
    source: RunSource, run: str, state: RunState, view: ForegroundView, foreground: Foreground, *, clock: Clock
) -> None:
    told: set[str] = set()

    async def read(path: str, offset: int) -> bytes:
        try:
            return (await source.read(run, path, offset)).data
        except UserError:  # nothing was printed yet
            return b""

    while True:
        await foreground.pump(read)
        for link in state.links:
            if link.cause and link.link not in told:
                told.add(link.link)
                view.say(f"{link.link}: {link.state}: {link.cause}")
        if is_over(state):
            return await foreground.pump(read)
        await clock.sleep_until(clock.monotonic_ns() + ASK_NS)
        state = await source.state(run)


def picture(record: RunRecord, state: RunState) -> LiveModel:
    """The run as `state` has it, for a single look."""
    model = LiveModel([link.plan for link in record.links], record.duration_ns)
    apply_state(model, None, state)
    model.phase = state.info.phase
    return model


class _Controllers:
    """The controller's clock as far as it is known here: exact enough for a progress bar."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._offset_ns = 0

    def set(self, now_ns: int) -> None:
        self._offset_ns = now_ns - self._clock.monotonic_ns()

    def now_ns(self) -> int:
        return self._clock.monotonic_ns() + self._offset_ns
