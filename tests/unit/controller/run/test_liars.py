"""An agent with a valid key that lies: the controller goes on, other runs' folders are what they would have been, and
what it lied about is never `ok`. In memory, on a clock that is handed in; whatever an agent may say, in any order.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from support.synthetic_run import quiet_ends

from plctl.common.base.clock import ClockIdentity, FakeClock
from plctl.common.base.units import NS_PER_MS, NS_PER_S
from plctl.common.plan.run_plan import LinkPlan, RunPlan
from plctl.common.protocol import messages as m
from plctl.common.protocol import presence as ps
from plctl.common.protocol import wire
from plctl.common.scenario.schedule import Row, Schedule
from plctl.common.telemetry.packet_log import RECORD
from plctl.common.telemetry.samples import SAMPLE_COLUMNS, LinkStats, Samples, sample
from plctl.common.telemetry.witness import WorkerWatch
from plctl.common.transport.hub_and_spoke import LocalHub, LocalSpoke
from plctl.common.transport.refusals import Refusal, Refusals
from plctl.controller.hub.agent_hub import AgentHub
from plctl.controller.lifecycle.run_events import RunPhase
from plctl.controller.results.run_folder import RunFolder, complete
from plctl.controller.results.run_record import LinkRecord, RunRecord
from plctl.controller.run import session

SCHEDULE = Schedule((Row(0, 0, 1, 1),))
HONEST, LIAR = "honest-0001", "liar-0001"
RESULT = m.DirectionResult(lateness_p50_ns=1, lateness_p99_ns=1, lateness_max_ns=1)
#: Turns of the loop in which whatever was sent has its effect.
TURNS = 30
PATIENCE_S = 20


class Watcher:
    """Nobody looks at these runs."""

    def phase(self, phase: object, t0_ns: int) -> None:
        """As `Observer` has it."""

    def samples(self, host: str, samples: Samples) -> None:
        """As `Observer` has it."""

    def note(self, event: str, host: str, link: str, facts: Mapping[str, object]) -> None:
        """As `Observer` has it."""


class Agent:
    """One run's only agent, and the course of an honest one."""

    def __init__(self, name: str, run: str, link: str, hub: LocalHub, clock: FakeClock, *, moves: bool) -> None:
        """`moves`: time passes with its course; of two agents with one clock only one may do that."""
        self._moves = moves
        self.name, self.run, self.link = name, run, link
        self.clock = clock
        self.spoke: LocalSpoke = hub.spoke(name)
        self.number = 0
        self._course = self._honest()

    async def step(self) -> bool:
        """Do what an honest agent does next; False at its end, or while it is told nothing."""
        return await self._course.__anext__()

    async def say(self, message: m.Message, run: str = "", reply_to: int = 0) -> None:
        """Send it."""
        await self.spoke.send(m.encode(m.Envelope(message, reply_to=reply_to, epoch=run or self.run)))

    async def report(self, kind: Callable[..., Any], *fields: object) -> None:
        """Send the next report of the stream."""
        self.number += 1
        await self.say(kind(self.number, *fields))

    def samples(self, interval_ns: int = NS_PER_MS) -> Samples:
        """Telemetry of a link that did nothing."""
        plan, now_ns = LinkPlan(self.link, SCHEDULE, SCHEDULE), self.clock.monotonic_ns()
        return Samples.of(sample(plan, LinkStats(), LinkStats(), now_ns, interval_ns))

    def _pass(self, ns: int) -> None:
        if self._moves:
            self.clock.advance(ns)

    async def _command(self, kind: type[m.Message]) -> m.Envelope | None:
        """The next command, if it is of that kind and there is one."""
        while not self.spoke.inbox.empty():
            envelope = m.decode(await self.spoke.receive(), "controller")
            if isinstance(envelope.message, kind):
                return envelope
        return None

    async def _honest(self) -> Any:
        while (prepare := await self._command(m.Prepare)) is None:
            yield False
        await self.say(m.Prepared((m.LinkReadiness(self.link, check="fine"),)), reply_to=prepare.id)
        yield True
        while (arm := await self._command(m.Arm)) is None:
            yield False
        assert isinstance(arm.message, m.Arm)
        t0_ns = arm.message.t0_ns
        await self.say(m.Armed(0, "the same clock"), reply_to=arm.id)
        yield True
        while (commit := await self._command(m.Commit)) is None:
            yield False
        self._pass(max(0, t0_ns - self.clock.monotonic_ns()))
        await self.say(m.Started((m.LinkStart(self.link, t0_ns, t0_ns + 900),), 0), reply_to=commit.id)
        yield True
        for _ in range(3):
            self._pass(10 * NS_PER_MS)
            samples = self.samples()
            await self.report(m.Telemetry, 0, samples.links, dict(samples.columns))
            event = {"t_ns": self.clock.monotonic_ns(), "event": "link.built", "link": self.link}
            await self.report(m.Events, (event,), 0)
            await self.report(m.Artifact, self.link, "w.stdout", b"hello")
            yield True
        until_ns = self.clock.monotonic_ns()
        watches = {"worker": WorkerWatch(t0_ns, until_ns, 1, 0), "interfaces": quiet_ends(t0_ns, until_ns)}
        times = {"from_ns": t0_ns, "until_ns": until_ns}
        await self.report(m.Report, m.Finished((m.LinkResult(self.link, RESULT, RESULT, **watches, **times),)))
        yield True
        while (release := await self._command(m.Release)) is None:
            yield False
        await self.say(m.Released(), reply_to=release.id)
        while True:
            yield False


