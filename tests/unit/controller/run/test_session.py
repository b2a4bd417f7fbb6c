"""A session over the in-process transport: what the agents say ends up in the run's folder, whatever they say."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Coroutine, Mapping
from pathlib import Path

import pytest
from support.synthetic_run import quiet_ends

from plctl.common.base.clock import ClockIdentity, RealClock
from plctl.common.base.errors import BusyError, UserError, WorldError
from plctl.common.plan.failure_policy import OnFailure
from plctl.common.plan.link_change import AppliedChange, LinkChange, facts_of
from plctl.common.plan.run_plan import LinkPlan, RunPlan
from plctl.common.protocol import messages as m
from plctl.common.scenario.schedule import Row, Schedule
from plctl.common.telemetry.packet_log import RECORD
from plctl.common.telemetry.samples import LinkStats, Samples, sample
from plctl.common.telemetry.witness import WorkerWatch
from plctl.common.transport.hub_and_spoke import LocalHub
from plctl.controller.hub.agent_hub import AgentHub
from plctl.controller.lifecycle.run_events import RunPhase
from plctl.controller.results import telemetry_file
from plctl.controller.results.run_folder import RunFolder
from plctl.controller.results.run_reader import read_events
from plctl.controller.results.run_record import LinkRecord, RunRecord
from plctl.controller.run.session import Session

SCHEDULE = Schedule((Row(0, 0, 1, 1),))
RESULT = m.DirectionResult(1, 1, 1, 1, lateness_p50_ns=1, lateness_p99_ns=1, lateness_max_ns=1)


class Silent:
    """An observer that remembers the phases."""

    def __init__(self) -> None:
        self.phases: list[RunPhase] = []
        self.seen: list[tuple[str, str]] = []  #: (host, link) of samples

    def phase(self, phase: RunPhase, t0_ns: int) -> None:
        """Remember it."""
        assert t0_ns >= 0
        self.phases.append(phase)

    def samples(self, host: str, samples: Samples) -> None:
        """Remember whose they are."""
        self.seen += [(host, link) for link in samples.links]

    def note(self, event: str, host: str, link: str, facts: Mapping[str, object]) -> None:
        """Not looked at here."""


class Stage:
    """A session for link `x` on host `a`, and a scripted agent that answers as told."""

    def __init__(self, tmp_path: Path, on_failure: OnFailure = "continue") -> None:
        plan = RunPlan("r-0001", 1, (LinkPlan("x", SCHEDULE, SCHEDULE, packets=True),), duration_ns=1)
        self.folder = RunFolder.create(tmp_path, "r-0001")
        self.folder.record_plan(RunRecord("r-0001", "r", 1, (LinkRecord(plan.links[0], "a"),), on_failure=on_failure))
        self.hub = LocalHub()
        self.agent_hub = AgentHub(self.hub, RealClock(), "c")
        self.view = Silent()
        self.session = Session({"a": plan}, self.folder, self.agent_hub, RealClock(), self.view)
        self.spoke = self.hub.spoke("a")
        #: An instant of the run: what is dated long before or after it is not believed.
        self.now_ns = time.monotonic_ns()
        self.number = 0
        self.told = 0  #: the id of the last command

    async def say(self, message: m.Message) -> None:
        """The agent sends `message`; if it is an answer, then to the last command."""
        await self.spoke.send(m.encode(m.Envelope(message, reply_to=self.told, epoch="r-0001")))

    async def report(self, kind: type, *fields: object) -> None:
        """The agent sends the next report of its stream."""
        self.number += 1
        await self.say(kind(self.number, *fields))

    async def command(self) -> m.Envelope:
        """The next command that the agent gets."""
        while True:
            envelope = m.decode(await asyncio.wait_for(self.spoke.receive(), 10), "controller")
            if envelope.id:
                self.told = envelope.id
                return envelope

    async def until_started(self) -> None:
        """Play an honest agent up to STARTED."""
        await self.say(m.Hello("a", "0.1.0", 1, ClockIdentity("b", "t")))
        await self.agent_hub.wait_for("a")
        await self.command()
        await self.say(m.Prepared((m.LinkReadiness("x", check="fine"),)))
        arm = (await self.command()).message
        assert isinstance(arm, m.Arm)
        await self.say(m.Armed(0, "the same clock"))
        assert (await self.command()).message == m.Commit(arm.t0_ns)
        await self.say(m.Started((m.LinkStart("x", arm.t0_ns, arm.t0_ns + 900),), 0))

    async def until_released(self) -> None:
        """Play the rest."""
        watches = {"worker": WorkerWatch(0, 1, 1, 0), "interfaces": quiet_ends(0, 1)}
        await self.report(m.Report, m.Finished((m.LinkResult("x", RESULT, RESULT, **watches),)))
        assert (await self.command()).message == m.Release()
        await self.say(m.Released())


@pytest.fixture
async def stage(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    """A stage whose agent hub is being served; a parameter is what its run says of failures."""
    made = Stage(tmp_path, getattr(request, "param", "continue"))
    serving = asyncio.create_task(made.agent_hub.serve())
    yield made
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
    made.folder.close()


async def play(stage: Stage, script: Coroutine[None, None, None]) -> RunRecord:
    """Run the session beside the agent's script, once its agent has said hello."""
    agent = asyncio.create_task(script)
    await stage.agent_hub.wait_for("a")
    record = await asyncio.wait_for(stage.session.run(), 20)
    await agent
    return record


