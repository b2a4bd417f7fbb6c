"""Runs that did not start, or lost an agent, are made again: elsewhere if need be, as often as asked; all is told."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from plctl.common.base.clock import ClockIdentity, RealClock
from plctl.common.base.log import Event, make_log
from plctl.common.plan.run_plan import LinkPlan
from plctl.common.plan.run_request import LinkRequest, RunRequest
from plctl.common.protocol import messages as m
from plctl.common.protocol import presence as ps
from plctl.common.protocol import requests as rq
from plctl.common.scenario.schedule import Row, Schedule
from plctl.common.transport.hub_and_spoke import LocalHub
from plctl.common.transport.refusals import Refusals
from plctl.controller.hub.journal import Journal
from plctl.controller.results.run_reader import read_events, read_record
from plctl.controller.service import retries
from plctl.controller.service.daemon import Controller

SCHEDULE = Schedule((Row(0, 0, 1, 10**6),))
REQUEST = RunRequest("r", 1, (LinkRequest(LinkPlan("x", SCHEDULE, SCHEDULE)),), duration_ns=1, retries=1)
PATIENCE_S = 60
CLOCK = ClockIdentity("boot", "t")

#: What an agent says to a command; None: nothing.
Answer = Callable[[m.Message], m.Message | None]


def fails(message: m.Message) -> m.Message:
    """No link can be built here."""
    return m.Prepared((m.LinkReadiness("x", "no veth"),)) if isinstance(message, m.Prepare) else m.Released()


class Stage:
    """A controller, an operator, and whatever agents a test wants."""

    def __init__(self, base: Path, journal: Path | None = None) -> None:
        self.base = base
        self.hub = LocalHub()
        self.log: list[Event] = []
        self.journal = Journal(journal)
        clock = RealClock()
        log = make_log(self.log.append, clock, host="c")
        self.controller = Controller(
            self.hub, clock, "c", runs=base, journal=self.journal, refusals=Refusals(clock), log=log
        )
        self.ada = self.hub.spoke("ada", "operator")
        self._asked = 0
        self._tasks: list[asyncio.Task[None]] = []

    async def ask(self, request: rq.ClientRequest) -> m.Message:
        """The answer that ada gets."""
        self._asked += 1
        await self.ada.send(m.encode(m.Envelope(request, id=self._asked)))
        return m.decode(await asyncio.wait_for(self.ada.receive(), PATIENCE_S), "controller").message

    async def submit(self, request: RunRequest) -> str:
        """Its run's id."""
        answer = await self.ask(rq.Submit(request, report=False))
        assert isinstance(answer, rq.Submitted), answer
        return answer.run

    async def info(self, run: str) -> rq.RunInfo:
        """How it is."""
        answer = await self.ask(rq.ReadRun(run))
        assert isinstance(answer, rq.RunState), answer
        return answer.info

    async def over(self, run: str) -> rq.RunInfo:
        """How it is in the end."""
        return await self.until(run, lambda info: info.phase == "done")

    async def until(self, run: str, holds: Callable[[rq.RunInfo], bool]) -> rq.RunInfo:
        """How it is once that holds."""
        while not holds(info := await self.info(run)):
            await asyncio.sleep(0.01)
        return info

    async def agent(self, name: str, answer: Answer, pid: int = 1) -> asyncio.Task[None]:
        """An agent that answers commands so, and is heard all the time; cancel it and it is silent."""
        spoke = self.hub.spoke(name)

        async def live() -> None:
            while True:
                await spoke.send(m.encode(m.Envelope(ps.Status(0, 0, "the same clock", 0, 0, 2**30))))
                await asyncio.sleep(1)

        async def obey() -> None:
            while True:
                envelope = m.decode(await spoke.receive(), "controller")
                if envelope.id and (said := answer(envelope.message)):
                    await spoke.send(m.encode(m.Envelope(said, epoch=envelope.epoch, reply_to=envelope.id)))

        async def both() -> None:
            await asyncio.gather(live(), obey())

        hello = m.Hello(name, "0.1.0", pid, CLOCK, capacity=m.HostCapacity(2**30, 10**6, 1))
        await spoke.send(m.encode(m.Envelope(hello)))
        await spoke.receive()
        task = asyncio.create_task(both())
        self._tasks.append(task)
        return task

    async def close(self) -> None:
        """End everybody."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@asynccontextmanager
async def serving(base: Path, journal: Path | None = None) -> AsyncIterator[Stage]:
    """A controller that serves."""
    stage = Stage(base, journal)
    task = asyncio.create_task(stage.controller.serve())
    try:
        yield stage
    finally:
        stage.controller.stop()
        await task
        await stage.close()
        stage.journal.close()


async def test_a_run_that_did_not_start_is_made_again_on_another_host(tmp_path: Path) -> None:
    """Each attempt is a run with a folder of its own; the second avoids the host of the first and tells of it."""
    async with serving(tmp_path) as stage:
        await stage.agent("a", fails)
        first = await stage.submit(REQUEST)
        await stage.agent("b", fails)
        info = await stage.over(first)
        second = f"{first}-2"
        assert (second, "") == (info.retried_as, info.retry_of)
        last = await stage.over(second)
        assert ("", first) == (last.retried_as, last.retry_of), "two attempts were asked for, no third"
    before, after = read_record(tmp_path / first), read_record(tmp_path / second)
    assert ("a", "not started", ("a",)) == (before.links[0].host, before.setback, before.setback_by)
    assert ("b", "not started", ("b",)) == (after.links[0].host, after.setback, after.setback_by)
    (told,) = after.attempts
    assert (first, "not started", before.cause, ("a",)) == (told.run, told.setback, told.cause, told.setback_by)
    (event,) = [each for each in read_events(tmp_path / second) if each["event"] == "run.retry"]
    assert (first, 2, before.cause) == (event["retry_of"], event["attempt"], event["cause"])
    retried = [each for each in stage.log if each["event"] == "run.retried"]
    assert [(first, second)] == [(each["run"], each["retry"]) for each in retried]


async def test_a_host_at_fault_is_avoided_also_where_the_request_names_it(tmp_path: Path) -> None:
    """Beside another, which will do."""
    (link,) = REQUEST.links
    async with serving(tmp_path) as stage:
        await stage.agent("a", fails)
        await stage.agent("b", fails)
        first = await stage.submit(replace(REQUEST, links=(replace(link, hosts=("a", "b")),)))
        for attempt in (first, f"{first}-2"):
            await stage.over(attempt)
    hosts = {read_record(tmp_path / run).links[0].host for run in (first, f"{first}-2")}
    assert {"a", "b"} == hosts


async def test_where_there_is_no_other_host_the_same_one_is_tried_again(tmp_path: Path) -> None:
    """Being avoided is no reason for not running at all."""
    async with serving(tmp_path) as stage:
        await stage.agent("a", fails)
        first = await stage.submit(REQUEST)
        for attempt in (first, f"{first}-2"):
            await stage.over(attempt)
    assert {first, f"{first}-2"} == {path.name for path in tmp_path.iterdir()}
    assert "a" == read_record(tmp_path / f"{first}-2").links[0].host


async def test_a_run_waits_for_hosts_to_be_made_again_also_over_the_controllers_end(tmp_path: Path) -> None:
    """The run is not over while its retry waits, and says so; the next controller makes it once there is a host."""
    runs, journal = tmp_path / "runs", tmp_path / "journal"

    def leaves(_: m.Message) -> m.Message:
        return m.Goodbye("its host goes down")

    async with serving(runs, journal) as stage:
        await stage.agent("a", leaves)
        first = await stage.submit(REQUEST)
        info = await stage.until(first, lambda info: "no agent is connected" in info.cause)
        assert ("releasing", "") == (info.phase, info.verdict)
        assert info.cause.startswith("it will be made again once there are hosts for it")
    async with serving(runs, journal) as stage:
        await stage.agent("b", fails, pid=2)
        assert f"{first}-2" == (await stage.over(first)).retried_as
        await stage.over(f"{first}-2")
    record = read_record(runs / first)
    assert "agent lost: a left: its host goes down" in record.cause
    assert "b" == read_record(runs / f"{first}-2").links[0].host


async def test_a_controller_that_is_killed_makes_the_retry_once(tmp_path: Path) -> None:
    """Before it has begun, the next life begins it; afterwards that life goes on with it, and makes no other."""
    alive = tmp_path / "alive"
    async with serving(alive / "runs", alive / "journal") as stage:
        await stage.agent("a", lambda _: m.Goodbye("its host goes down"))
        first = await stage.submit(REQUEST)
        await stage.until(first, lambda info: "hosts for it" in info.cause)
        shutil.copytree(alive, tmp_path / "before")  # nothing else runs meanwhile: it is what SIGKILL would leave
        await stage.agent("b", fails)
        await stage.until(first, lambda info: bool(info.retried_as))
        shutil.copytree(alive, tmp_path / "after")
    for left in (tmp_path / "before", tmp_path / "after"):
        async with serving(left / "runs", left / "journal") as stage:
            await stage.agent("b", fails, pid=2)
            assert f"{first}-2" == (await stage.over(first)).retried_as
            last = await stage.over(f"{first}-2")
        assert ("failed", "", first) == (last.verdict, last.retried_as, last.retry_of)
        assert {first, f"{first}-2"} == {path.name for path in (left / "runs").iterdir()}
        (told,) = read_record(left / "runs" / f"{first}-2").attempts
        assert (first, "not started", ("a",)) == (told.run, told.setback, told.setback_by)


async def test_a_retry_can_be_cancelled_while_it_waits(tmp_path: Path) -> None:
    """Then the run is over as it was."""

    async with serving(tmp_path) as stage:
        await stage.agent("a", lambda _: m.Goodbye())
        first = await stage.submit(REQUEST)
        await stage.until(first, lambda info: "hosts for it" in info.cause)
        assert rq.Done(f"run {first} is not made again") == await stage.ask(rq.Cancel(first, "enough"))
        assert ("", "failed") == ((info := await stage.over(first)).retried_as, info.verdict)


async def test_hosts_that_never_come_are_not_waited_for_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When patience is over the log says why the run was not made again."""
    monkeypatch.setattr(retries, "PATIENCE_NS", 0)
    async with serving(tmp_path) as stage:
        await stage.agent("a", lambda _: m.Goodbye())
        first = await stage.submit(REQUEST)
        await stage.over(first)
        (event,) = [each for each in stage.log if each["event"] == "run.not_retried"]
        assert "there were no hosts for it: no agent is connected" in str(event["cause"])


async def test_a_run_that_somebody_cancelled_is_not_made_again(tmp_path: Path) -> None:
    """It did not start either, but nobody wants it."""

    async with serving(tmp_path) as stage:
        await stage.agent("a", lambda message: None if isinstance(message, m.Prepare) else fails(message))
        run = await stage.submit(REQUEST)
        await stage.ask(rq.Cancel(run, "c"))
        assert ("", "cancelled") == ((info := await stage.over(run)).retried_as, info.verdict)
    assert [run] == [path.name for path in tmp_path.iterdir()]