class Field:
    """A hub, a run of an honest agent, and a run of one that may lie."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.clock = FakeClock()
        self.hub = LocalHub()
        self.refusals = Refusals(self.clock)
        self.agent_hub = AgentHub(self.hub, self.clock, "c", self.refusals)
        self.honest = Agent("edge-1", HONEST, "x", self.hub, self.clock, moves=True)
        self.liar = Agent("mallory", LIAR, "y", self.hub, self.clock, moves=False)
        self.troubles: list[dict[str, Any]] = []
        self.folders: dict[str, RunFolder] = {}
        self.sessions: dict[str, session.Session] = {}
        self.runs: dict[str, asyncio.Task[RunRecord]] = {}

    async def begin(self) -> None:
        """Serve, welcome both agents, begin both runs."""
        asyncio.get_running_loop().set_exception_handler(lambda _, trouble: self.troubles.append(trouble))
        self.serving = asyncio.create_task(self.agent_hub.serve())
        for number, agent in enumerate((self.honest, self.liar)):
            await agent.say(m.Hello(agent.name, "0.1.0", 1, ClockIdentity("b", "t")))
            await self.settle()
            plan = RunPlan(agent.run, 1, (LinkPlan(agent.link, SCHEDULE, SCHEDULE),), duration_ns=1)
            folder = self.folders[agent.run] = RunFolder.create(self.base, agent.run)
            folder.record_plan(RunRecord(agent.run, "r", 1, (LinkRecord(plan.links[0], agent.name),)))
            made = session.Session(
                {agent.name: plan}, folder, self.agent_hub, self.clock, Watcher(), first_command=1 + 2**40 * number
            )
            self.sessions[agent.run] = made
            self.runs[agent.run] = asyncio.create_task(made.run())
            await self.settle()

    async def settle(self) -> None:
        """Let what was sent have its effect."""
        for _ in range(TURNS):
            await asyncio.sleep(0)
        await asyncio.gather(*(writing for made in self.sessions.values() for writing in made._keeping))
        over = [run for run, made in self.sessions.items() if made._machine.phase is RunPhase.DONE and run in self.runs]
        await asyncio.wait([self.runs[run] for run in over] or [asyncio.ensure_future(asyncio.sleep(0))])

    async def end(self) -> tuple[RunRecord, RunRecord]:
        """Let the honest run come to its end, and cancel the other; their records."""
        while not self.runs[HONEST].done():
            await self.honest.step()
            await self.settle()
            await asyncio.sleep(0)
        self.sessions[LIAR].cancel("the test is over")
        await self.settle()
        while not self.runs[LIAR].done():
            self.clock.advance(NS_PER_S)
            await self.settle()
        records = self.runs[HONEST].result(), self.runs[LIAR].result()
        self.serving.cancel()
        await asyncio.gather(self.serving, return_exceptions=True)
        for folder in self.folders.values():
            folder.close()
        return records


def contents(folder: Path) -> dict[str, bytes]:
    """All that is in a run's folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@cache