async def test_a_run_starts_though_its_agent_was_late_once(stage: Stage) -> None:
    """Here as in a cluster: the one agent of a run on one machine is armed again, and the log says why."""

    async def late_once() -> None:
        await stage.say(m.Hello("a", "0.1.0", 1, ClockIdentity("b", "t")))
        await stage.command()
        await stage.say(m.Prepared((m.LinkReadiness("x"),)))
        first = (await stage.command()).message
        await stage.say(m.NotArmed("Arm came after it had expired"))
        second = (await stage.command()).message
        assert isinstance(first, m.Arm)
        assert isinstance(second, m.Arm)
        assert first.t0_ns < second.t0_ns
        await stage.say(m.Armed(0, "the same clock"))
        assert (await stage.command()).message == m.Commit(second.t0_ns)
        await stage.say(m.Started((m.LinkStart("x", second.t0_ns, second.t0_ns + 900),), 0))
        await stage.until_released()

    record = await play(stage, late_once())
    assert "ok" == record.verdict, record.cause
    again = [event for event in read_events(stage.folder.path) if event["event"] == "run.arming_again"]
    assert ["Arm came after it had expired"] == [event["cause"] for event in again]


async def test_an_answer_of_another_kind_answers_nothing(stage: Stage) -> None:
    """As one that was under way when a controller lost the last of its journal, and gave the id a second time."""

    async def script() -> None:
        await stage.until_started()
        await stage.report(m.Report, m.Finished((m.LinkResult("x", RESULT, RESULT),)))
        assert (await stage.command()).message == m.Release()
        await stage.say(m.Started((m.LinkStart("x", 1, 1),), 0))
        await stage.say(m.Released())

    await play(stage, script())
    assert RunPhase.DONE is stage.view.phases[-1]


async def test_a_run_leaves_its_whole_story(stage: Stage) -> None:
    """Events, artifacts, start and verdict of an honest run are all in the folder."""

    async def script() -> None:
        await stage.until_started()
        await stage.report(m.Events, ({"ts": "", "t_ns": 5, "event": "link.built", "link": "x"},))
        await stage.report(m.Artifact, "x", "w.stdout", b"hel")
        await stage.report(m.Artifact, "x", "w.stdout", b"lo")
        await stage.until_released()

    record = await play(stage, script())
    assert ("ok", 900) == (record.verdict, record.links[0].skew_ns)
    assert "hello" == (stage.folder.path / "artifacts" / "x" / "w.stdout").read_text()
    lines = (stage.folder.path / "events.jsonl").read_text().splitlines()
    events = [json.loads(line)["event"] for line in lines]
    assert {"link.built", "link.ready", "link.started", "run.arming", "run.done"} <= {*events}
    assert stage.view.phases[-1] is RunPhase.DONE


