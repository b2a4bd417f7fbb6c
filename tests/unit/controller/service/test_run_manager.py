"""A controller over the in-process transport: what clients ask of its runs, and what it does with hosts and folders."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from plctl.common.base.clock import RealClock, clock_identity
from plctl.common.base.errors import WorldError
from plctl.common.base.log import Event, make_log
from plctl.common.plan.run_plan import LinkPlan, Workload
from plctl.common.plan.run_request import LinkRequest, RunRequest
from plctl.common.protocol import messages as m
from plctl.common.protocol import presence as ps
from plctl.common.protocol import requests as rq
from plctl.common.scenario.schedule import Row, Schedule
from plctl.common.transport.hub_and_spoke import LocalHub, LocalSpoke
from plctl.common.transport.refusals import Refusals
from plctl.controller.hub.journal import Journal
from plctl.controller.results.run_folder import RunFolder
from plctl.controller.results.run_reader import read_record
from plctl.controller.service.daemon import Controller

ROW = Row(0, 0, 1, 10**6)
SCHEDULE = Schedule((ROW,))
LINK = LinkPlan("x", SCHEDULE, SCHEDULE)
REQUEST = RunRequest("r", 1, (LinkRequest(LINK),), duration_ns=1)
MEMORY_BYTES = 2**30
#: For what takes a moment, or the seconds of a report, on a machine with other things to do.
PATIENCE_S = 60
RESULT = m.DirectionResult(1, 1, 1, 1, lateness_p50_ns=1, lateness_p99_ns=1, lateness_max_ns=1)


class Stage:
    """A controller, an operator, and an agent `a` that does what it is told as a test wants it."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.hub = LocalHub()
        self.log: list[Event] = []
        self.journal = Journal()
        clock = RealClock()
        log = make_log(self.log.append, clock, host="c")
        self.controller = Controller(
            self.hub, clock, "c", runs=base, journal=self.journal, refusals=Refusals(clock), log=log
        )
        self.ada: LocalSpoke = self.hub.spoke("ada", "operator")
        self.agent: LocalSpoke = self.hub.spoke("a")
        self.asked = 0

    async def join(self) -> None:
        """The agent says hello."""
        capacity = m.HostCapacity(MEMORY_BYTES, 10**6, 1)
        await self.tell(m.Hello("a", "0.1.0", 1, clock_identity(), capacity=capacity))
        await self.agent.receive()

    async def live(self) -> None:
        """Give signs of life: an agent that is silent while a report is written is no host to begin the next run on."""
        while True:
            await self.tell(ps.Status(0, 0, "the same clock", 0, 0, MEMORY_BYTES))
            await asyncio.sleep(1)  # as often as agents do

    async def tell(self, message: m.Message, run: str = "", reply_to: int = 0) -> None:
        """What the agent says."""
        await self.agent.send(m.encode(m.Envelope(message, epoch=run, reply_to=reply_to)))

    async def command(self) -> m.Envelope:
        """The next command that the agent gets."""
        while True:
            envelope = m.decode(await asyncio.wait_for(self.agent.receive(), PATIENCE_S), "controller")
            if envelope.id:
                return envelope

    async def obey(self, answer: Callable[[m.Message], m.Message]) -> m.Message:
        """Answer the next command; what it was."""
        envelope = await self.command()
        await self.tell(answer(envelope.message), envelope.epoch, envelope.id)
        return envelope.message

    async def ask(self, request: rq.ClientRequest, number: int = 0) -> m.Message:
        """The answer that ada gets."""
        self.asked = number or self.asked + 1
        await self.ada.send(m.encode(m.Envelope(request, id=self.asked)))
        envelope = m.decode(await asyncio.wait_for(self.ada.receive(), PATIENCE_S), "controller")
        assert self.asked == envelope.reply_to
        return envelope.message

    async def submitted(self) -> str:
        """Submit a run; its id."""
        answer = await self.ask(rq.Submit(REQUEST, command=("plctl", "run")))
        assert isinstance(answer, rq.Submitted), answer
        return answer.run

    async def state(self, run: str) -> rq.RunState:
        """How it is."""
        answer = await self.ask(rq.ReadRun(run))
        assert isinstance(answer, rq.RunState), answer
        return answer

    async def over(self, run: str) -> rq.RunState:
        """How it is in the end."""
        while (state := await self.state(run)).info.phase != "done":
            await asyncio.sleep(0.01)
        return state


