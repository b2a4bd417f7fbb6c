"""The agent's side of a run: what it does for each command, and that a committed run needs no further message."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from plctl.agent.run.machine import (
    AGAIN_NS,
    AgentLeaves,
    AgentPhase,
    AgentRunMachine,
    Began,
    Broke,
    ChangeRunningLink,
    ClockRead,
    Commanded,
    Event,
    Instruction,
    LinkPrepared,
    NotSent,
    PrepareLink,
    ReadClock,
    Reply,
    Rest,
    Rested,
    SendReport,
    StartLinks,
    TearDown,
    TimeOver,
    TornDown,
    WakeAt,
    WorkloadEnded,
    decisive_workloads,
)
from plctl.agent.service.clock_keeper import Instant
from plctl.common.plan.link_change import LinkChange
from plctl.common.plan.run_plan import LinkPlan, RunPlan, Workload
from plctl.common.protocol import messages as m
from plctl.common.scenario.schedule import Row, Schedule

SCHEDULE = Schedule((Row(0, 0, 1, 1),))
SERVER = Workload("server-0", "server", ("serve",))
CLIENT = Workload("client-1", "client", ("ask",), start_ns=0)
T0 = 10**9  #: on the agent's clock
ARM = m.Arm(T0 + 77)  #: on the controller's
COMMIT = m.Commit(ARM.t0_ns)
INSTANT = Instant(T0, 7, "exchanges")
STARTS = (m.LinkStart("x", T0, T0 + 5),)
FINISHED = m.Finished(())


def machine(duration_ns: int = 0, *workloads: Workload) -> AgentRunMachine:
    """One link `x`; PREPARE was command 1."""
    plan = RunPlan("r", 1, (LinkPlan("x", SCHEDULE, SCHEDULE, workloads=workloads),), duration_ns)
    return AgentRunMachine(m.Prepare(plan, exchanges=40, exchange_gap_ns=7), 1)


def committed(run: AgentRunMachine) -> AgentRunMachine:
    """Bring `run` to where only the clock and the workloads matter."""
    run.handle(LinkPrepared("x"), 0)
    run.handle(ClockRead(), 0)
    assert run.arm(Commanded(2, ARM), INSTANT, "", 0) == [Reply(2, m.Armed(7, "exchanges"))]
    assert run.handle(Commanded(3, COMMIT), 0) == [StartLinks(T0)]
    return run


def test_a_link_is_changed_while_the_run_is_running_and_only_then() -> None:
    """Earlier and later it is refused by name; a change is no reason to end anything."""
    wanted = m.ApplyChange("x", LinkChange({"delay_ns": 1}), "ada")
    run = committed(machine(10**9))
    early = run.handle(Commanded(4, wanted), 0)
    assert [Reply(4, m.Refused("run r is committed: too late or too early for ApplyChange"))] == early
    run.handle(Began(STARTS, 7), T0)
    assert [ChangeRunningLink(5, wanted)] == run.handle(Commanded(5, wanted), T0 + 1)
    assert AgentPhase.RUNNING is run.phase
    run.handle(TimeOver(), T0 + 10**9)
    assert [Reply(6, m.Refused("run r is stopping: too late or too early for ApplyChange"))] == run.handle(
        Commanded(6, wanted), T0 + 10**9
    )


def test_prepare_is_answered_once_every_link_is_ready_or_not() -> None:
    """PREPARED quotes the command and holds each link's cause."""
    run = machine()
    assert [type(i) for i in run.begin()] == [PrepareLink]
    assert run.handle(LinkPrepared("x", "no veth"), 0) == [Reply(1, m.Prepared((m.LinkReadiness("x", "no veth"),)))]


def test_clocks_are_read_when_the_links_are_ready() -> None:
    """PREPARE is answered once as many readings were exchanged as it allows."""
    run = machine()
    run.begin()
    assert [] == run.handle(ClockRead(), 0)
    assert [ReadClock(40, 7)] == run.handle(LinkPrepared("x"), 0)
    assert [Reply(1, m.Prepared((m.LinkReadiness("x"),)))] == run.handle(ClockRead(), 0)


def test_a_committed_run_ends_by_itself() -> None:
    """After COMMIT the clock alone leads to the report: no message is needed."""
    run = committed(machine(5, SERVER, CLIENT))
    assert run.handle(Began(STARTS, 9), T0 + 5) == [Reply(3, m.Started(STARTS, 9)), WakeAt(T0 + 5)]
    assert run.handle(WorkloadEnded("x", "client-1"), T0 + 6) == []
    assert run.handle(TimeOver(), T0 + 7) == [Rest("")]
    assert run.handle(Rested(FINISHED), T0 + 8) == [SendReport(FINISHED)]


def test_without_a_duration_the_timed_workloads_decide() -> None:
    """The run ends with its last timed workload; the server that it talked to is ended then."""
    run = committed(machine(0, SERVER, CLIENT))
    run.handle(Began(STARTS, 9), T0)
    assert run.handle(WorkloadEnded("x", "client-1"), T0) == [Rest("")]