def without_a_liar() -> dict[str, bytes]:
    """The honest run's folder where the other agent says nothing."""
    with tempfile.TemporaryDirectory() as base, asyncio.Runner() as runner:
        field = Field(Path(base))
        runner.run(field.begin())
        record, _ = runner.run(asyncio.wait_for(field.end(), PATIENCE_S))
        assert "ok" == record.verdict, record.cause
        return contents(Path(base) / HONEST)


# --- what a liar says -----------------------------------------------------------------------------------------------

WORDS = st.sampled_from(
    ["y", "x", "", "..", ".", "a/b", "/etc/passwd", "../../escaped", "w\0x", "w.stdout", "w.stdout/deeper",
     "n" * 5000, "\x1b[31mred", "\u202e", "é" * 200, "/".join("d" * 3000)]
)  # fmt: skip
NUMBERS = st.one_of(
    st.sampled_from([0, 1, -1, 2**31, 2**63 - 1, -(2**63), 10**12, 1000 * NS_PER_S, 1001 * NS_PER_S]),
    st.integers(-(2**63), 2**63 - 1),
)
EVERYTHING: st.SearchStrategy[Any] = st.recursive(
    st.one_of(NUMBERS, WORDS, st.none(), st.booleans(), st.floats(), st.binary(max_size=20)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(WORDS, inner, max_size=3)),
    max_leaves=6,
)
EVENT_NAMES = st.sampled_from(
    ["link.built", "scenario.changed", "workload.ended", "workload.awaited", "telemetry.dropped", "forwarder.started",
     "output.left_out", "run.done", "link.failed", "agent.released", "Ünicode", "x"]
)  # fmt: skip
EVENTS = st.fixed_dictionaries(
    {"t_ns": st.one_of(st.just(1000 * NS_PER_S), NUMBERS, EVERYTHING), "event": st.one_of(EVENT_NAMES, EVERYTHING)},
    optional=dict.fromkeys(
        ["link", "host", "run", "cause", "ts", "workload", "wanted", "reports", "refused", "at_ns", "up", "by"],
        EVERYTHING,
    ),
)
COUNTS = st.builds(
    m.DirectionResult,
    arrived_packets=NUMBERS, delivered_packets=NUMBERS, lateness_p50_ns=NUMBERS, lateness_p99_ns=NUMBERS,
    late_packets=st.one_of(st.none(), NUMBERS), lost_ring=NUMBERS,
)  # fmt: skip
RESULTS = st.builds(
    m.LinkResult, link=WORDS, up=COUNTS, down=COUNTS, cause=WORDS, from_ns=st.none() | NUMBERS,
    until_ns=st.none() | NUMBERS, scenario_start_ns=NUMBERS, limits=st.lists(WORDS, max_size=2).map(tuple),
    workloads=st.lists(st.builds(m.WorkloadResult, name=WORDS, at=WORDS, status=NUMBERS, planned_ns=st.none() | NUMBERS,
                                 executed_ns=st.none() | NUMBERS), max_size=2).map(tuple),
    worker=st.none() | st.builds(WorkerWatch, NUMBERS, NUMBERS, NUMBERS, NUMBERS),
)  # fmt: skip
FACTS = st.dictionaries(WORDS, WORDS, max_size=2)
LINKS = st.lists(WORDS, max_size=3).map(tuple)