def not_ready(_: m.Message) -> m.Message:
    """The link cannot be built."""
    return m.Prepared((m.LinkReadiness("x", "no veth"),))


def released(_: m.Message) -> m.Message:
    """It is gone."""
    return m.Released()


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """A controller that serves, with one agent."""
    made = Stage(tmp_path)
    serving = asyncio.create_task(made.controller.serve())
    await made.join()
    living = asyncio.create_task(made.live())
    yield made
    living.cancel()
    made.controller.stop()
    await serving
    with suppress(asyncio.CancelledError):
        await living
    made.journal.close()


async def test_a_run_is_submitted_seen_and_over(stage: Stage) -> None:
    """From its plan to its verdict: listed at each stage, counted on its host, and complete when it is done."""
    run = await stage.submitted()
    record = read_record(stage.base / run)
    assert (("plctl", "run"), "a") == (record.command, record.links[0].host)
    agents = await stage.ask(rq.ListAgents())
    assert isinstance(agents, rq.Agents)
    assert ((run,), 1) == (agents.agents[0].runs, agents.agents[0].links)
    assert isinstance(await stage.obey(not_ready), m.Prepare)
    assert isinstance(await stage.obey(released), m.Release)
    state = await stage.over(run)
    assert ("failed", "ada") == (state.info.verdict, state.info.submitted_by)
    assert ("failed", "no veth") == (state.links[0].state, state.links[0].cause)
    files = await stage.ask(rq.ListFiles(run))
    assert isinstance(files, rq.Files)
    assert {"run.json", "events.jsonl", "report.html"} <= {file.path for file in files.files}
    part = await stage.ask(rq.ReadFile(run, "run.json"))
    assert isinstance(part, rq.FilePart)
    assert ((stage.base / run / "run.json").read_bytes(), True) == (part.data, part.over)
    listed = await stage.ask(rq.ListRuns())
    assert isinstance(listed, rq.Runs)
    assert [state.info] == [*listed.runs]


async def test_a_run_of_which_nobody_wants_a_report_has_none(stage: Stage) -> None:
    """All else is there: a study has hundreds of runs, and looks at few of them."""
    answer = await stage.ask(rq.Submit(REQUEST, report=False))
    assert isinstance(answer, rq.Submitted)
    await stage.obey(not_ready)
    await stage.obey(released)
    await stage.over(answer.run)
    names = {path.name for path in (stage.base / answer.run).iterdir()}
    assert {"run.json", "events.jsonl", "telemetry.parquet"} <= names
    assert "report.html" not in names


async def test_a_plan_touches_nothing(stage: Stage) -> None:
    """With `plan_only` it is said where links would go, and nothing is made."""
    answer = await stage.ask(rq.Submit(REQUEST, plan_only=True))
    assert isinstance(answer, rq.Submitted)
    assert ("", ["a"]) == (answer.run, [each.host for each in answer.assignments])
    assert [] == [*stage.base.iterdir()]
    assert rq.Runs(()) == await stage.ask(rq.ListRuns())


async def test_a_request_of_a_life_before_is_no_second_run(stage: Stage) -> None:
    """A SUBMIT that a client sends again to a controller that has forgotten its answer begins nothing."""
    first = await stage.ask(rq.Submit(REQUEST), 77)
    stage.controller._dispatcher._answers.clear()
    assert first == await stage.ask(rq.Submit(REQUEST), 77)
    await stage.obey(not_ready)
    await stage.obey(released)


class _Refusals:
    """A journal's disk that says no so many times."""

    def __init__(self, journal: Journal, times: int) -> None:
        self._commit = journal.commit_for_good
        self.left = times

    def __call__(self) -> None:
        if self.left > 0:
            self.left -= 1
            raise WorldError("cannot use the journal: database or disk is full")
        self._commit()