def test_a_cancellation_may_overtake_commit() -> None:
    """STOP for an agent that is armed only: that nothing has begun is reported at once; a late COMMIT is refused."""
    run = machine(5, CLIENT)
    run.handle(LinkPrepared("x"), 0)
    run.handle(ClockRead(), 0)
    run.arm(Commanded(2, ARM), INSTANT, "", 0)
    assert [SendReport(FINISHED)] == run.handle(Commanded(4, m.Stop("Ctrl-C")), 1)
    (refused,) = run.handle(Commanded(3, COMMIT), 2)
    assert isinstance(refused, Reply)
    assert isinstance(refused.message, m.Refused)
    assert [TearDown()] == run.handle(Commanded(5, m.Release()), 3)


def test_a_workload_may_end_before_started_was_said() -> None:
    """A command that is over in no time ends the run as soon as it has begun."""
    run = committed(machine(0, CLIENT))
    assert run.handle(WorkloadEnded("x", "client-1"), T0) == []
    assert Rest("") in run.handle(Began(STARTS, 9), T0)


def test_decisive_workloads() -> None:
    """Timed workloads decide; where none is timed, all do."""
    assert decisive_workloads(machine(0, SERVER, CLIENT).plan.links) == {("x", "client-1")}
    assert decisive_workloads(machine(0, SERVER).plan.links) == {("x", "server-0")}


def test_late_commands_are_refused_by_name() -> None:
    """ARM and COMMIT that come too late, twice or for another T0 are refused with a sentence and start nothing."""
    run = machine()
    run.handle(LinkPrepared("x"), 0)
    run.handle(ClockRead(), 0)
    assert run.handle(Commanded(6, m.Stop("x")), 0) == [
        Reply(6, m.Refused("run r is ready: too late or too early for Stop"))
    ]
    late = run.arm(Commanded(2, ARM), INSTANT, "", T0 + 3_000_000)
    advice = "ease the load on this host and its network"
    assert late == [Reply(2, m.NotArmed(f"ARM came too late: T0 was 3 ms ago; {advice}"))]
    run.arm(Commanded(3, ARM), INSTANT, "", 0)
    other = run.handle(Commanded(4, m.Commit(T0)), 0)
    assert other == [Reply(4, m.Refused(f"COMMIT is for another T0 ({T0}) than ARM was ({ARM.t0_ns})"))]
    assert run.handle(Commanded(5, COMMIT), T0 - 1) == [
        Reply(5, m.Refused("COMMIT came too late: T0 was only 1 ns ahead"))
    ]


def test_the_last_arm_counts() -> None:
    """An armed run can be armed for another T0; COMMIT is then for that one only."""
    run = machine()
    run.handle(LinkPrepared("x"), 0)
    run.handle(ClockRead(), 0)
    run.arm(Commanded(2, m.Arm(ARM.t0_ns - 1)), Instant(T0 - 1, 9, "exchanges"), "", 0)
    assert run.arm(Commanded(3, ARM), INSTANT, "", 0) == [Reply(3, m.Armed(7, "exchanges"))]
    (refused,) = run.handle(Commanded(4, m.Commit(ARM.t0_ns - 1)), 0)
    assert isinstance(refused, Reply)
    assert isinstance(refused.message, m.Refused)
    assert run.handle(Commanded(5, COMMIT), 0) == [StartLinks(T0)]


def test_without_the_controllers_clock_there_is_no_arming() -> None:
    """An agent that cannot say when T0 is refuses ARM with the reason, and stays ready for another."""
    run = machine()
    run.handle(LinkPrepared("x"), 0)
    run.handle(ClockRead(), 0)
    assert run.arm(Commanded(2, ARM), None, "it slept", 0) == [Reply(2, m.NotArmed("cannot arm: it slept"))]
    assert run.phase is AgentPhase.READY


def test_release_is_obeyed_everywhere_and_twice() -> None:
    """RELEASE tears down whatever phase the run is in; a second one is answered again."""
    run = machine()
    assert run.handle(Commanded(2, m.Release()), 0) == [TearDown()]
    assert run.handle(TornDown(), 0) == [Reply(2, m.Released())]
    assert run.handle(Commanded(3, m.Release()), 0) == [Reply(3, m.Released())]


def test_an_agent_that_leaves_says_so_to_who_still_asks() -> None:
    """ARM that crosses its leaving is refused by the true cause, and so is all else; in whatever phase it leaves."""
    cause = "h1 is leaving: its agent was told to end"
    for ready in (False, True):
        run = machine()
        if ready:
            run.handle(LinkPrepared("x"), 0)
            run.handle(ClockRead(), 0)
        assert run.handle(AgentLeaves(cause), 0) == [TearDown()]
        assert run.arm(Commanded(2, ARM), INSTANT, "", 0) == [Reply(2, m.Refused(f"cannot arm: {cause}"))]
        assert run.handle(Commanded(3, COMMIT), 0) == [Reply(3, m.Refused(cause))]
        assert run.handle(AgentLeaves(cause), 0) == []
        assert run.handle(TornDown(), 0) == [Reply(0, m.Released())]
        assert run.over