@st.composite
def columns(draw: st.DrawFn) -> dict[str, bytes]:
    """Telemetry of some rows, some of whose columns say anything."""
    rows = draw(st.integers(0, 3))
    base = dict.fromkeys(SAMPLE_COLUMNS, 0) | {"t_ns": 1001 * NS_PER_S, "interval_ns": 1}
    made = {name: value.to_bytes(8, "little", signed=True) * rows for name, value in base.items()}
    for name in draw(st.lists(st.sampled_from(SAMPLE_COLUMNS), max_size=3)):
        numbers = draw(st.lists(NUMBERS, min_size=rows, max_size=rows))
        made[name] = b"".join(number.to_bytes(8, "little", signed=True) for number in numbers)
    if draw(st.integers(0, 9)) == 0:
        made[draw(WORDS)] = draw(st.binary(max_size=30))
    return made


def reports(number: int) -> st.SearchStrategy[m.Message]:
    """What a liar may put into its numbered stream under `number`."""
    this = st.just(number)
    return st.one_of(
        st.builds(m.Telemetry, this, NUMBERS | st.just(0), LINKS | st.just(("y",)), columns()),
        st.builds(m.SocketStats, this, NUMBERS, st.just(()), columns()),
        st.builds(m.Events, this, st.lists(EVENTS, max_size=3).map(tuple), st.none() | NUMBERS | st.just(0)),
        st.builds(m.Artifact, this, WORDS | st.just("y"), WORDS, st.binary(max_size=100)),
        st.builds(m.Packets, this, WORDS | st.just("y"), st.sampled_from(["up", "down"]),
                  st.sampled_from([b"", b"x", bytes(RECORD.size), bytes(5000 * RECORD.size)])),
        st.builds(m.Report, this, st.builds(m.Finished, st.lists(RESULTS, max_size=2).map(tuple))),
        st.builds(m.Gap, this, NUMBERS),
    )  # fmt: skip


ANSWERS = st.one_of(
    st.builds(m.Prepared, st.lists(st.builds(m.LinkReadiness, WORDS, WORDS, WORDS), max_size=2).map(tuple), FACTS),
    st.builds(m.Armed, NUMBERS, WORDS),
    st.builds(m.NotArmed, WORDS),
    st.builds(m.Started, st.lists(st.builds(m.LinkStart, WORDS, NUMBERS, NUMBERS), max_size=2).map(tuple), NUMBERS),
    st.just(m.Released()),
    st.builds(m.Refused, WORDS),
    st.builds(ps.Status, NUMBERS, NUMBERS, WORDS, NUMBERS, NUMBERS, NUMBERS),
    st.builds(ps.ClockQuery, NUMBERS),
    st.builds(m.Hello, st.sampled_from(["mallory", "edge-1"]), WORDS, NUMBERS, st.just(ClockIdentity("b", "t")), FACTS),
)
RUNS = st.sampled_from([LIAR, LIAR, LIAR, HONEST, "", "../gone"])
FRAMES = st.fixed_dictionaries(
    {"v": st.just(m.PROTOCOL_VERSION) | NUMBERS, "type": st.sampled_from([*m.TABLE]), "body": EVERYTHING},
    optional={"id": NUMBERS, "reply_to": NUMBERS, "epoch": WORDS, "schedules": EVERYTHING},
)