async def test_a_run_is_over_although_the_journal_could_not_be_written(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is written as soon as that is possible. The full disk is simulated: the journal is in memory here."""
    run = await stage.submitted()
    refusals = _Refusals(stage.journal, 2)
    monkeypatch.setattr(stage.journal, "commit_for_good", refusals)
    await stage.obey(not_ready)
    await stage.obey(released)
    assert "failed" == (await stage.over(run)).info.verdict
    assert 0 == refusals.left
    assert 1 == [event["event"] for event in stage.log].count("journal.refused")


async def test_a_run_is_over_although_its_folder_could_not_be_closed(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that says so at the very end costs the run neither its verdict nor its end. The disk is simulated."""
    close = RunFolder.close

    def refuse(folder: RunFolder) -> None:
        close(folder)
        raise WorldError("cannot close the results: Disk quota exceeded")

    monkeypatch.setattr(RunFolder, "close", refuse)
    run = await stage.submitted()
    await stage.obey(not_ready)
    await stage.obey(released)
    assert ("failed", "x: no veth") == ((over := await stage.over(run)).info.verdict, over.info.cause)
    assert 1 == [event["event"] for event in stage.log].count("run.not_completed")


async def test_a_run_that_the_journal_could_not_keep_never_was(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asked hears why, no list has it, and its room is free."""
    monkeypatch.setattr(stage.journal, "commit_for_good", _Refusals(stage.journal, 1))
    refused = await stage.ask(rq.Submit(REQUEST))
    assert isinstance(refused, m.Refused)
    assert "disk is full" in refused.cause
    assert rq.Runs(()) == await stage.ask(rq.ListRuns())
    run = await stage.submitted()
    await stage.obey(not_ready)
    await stage.obey(released)
    await stage.over(run)


async def test_cancel_ends_a_run_and_names_who_did(stage: Stage) -> None:
    """A run that is being prepared is released; one that is over cannot be cancelled."""
    run = await stage.submitted()
    await stage.command()
    assert isinstance(await stage.ask(rq.Cancel(run, "enough")), rq.Done)
    await stage.obey(released)
    assert "cancelled" == (await stage.over(run)).info.verdict
    assert "enough (ada)" in (stage.base / run / "events.jsonl").read_text()
    assert m.Refused(f"run {run} is over") == await stage.ask(rq.Cancel(run, "again"))


#: A run that takes more than half of the agent's packets a second.
HEAVY = Schedule((Row(0, 0, 1, 300_000 * 8 * 1514),))
LARGE = replace(REQUEST, links=(LinkRequest(LinkPlan("x", HEAVY, HEAVY)),), labels={"cc": "bbr"})


async def test_runs_wait_for_hosts_in_the_order_of_coming(stage: Stage) -> None:
    """The second and third wait, say for what, and begin one after the other; a small one passes nobody by."""
    answers = [await stage.ask(rq.Submit(LARGE)) for _ in range(3)]
    first, second, third = (answer for answer in answers if isinstance(answer, rq.Submitted))
    assert ("", "hosts have no room for it now") == (first.waits, second.waits)
    assert "hosts have no room for it now; 1 run before it in the queue" == third.waits
    state = await stage.state(third.run)
    assert ("queued", third.waits, {"cc": "bbr"}) == (state.info.phase, state.info.cause, state.info.labels)
    small = await stage.ask(rq.Submit(REQUEST))
    assert isinstance(small, rq.Submitted)
    assert "2 runs before it" in small.waits
    for run in (first.run, second.run):
        command = await stage.command()
        assert (run, m.Prepare) == (command.epoch, type(command.message))
        await stage.tell(not_ready(command.message), command.epoch, command.id)
        await stage.obey(released)
        assert "failed" == (await stage.over(run)).info.verdict
    last = [await stage.command(), await stage.command()]  # beside the third there is room for the small one
    assert [third.run, small.run] == [command.epoch for command in last]
    for command in last:
        await stage.tell(not_ready(command.message), command.epoch, command.id)
    await stage.obey(released)
    await stage.obey(released)
    assert {"failed"} == {(await stage.over(run)).info.verdict for run in (third.run, small.run)}


async def test_a_run_that_waits_can_be_cancelled(stage: Stage) -> None:
    """It is over without having begun, and whoever waited behind it moves up."""
    first, second, third = [await stage.ask(rq.Submit(LARGE)) for _ in range(3)]
    assert isinstance(first, rq.Submitted)
    assert isinstance(second, rq.Submitted)
    assert isinstance(third, rq.Submitted)
    prepare = await stage.command()
    assert isinstance(await stage.ask(rq.Cancel(second.run, "enough")), rq.Done)
    await stage.obey(released)
    assert "cancelled" == (await stage.over(second.run)).info.verdict
    assert "hosts have no room for it now" == (await stage.state(third.run)).info.cause
    await stage.tell(not_ready(prepare.message), first.run, prepare.id)
    await stage.obey(released)
    await stage.obey(not_ready)
    await stage.obey(released)
    assert "failed" == (await stage.over(third.run)).info.verdict


async def test_who_does_not_wait_is_refused_with_the_sums(stage: Stage) -> None:
    """So is a run that would not fit even if nobody else took anything."""
    await stage.ask(rq.Submit(LARGE))
    refused = await stage.ask(rq.Submit(LARGE, wait=False))
    assert isinstance(refused, m.Refused)
    assert "link x fits on no host" in refused.cause
    twice = replace(LARGE, links=(*LARGE.links, LinkRequest(LinkPlan("y", HEAVY, HEAVY))))
    refused = await stage.ask(rq.Submit(twice))
    assert isinstance(refused, m.Refused)
    assert "fits on no host" in refused.cause
    planned = await stage.ask(rq.Submit(LARGE, plan_only=True))
    assert isinstance(planned, rq.Submitted)
    assert ("", "hosts have no room for it now") == (planned.run, planned.waits)
    await stage.obey(not_ready)
    await stage.obey(released)


async def test_clean_tells_every_host_and_waits_for_it(stage: Stage) -> None:
    """Also of a run that is not known; not of one that goes on; and a host that cannot says why."""
    asking = asyncio.create_task(stage.ask(rq.Clean("old")))
    assert isinstance(await stage.obey(released), m.Release)
    assert rq.Done("nothing of run old is left on 1 host") == await asking
    asking = asyncio.create_task(stage.ask(rq.Clean("old")))
    await stage.obey(lambda _: m.Refused("a veth is busy"))
    assert m.Refused("not all of run old is gone:\na: a veth is busy") == await asking
    run = await stage.submitted()
    refused = await stage.ask(rq.Clean(run))
    assert m.Refused(f"run {run} goes on; end it first: plctl cancel {run}") == refused
    await stage.obey(not_ready)
    await stage.obey(released)


async def test_a_run_that_only_its_agent_knows_is_released(stage: Stage) -> None:
    """A journal that was moved away knows nothing of it; the host is told once, however often it speaks of it."""
    for number in (1, 2):
        await stage.tell(m.Events(number, ()), "20261128-120000-lost-1234")
    envelope = await stage.command()
    assert (m.Release(), "20261128-120000-lost-1234") == (envelope.message, envelope.epoch)
    await stage.tell(m.Refused("the disk is full"), envelope.epoch, envelope.id)
    await stage.tell(m.Released(), envelope.epoch, envelope.id)  # it tried again by itself
    while stage.journal.owed():
        await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    "request_", [rq.ReadRun("r"), rq.ListFiles(".."), rq.ReadFile("../x", "y"), rq.Cancel("r", "")]
)
async def test_a_run_that_is_not_there_is_none(stage: Stage, request_: rq.ClientRequest) -> None:
    """A run's id is looked up, and is never a path."""
    answer = await stage.ask(request_)
    assert isinstance(answer, m.Refused)
    assert "there is no run" in answer.cause


@pytest.mark.parametrize(
    ("request_", "cause"),
    [
        (replace(REQUEST, links=()), "no links"),
        (replace(REQUEST, links=REQUEST.links * 2), "two of the same name"),
        (replace(REQUEST, links=(LinkRequest(replace(LINK, name="../x")),)), "'../x' is not a name"),
        (replace(REQUEST, links=(LinkRequest(replace(LINK, up=Schedule(()))),)), "it has 0 rows"),
        (replace(REQUEST, links=(LinkRequest(replace(LINK, up=Schedule((ROW, ROW)))),)), "do not begin at 0"),
        (replace(REQUEST, links=(LinkRequest(replace(LINK, workloads=(Workload("a/b", "client", ("x",)),))),)), "name"),
        (replace(REQUEST, sample_interval_ns=0), "too short"),
        (replace(REQUEST, links=(LinkRequest(LINK, ("b*",)),)), "matches no known host"),
    ],
)  # fmt: skip
async def test_what_no_spec_could_ask_for_is_refused(stage: Stage, request_: RunRequest, cause: str) -> None:
    """Whatever program speaks for an operator: nothing is made, and the answer says why."""
    answer = await stage.ask(rq.Submit(request_))
    assert isinstance(answer, m.Refused)
    assert cause in answer.cause
    assert [] == [*stage.base.iterdir()]