def one_sample(now_ns: int) -> Samples:
    """Telemetry of a link that did nothing, 50 ns after `now_ns`."""
    plan = LinkPlan("x", SCHEDULE, SCHEDULE)
    return Samples.of(sample(plan, LinkStats(), LinkStats(), t_ns=now_ns + 50, interval_ns=10))


async def test_what_agents_report_is_kept_in_controller_time(stage: Stage) -> None:
    """Telemetry and events are shifted by the offset that came with them, and keep their host's own time beside it."""

    async def script() -> None:
        await stage.until_started()
        good = one_sample(stage.now_ns)
        await stage.report(m.Telemetry, 1000, good.links, dict(good.columns))
        await stage.report(m.Events, ({"t_ns": stage.now_ns + 5, "event": "link.built", "link": "x"},), 1000)
        await stage.report(m.Events, ({"t_ns": 5, "event": "link.seen", "host": "b", "run": "s"},))
        await stage.until_released()

    await play(stage, script())
    assert [("a", "x")] == stage.view.seen
    stage.folder.close()
    table = telemetry_file.read(stage.folder.path, "r-0001", {})
    assert [stage.now_ns + 1050] * 2 + [stage.now_ns + 50] * 2 == [
        *table["t_controller_ns"].to_pylist(),
        *table["t_ns"].to_pylist(),
    ]
    by_name = {event["event"]: event for event in read_events(stage.folder.path)}
    assert (stage.now_ns + 1005, stage.now_ns + 5) == (
        by_name["link.built"]["t_ns"],
        by_name["link.built"]["t_host_ns"],
    )
    undated = by_name["link.seen"]
    assert by_name["run.arming"]["t_ns"] < undated["t_ns"], "while no offset is known, it is dated by its arrival"
    assert ("a", "r-0001", 5) == (undated["host"], undated["run"], undated["t_host_ns"])


@pytest.mark.parametrize(
    ("bad", "cause"),
    [
        ({"links": ("y",)}, "telemetry of link 'y', which is not its own"),
        ({"links": ()}, "column 'link' refers to what is not there"),
        ({"columns": {"t_ns": bytes(8)}}, "missing or unknown column"),
        ({"offset_ns": 2**63 - 1}, "telemetry from the future"),
    ],
)
async def test_an_agent_whose_telemetry_is_unsound_is_not_trusted(
    stage: Stage, bad: dict[str, object], cause: str
) -> None:
    """Nothing of a batch that does not hold together is written, and the run does not believe its agent any more."""

    async def script() -> None:
        await stage.until_started()
        good = one_sample(stage.now_ns)
        fields = {"offset_ns": 0, "links": good.links, "columns": dict(good.columns), **bad}
        await stage.report(m.Telemetry, *fields.values())

    record = await play(stage, script())
    assert f"a sent what it must not: {cause}" in record.cause
    stage.folder.close()
    assert 0 == telemetry_file.read(stage.folder.path, "r-0001", {}).num_rows


@pytest.mark.parametrize("t_ns", [None, "5", True])
async def test_an_event_without_a_time_is_not_believed(stage: Stage, t_ns: object) -> None:
    """It ends the trust in its agent, and nothing else."""

    async def script() -> None:
        await stage.until_started()
        await stage.report(m.Events, ({"t_ns": t_ns, "event": "link.built"},), 0)

    record = await play(stage, script())
    assert "a sent what it must not: an event without a time" in record.cause


async def test_an_artifact_may_not_leave_its_folder(stage: Stage) -> None:
    """An agent that names a file elsewhere is not trusted further, and nothing is written there."""

    async def script() -> None:
        await stage.until_started()
        await stage.report(m.Artifact, "x", "../../escaped", b"!")

    record = await play(stage, script())
    assert record.verdict == "failed"
    assert "a sent what it must not" in record.cause
    assert not list(stage.folder.path.parent.rglob("escaped"))


async def test_packets_are_kept_for_the_agents_own_links_only(stage: Stage) -> None:
    """Records of a link of its own are written to its log; of any other, they end the trust in the agent."""

    async def script() -> None:
        await stage.until_started()
        await stage.report(m.Packets, "x", "down", bytes(RECORD.size))
        await stage.report(m.Packets, "y", "down", bytes(RECORD.size))

    record = await play(stage, script())
    assert "a sent what it must not: a packet log of link 'y', which is not its own" in record.cause
    assert [RECORD.size] == [path.stat().st_size for path in (stage.folder.path / "packets").iterdir()]