class LyingAgent(RuleBasedStateMachine):
    """An honest agent goes its way; the other mixes the truth with whatever it likes."""

    @initialize()
    def begin(self) -> None:
        """Both runs are about to be prepared."""
        self.base = Path(tempfile.mkdtemp(prefix="plctl-liars-"))
        self.runner = asyncio.Runner()
        self.field = Field(self.base / "runs")
        (self.base / "runs").mkdir()
        self.runner.run(self.field.begin())
        self.sent = 0
        self.failed_before = False  #: the liar's run had failed before it was caught lying

    def _run(self, *work: Any) -> None:
        async def all_of_it() -> None:
            for each in work:
                await each
            await self.field.settle()

        failed = bool(self.field.sessions[LIAR]._machine.cause)
        caught = self._is_caught()
        self.runner.run(all_of_it())
        self.failed_before |= failed and not caught and self._is_caught()
        self.sent += 1

    def _is_caught(self) -> bool:
        return bool(self.field.refusals.by_name.get("mallory", {}).keys() & {Refusal.UNTRUE, Refusal.QUOTA})

    @rule()
    def the_honest_agent_goes_on(self) -> None:
        """One step of its course."""
        self._run(self.field.honest.step())

    @rule()
    def the_liar_does_as_it_should(self) -> None:
        """So that it gets into every phase."""
        self._run(self.field.liar.step())

    @rule(data=st.data(), run=RUNS, off=st.sampled_from([1, 1, 1, 1, 0, -5, 7, 2**62]))
    def the_liar_reports(self, data: st.DataObject, run: str, off: int) -> None:
        """Mostly under the number that is expected."""
        liar = self.field.liar
        message = data.draw(reports(liar.number + off))
        liar.number += off == 1 and not isinstance(message, m.Gap)
        self._run(liar.say(message, run))

    @rule(message=ANSWERS, run=RUNS, reply_to=st.sampled_from([0, 1 + 2**40, 2 + 2**40, 3 + 2**40, 4 + 2**40, 1, 2]))
    def the_liar_answers(self, message: m.Message, run: str, reply_to: int) -> None:
        """Its commands, those of the other, or none."""
        self._run(self.field.liar.say(message, run, reply_to))

    @rule(frame=FRAMES)
    def the_liar_says_what_is_no_message(self, frame: dict[str, Any]) -> None:
        """A frame with anything in it."""
        self._run(self.field.liar.spoke.send(wire.pack(frame)))

    @precondition(lambda self: self.sent < 40)
    @rule(seconds=st.sampled_from([0.001, 0.3]))
    def time_passes_for_the_liar(self, seconds: float) -> None:
        """Its clock readings differ; the honest agent's course has times of its own."""
        self._run(self.field.liar.say(ps.ClockQuery(int(seconds * NS_PER_S))))

    @invariant()
    def nothing_has_broken(self) -> None:
        """No exception has escaped, and nothing lies where it should not."""
        if not hasattr(self, "field"):
            return
        assert [] == self.field.troubles
        assert not self.field.serving.done()
        assert not any(task.done() and task.exception() for task in self.field.runs.values())
        assert {"runs"} == {path.name for path in self.base.iterdir()}
        assert {HONEST, LIAR} == {path.name for path in (self.base / "runs").iterdir()}
        allowed = {"run.json", "schedules", "events.jsonl", "telemetry.parts", "artifacts"}
        assert {path.name for path in (self.base / "runs" / LIAR).iterdir()} <= allowed
        assert {path.name for path in (self.base / "runs" / LIAR / "artifacts").iterdir()} <= {"y"}
        assert 0 == self.field.agent_hub._backlog._bytes

    def teardown(self) -> None:
        """The honest run's folder is what it is without a liar, and a run whose agent lied is not ok.

        It says why: as its cause, unless it had failed before that, and in its log.
        """
        if not hasattr(self, "field"):
            return
        try:
            honest, liar = self.runner.run(asyncio.wait_for(self.field.end(), PATIENCE_S))
            assert [] == self.field.troubles
            assert "ok" == honest.verdict, honest.cause
            assert without_a_liar() == contents(self.base / "runs" / HONEST)
            if self._is_caught():
                assert "failed" == liar.verdict
                assert self.failed_before or "what it must not" in liar.cause
                assert "what it must not" in (self.base / "runs" / LIAR / "events.jsonl").read_text()
            assert liar.verdict in {"failed", "cancelled", "ok", "unproven", "late", "skewed", "overloaded"}
            complete(self.base / "runs" / LIAR)
        finally:
            self.runner.close()
            shutil.rmtree(self.base)


LyingAgent.TestCase.settings = settings(
    max_examples=max(5, settings().max_examples // 10), stateful_step_count=25, parent=settings()
)
test_whatever_an_agent_says_others_notice_nothing = LyingAgent.TestCase
