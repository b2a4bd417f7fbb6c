"""A study's runs at a controller: one that is away for a while is waited for, and so are its hosts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from support.fake_controller import client_of
from support.synthetic_run import RUN, handover_plan, make_run

from plctl.common.base.clock import FakeClock
from plctl.common.base.units import NS_PER_S
from plctl.common.client.controller_client import RefusedError
from plctl.common.plan.run_request import LinkRequest, RunRequest
from plctl.common.protocol import messages as m
from plctl.common.protocol import requests as rq
from plctl.controller.launch.study_carriers import RemoteCarrier

REQUEST = RunRequest("handover", 1, (LinkRequest(handover_plan()),))
NOBODY = m.Refused("no agent is connected")
OVER = rq.RunState(rq.RunInfo(RUN, "handover", "done", "ada", "", 1, ("edge-1",), "ok"), 1, 2, 3, ())


def controller(answers: list[m.Message], folder: Path | None = None) -> Callable[[rq.ClientRequest], m.Message]:
    """One that gives `answers` to what is submitted, the last again and again, and has the run in `folder`."""

    def answer(request: rq.ClientRequest) -> m.Message:
        match request:
            case rq.Submit():
                return answers.pop(0) if len(answers) > 1 else answers[0]
            case rq.ReadRun():
                return OVER
            case rq.ListFiles() if folder:
                files = [path for path in folder.rglob("*") if path.is_file()]
                return rq.Files(tuple(rq.FileInfo(str(p.relative_to(folder)), p.stat().st_size) for p in files))
            case rq.ReadFile(_, path, offset, length) if folder:
                data = (folder / path).read_bytes()
                return rq.FilePart(data[offset : offset + length], offset, len(data), over=True)
        return m.Refused("that was not to be asked")

    return answer


async def let_pass(clock: FakeClock, task: asyncio.Task[object]) -> None:
    """Let time pass until `task` is done."""
    async with asyncio.timeout(10):
        while not task.done():
            clock.advance(NS_PER_S)
            await asyncio.sleep(0.001)  # files are read in threads


async def test_hosts_that_are_away_are_waited_for(tmp_path: Path) -> None:
    """As after the controller was started again, when its agents come one by one; the reason is said once."""
    with make_run(tmp_path / "there") as made:
        folder = made.path
    clock, told, begun = FakeClock(), list[str](), list[str]()
    async with client_of(controller([NOBODY, NOBODY, rq.Submitted(RUN, ())], folder)) as client:
        carrier = RemoteCarrier(client, tmp_path / "here", clock=clock, tell=told.append)
        task = asyncio.create_task(carrier.carry(REQUEST, begun.append))
        await let_pass(clock, task)
        assert RUN == task.result().run
    assert ([RUN], ["the controller has no place now: no agent is connected; trying again"]) == (begun, told)
    assert (tmp_path / "here" / RUN / "run.json").exists()


async def test_a_study_does_not_wait_for_hosts_for_ever(tmp_path: Path) -> None:
    """After ten minutes the controller's reason ends it."""
    clock = FakeClock()
    async with client_of(controller([NOBODY])) as client:
        carrier = RemoteCarrier(client, tmp_path, clock=clock)
        before_ns = clock.monotonic_ns()
        task = asyncio.create_task(carrier.carry(REQUEST, lambda _run: None))
        await let_pass(clock, task)
        with pytest.raises(RefusedError, match="no agent is connected"):
            task.result()
    assert 600 * NS_PER_S < clock.monotonic_ns() - before_ns < 700 * NS_PER_S


async def test_before_anything_runs_a_refusal_counts(tmp_path: Path) -> None:
    """It tells of a mistake; later, that there is no room now."""
    async with client_of(controller([NOBODY])) as client:
        carrier = RemoteCarrier(client, tmp_path)
        with pytest.raises(RefusedError, match="no agent is connected"):
            await carrier.check(REQUEST)
        assert not await carrier.has_room(REQUEST)