async def test_cancel_is_a_verdict_of_its_own(stage: Stage) -> None:
    """Cancelling a run that has started still collects its results and says cancelled."""

    async def script() -> None:
        await stage.until_started()
        while stage.view.phases[-1:] != [RunPhase.RUNNING]:
            await asyncio.sleep(0)
        stage.session.cancel("Ctrl-C")
        assert (await stage.command()).message == m.Stop("Ctrl-C")
        await stage.until_released()

    record = await play(stage, script())
    assert "cancelled" == record.verdict


@pytest.mark.parametrize("stage", ["cancel"], indirect=True)
async def test_a_failed_program_ends_a_run_that_asks_for_that_at_once(stage: Stage) -> None:
    """The agent's word that a program has failed is enough; one that ended well changes nothing."""

    async def script() -> None:
        await stage.until_started()
        for cause in ("", "ended with status 3"):
            event = {"t_ns": stage.now_ns, "event": "workload.ended", "link": "x", "workload": "client", "cause": cause}
            await stage.report(m.Events, (event,), 0)
        stop = (await stage.command()).message
        assert isinstance(stop, m.Stop)
        assert "link x has failed (client: ended with status 3)" in stop.cause
        await stage.until_released()

    record = await play(stage, script())
    assert ("cancelled", "cancel", "") == (record.verdict, record.on_failure, record.setback)


WANTED = LinkChange({"delay_ns": 20}, hold=True)
APPLIED = AppliedChange(7, WANTED, LinkChange({"delay_ns": 1}), "ada")


async def change_of(stage: Stage, **others: object) -> m.Envelope:
    """The next command, which is a change; the commands of the run go on as if it had not been."""
    told = stage.told
    envelope = await stage.command()
    assert m.ApplyChange("x", WANTED, "ada") == envelope.message, others
    assert 0 < envelope.expires_ns
    change, stage.told = stage.told, told
    await stage.spoke.send(m.encode(m.Envelope(others["answer"], reply_to=change, epoch="r-0001")))  # type: ignore[arg-type]
    return envelope


async def test_a_change_is_answered_by_the_agent_of_the_link(stage: Stage) -> None:
    """Since when it holds, or why it cannot be; each is a command of its own, and the run goes on."""

    async def script() -> None:
        await stage.until_started()
        while RunPhase.RUNNING not in stage.view.phases:
            await asyncio.sleep(0)
        changing = asyncio.create_task(stage.session.change("x", WANTED, "ada"))
        first = await change_of(stage, answer=m.Changed("x", APPLIED))
        assert APPLIED == await changing
        changing = asyncio.create_task(stage.session.change("x", WANTED, "ada"))
        second = await change_of(stage, answer=m.Refused("its frames would need more"))
        with pytest.raises(UserError, match="its frames would need more"):
            await changing
        assert first.id != second.id
        with pytest.raises(UserError, match="has no link 'y'"):
            await stage.session.change("y", WANTED, "ada")
        await stage.report(
            m.Events, ({"t_ns": stage.now_ns, "event": "scenario.changed", "link": "x", **facts_of(APPLIED)},), 0
        )
        await stage.until_released()

    with pytest.raises(BusyError, match="a link can be changed while it is running"):
        await stage.session.change("x", WANTED, "ada")
    record = await play(stage, script())
    assert ("ok", (APPLIED,)) == (record.verdict, record.links[0].changes)


async def test_a_change_whose_answer_is_late_is_none_of_the_runs(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asked hears where to look; the late answer disturbs nothing."""
    monkeypatch.setattr("plctl.controller.run.session.CHANGE_PATIENCE_S", 0.01)

    async def script() -> None:
        await stage.until_started()
        while RunPhase.RUNNING not in stage.view.phases:
            await asyncio.sleep(0)
        with pytest.raises(WorldError, match=r"plctl events r-0001 --event scenario\.changed"):
            await stage.session.change("x", WANTED, "ada")
        await change_of(stage, answer=m.Changed("x", APPLIED))
        await stage.until_released()

    assert "ok" == (await play(stage, script())).verdict