def test_what_resisted_is_tried_again() -> None:
    """A run of which something is left is not over: the next RELEASE does not take it for gone, but tears down."""
    run = machine()
    run.handle(Commanded(2, m.Release()), 0)
    refused = [WakeAt(AGAIN_NS), Reply(2, m.Refused("a process is stuck"))]
    assert run.handle(TornDown("a process is stuck"), 0) == refused
    assert not run.over
    assert run.handle(Commanded(3, m.Release()), 0) == [TearDown()]
    assert run.handle(TornDown(), 0) == [Reply(3, m.Released())]
    assert run.over


def test_what_resisted_is_tried_again_by_the_agent_itself() -> None:
    """Again and again, one try at a time; who asked last hears of it once nothing is left, and of one refusal."""
    run = machine()
    run.handle(Commanded(2, m.Release()), 0)
    run.handle(TornDown("no space"), 0)
    assert run.handle(TimeOver(), 5) == [TearDown()]
    assert run.handle(TornDown("no space"), 7) == [WakeAt(7 + AGAIN_NS)]
    assert run.handle(TimeOver(), 8) == [TearDown()]
    assert run.handle(Commanded(3, m.Release()), 9) == []  # the answer to that try is its answer, too
    assert run.handle(Commanded(4, m.Release()), 9) == [Reply(4, m.Refused("run r is being released already"))]
    assert run.handle(TornDown("no space"), 9) == [WakeAt(9 + AGAIN_NS), Reply(3, m.Refused("no space"))]
    assert run.handle(Commanded(5, m.Release()), 9) == [TearDown()]
    assert run.handle(TimeOver(), 9) == []
    assert run.handle(TornDown(), 9) == [Reply(5, m.Released())]
    assert run.over
    assert run.handle(TimeOver(), 10) == []


def test_a_broken_forwarder_is_every_links_cause() -> None:
    """If what all links share is gone, a run in preparation answers so and a running one rests with that cause."""
    early = machine()
    assert early.handle(Broke("gone"), 0) == [Reply(1, m.Prepared((m.LinkReadiness("x", "gone"),)))]
    built = machine()
    built.handle(LinkPrepared("x"), 0)
    assert [Reply(1, m.Prepared((m.LinkReadiness("x", "gone"),)))] == built.handle(Broke("gone"), 0)
    assert [] == built.handle(ClockRead(), 0)
    late = committed(machine())
    assert late.handle(Broke("gone"), T0) == [Rest("gone")]
    assert late.handle(Broke("gone too"), T0) == [SendReport(m.Finished(()))]


def test_results_that_cannot_be_sent_are_replaced_by_the_cause() -> None:
    """The controller waits for an end, whatever becomes of the figures; should that not go either, for an empty one."""
    run = committed(machine(5))
    run.handle(Began(STARTS, 9), T0)
    run.handle(TimeOver(), T0 + 7)
    run.handle(Rested(FINISHED), T0 + 8)
    assert [] == run.handle(Broke("the forwarder died, with nothing left to carry"), T0 + 8)
    (instruction,) = run.handle(NotSent("it is too large"), T0 + 9)
    assert isinstance(instruction, SendReport)
    told = [(link.link, link.cause) for link in instruction.finished.links]
    assert [("x", "its results were not sent: it is too large")] == told
    assert [SendReport(m.Finished(()))] == run.handle(NotSent("it is too large"), T0 + 10)


def test_what_cannot_be_taken_away_is_said() -> None:
    """A teardown that fails is answered with its cause, never with RELEASED."""
    run = machine()
    run.handle(Commanded(2, m.Release()), 0)
    assert run.handle(TornDown("busy"), 0) == [WakeAt(AGAIN_NS), Reply(2, m.Refused("busy"))]


events = st.one_of(
    st.builds(LinkPrepared, st.just("x"), st.sampled_from(["", "bad"])),
    st.builds(Commanded, st.integers(2, 9), st.sampled_from([m.Commit(T0), m.Stop("s"), m.Release()])),
    st.sampled_from([Began(STARTS, 9), WorkloadEnded("x", "client-1"), TimeOver(), Broke("b"), Rested(FINISHED)]),
    st.sampled_from([ClockRead(), TornDown()]),
)


@given(st.lists(events, max_size=20))
def test_every_command_is_answered_and_nothing_starts_unarmed(sequence: list[Event]) -> None:
    """In any order of events nothing starts without ARM, one teardown is asked for, the end is reachable."""
    run = machine(0, CLIENT)
    seen: list[Instruction] = []
    for event in sequence:
        seen += run.handle(event, 0)
    seen += run.handle(Commanded(99, m.Release()), 0) + run.handle(TornDown(), 0)
    assert not any(isinstance(i, StartLinks | WakeAt | SendReport) for i in seen)
    assert sum(isinstance(i, TearDown) for i in seen) == 1
    assert run.phase is AgentPhase.RELEASED
