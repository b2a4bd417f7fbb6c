"""A run that is followed from afar: shown until it is over, whatever the controller's clock reads."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path

from rich.console import Console
from support.hostile import until
from support.synthetic_run import DURATION_NS, RUN, T0_NS, WALL_NS, handover_plan, make_run, plan_record

from plctl.common.base.clock import FakeClock
from plctl.common.base.units import NS_PER_S
from plctl.common.protocol import requests as rq
from plctl.controller.view.follow import ASK_NS, follow
from plctl.controller.view.local_runs import LocalRuns


class Course(LocalRuns):
    """A run's folder, with states that a test decides."""

    def __init__(self, base: Path, *states: rq.RunState) -> None:
        super().__init__(base)
        self.states = list(states)
        self.asked = 0

    async def state(self, run: str) -> rq.RunState:  # noqa: ARG002
        self.asked += 1
        return self.states.pop(0) if len(self.states) > 1 else self.states[0]


def state(phase: str, now_ns: int = 0, verdict: str = "", cause: str = "") -> rq.RunState:
    """A run with one link in `phase`."""
    info = rq.RunInfo(RUN, "handover", phase, "ada", "", 1, ("edge-1",), verdict)
    t0_ns = T0_NS if now_ns else 0
    return rq.RunState(info, DURATION_NS, t0_ns, now_ns, (rq.LinkState("leo-0", "edge-1", phase, cause),))


async def test_a_run_is_followed_to_its_verdicts(tmp_path: Path) -> None:
    """Phases and new causes are told once, time counts by the controller's clock, and the record is the final one."""
    make_run(tmp_path).close()
    course = Course(
        tmp_path,
        state("preparing"),
        state("running", T0_NS + 7 * NS_PER_S),
        state("running", T0_NS + 8 * NS_PER_S, cause="no carrier"),
        state("done", T0_NS + 14 * NS_PER_S, "failed", "no carrier"),
    )
    clock = FakeClock()
    console = Console(file=io.StringIO(), width=200)
    following = asyncio.create_task(follow(course, RUN, console, clock))
    for number in (1, 2, 3):
        await until(lambda number=number: course.asked == number)
        clock.advance(ASK_NS)
    record = await following
    assert "ok" == record.verdict
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert "running, 7.0 s of 14 s: leo-0 running" in text
    assert 1 == text.count("leo-0: running: no carrier")
    assert "done, 14.0 s of 14 s" in text


async def test_a_run_that_was_over_needs_one_look(tmp_path: Path) -> None:
    """Nothing is waited for."""
    folder = make_run(tmp_path)
    folder.record_plan(plan_record((handover_plan(),)))
    folder.record_result([], failures={}, cancelled=True, finished_wall_ns=WALL_NS)
    folder.close()
    record = await follow(LocalRuns(tmp_path), RUN, Console(file=io.StringIO()), FakeClock())
    assert "cancelled" == record.verdict
