"""The run's state machine: who is told what, when, and that it always comes to an end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.lifecycle.machine_driver import (
    BOTH_ARMED,
    BOTH_PREPARED,
    BOTH_STARTED,
    SCHEDULE,
    MachineDriver,
    finished,
    plan,
    prepared,
    running,
    started,
)

from plctl.common.plan.failure_policy import OnFailure
from plctl.common.plan.run_plan import LinkPlan, RunPlan, StartMode
from plctl.common.protocol import messages as m
from plctl.controller.lifecycle.machine import RunMachine
from plctl.controller.lifecycle.patience import clock_exchanges, exchange_gap_ns, lead_ns
from plctl.controller.lifecycle.run_events import (
    Answered,
    Begin,
    CancelRequested,
    Distrusted,
    Event,
    Forgotten,
    Interrupted,
    LinkFailed,
    Lost,
    Note,
    Resumed,
    Returned,
    RunPhase,
    SetTimer,
    Silent,
    TimedOut,
    Unreached,
)


def test_a_run_that_goes_well() -> None:
    """Each step is commanded once every agent has answered the one before, and the record holds what they said."""
    drive = MachineDriver()
    assert drive(Begin()) == [("a", "Prepare"), ("b", "Prepare")]
    assert drive(BOTH_PREPARED[0]) == []
    assert drive(BOTH_PREPARED[1]) == [("a", "Arm"), ("b", "Arm")]
    assert drive(BOTH_ARMED[0]) == []
    assert drive(BOTH_ARMED[1]) == [("a", "Commit"), ("b", "Commit")]
    assert drive(*BOTH_STARTED) == []
    assert drive.machine.phase is RunPhase.RUNNING
    assert drive(Answered("a", finished("x"))) == []
    assert drive(Answered("b", finished("y"))) == [("a", "Release"), ("b", "Release")]
    drive(Answered("b", m.Released()), Answered("a", m.Released()))
    assert drive.machine.phase is RunPhase.DONE
    assert drive.machine.cause == ""
    record = drive.machine.records["y"]
    assert (record.bound_before_ns, record.bound_after_ns) == (2, 3)
    assert (record.planned_ns, record.started_ns) == (1000, 1007)


def test_one_link_that_is_not_ready_keeps_all_from_starting() -> None:
    """A failure in PREPARE releases everything; the other links say whose fault it was."""
    drive = MachineDriver()
    drive(Begin())
    assert drive(Answered("a", prepared("x", cause="no veth")), BOTH_PREPARED[1]) == [
        ("a", "Release"),
        ("b", "Release"),
    ]
    assert drive.machine.records["x"].cause == "no veth"
    assert drive.machine.records["y"].cause == "not started, because of link x: no veth"


def test_a_loose_clock_is_given_time_to_settle() -> None:
    """While an agent's clock bound exceeds the skew budget all are armed again, for another T0, and then they start."""
    drive = MachineDriver()
    drive(Begin(), *BOTH_PREPARED)
    first_t0_ns = drive.machine.t0_ns
    drive.now += 10**8
    assert drive(Answered("a", m.Armed(2_000_000, "s")), BOTH_ARMED[1]) == [("a", "Arm"), ("b", "Arm")]
    assert drive.machine.t0_ns > first_t0_ns
    assert drive(*BOTH_ARMED) == [("a", "Commit"), ("b", "Commit")]


def test_half_the_budget_is_left_to_the_start_if_that_can_be_had_soon() -> None:
    """A bound between half the budget and all of it is taken only after two seconds in which it grew no smaller."""
    drive = MachineDriver()
    drive(Begin(), *BOTH_PREPARED)
    since_ns = drive.now
    while drive.machine.phase is RunPhase.ARMING:
        drive.now += 10**8
        told = drive(Answered("a", m.Armed(600_000, "s")), BOTH_ARMED[1])
    assert told == [("a", "Commit"), ("b", "Commit")]
    assert drive.now - since_ns > drive.machine.patience.settle_ns


def test_an_agent_that_is_armed_after_t0_is_armed_again() -> None:
    """A T0 that has passed before the last agent answered is not committed."""
    drive = MachineDriver()
    drive(Begin(), *BOTH_PREPARED)
    drive.now = drive.machine.t0_ns
    assert drive(*BOTH_ARMED) == [("a", "Arm"), ("b", "Arm")]


def test_agents_that_are_late_for_t0_get_one_farther_ahead() -> None:
    """A busy host, or one that does not know the time, ends no run: the next T0 is twice as far ahead, to a limit."""
    drive = MachineDriver()
    drive(Begin(), *BOTH_PREPARED)
    leads_ns = [drive.machine.t0_ns - drive.now]
    for _ in range(4):
        told = drive(Answered("a", m.NotArmed("ARM came after it had expired")), BOTH_ARMED[1])
        assert told == [("a", "Arm"), ("b", "Arm")]
        leads_ns.append(drive.machine.t0_ns - drive.now)
    assert [1, 2, 4, 8, 8] == [lead_ns // leads_ns[0] for lead_ns in leads_ns]
    assert drive(*BOTH_ARMED) == [("a", "Commit"), ("b", "Commit")]


def test_an_agent_that_stays_late_ends_the_run_with_its_cause() -> None:
    """Once the patience for arming is over, nothing starts, and the links of that host say why."""
    drive = MachineDriver()
    drive(Begin(), *BOTH_PREPARED)
    while drive.machine.phase is RunPhase.ARMING:
        drive.now = drive.machine.t0_ns + 1
        told = drive(Answered("a", m.NotArmed("ARM came too late")), BOTH_ARMED[1])
    assert told == [("a", "Release"), ("b", "Release")]
    assert drive.machine.records["x"].cause == "ARM came too late"


def test_a_t0_that_leaves_no_time_for_commit_is_not_committed() -> None:
    """An eighth of the lead is kept for COMMIT's way to the agents."""
    for left, command in ((8, "Arm"), (7, "Commit")):
        drive = MachineDriver()
        drive(Begin(), *BOTH_PREPARED)
        lead_ns = drive.machine.t0_ns - drive.now
        drive.now = drive.machine.t0_ns - lead_ns // left
        assert drive(*BOTH_ARMED) == [("a", command), ("b", command)]


def test_a_loose_clock_is_refused_in_the_end() -> None:
    """An agent whose clock bound stays above the skew budget ends the run, which says the two figures."""
    drive = MachineDriver()
    drive(Begin(), *BOTH_PREPARED)
    while drive.machine.phase is RunPhase.ARMING:
        drive.now += 10**9
        told = drive(Answered("a", m.Armed(2_000_000, "s")), BOTH_ARMED[1])
    assert told == [("a", "Release"), ("b", "Release")]
    assert drive.machine.records["x"].cause == (
        "the clock of a is known only to within 2 ms; the run's budget is 1 ms; ease the load on the network and the "
        "two hosts, run chrony on both, or allow more (budget: {skew: …})"
    )


def test_a_clock_that_leaves_too_little_to_the_start_says_the_sum() -> None:
    """While it may still settle, half of the budget is kept for the start itself: both parts are named, and the sum."""
    machine = RunMachine({"a": plan("x")})
    machine.handle(Begin(), 1)
    machine.handle(Answered("a", prepared("x")), 2)
    (cause,) = [
        each.facts["cause"]
        for each in machine.handle(Answered("a", m.Armed(743_000, "s")), 3)
        if isinstance(each, Note) and each.event == "run.arming_again"
    ]
    assert str(cause).startswith(
        "the clock of a is known only to within 743 µs, which makes 1.243 ms with the 500 µs that are left to the start"
        " itself; the run's budget is 1 ms; "
    )


@pytest.mark.parametrize(
    ("mode", "started_ns", "event", "late_ns"),
    [
        ("at-t0", 1007, "link.started", 7),
        ("at-t0", 0, "link.not_started", None),
        ("first-packet", 0, "link.open", None),
    ],
)
def test_only_a_link_that_started_is_said_to_have(
    mode: StartMode, started_ns: int, event: str, late_ns: object
) -> None:
    """One that waits for traffic is open, one whose forwarder never acted on T0 has not started; neither was late."""
    waiting = RunPlan("r", 1, (LinkPlan("x", SCHEDULE, SCHEDULE, start=mode),))
    machine = RunMachine({"a": waiting})
    for said in (prepared("x"), m.Armed(1, "s")):
        machine.handle(Begin(), 1)
        machine.handle(Answered("a", said), 2)
    said_start = m.Started((m.LinkStart("x", 1000, started_ns),), 3)
    notes = [each for each in machine.handle(Answered("a", said_start), 4) if isinstance(each, Note) and each.link]
    assert [(event, late_ns)] == [(note.event, note.facts.get("late_ns")) for note in notes]


def test_a_refused_commit_fails_the_run() -> None:
    """An agent that could not start in time makes the run fail with its cause, also for links that did start."""
    drive = MachineDriver()
    drive(Begin(), *BOTH_PREPARED, *BOTH_ARMED, BOTH_STARTED[0])
    assert ("b", "Release") in drive(Answered("b", m.Refused("COMMIT came 3 ms after T0")))
    assert drive.machine.cause == "link x: not started, because of link y: COMMIT came 3 ms after T0"


def test_a_short_run_may_finish_on_one_host_before_another_has_said_started() -> None:
    """FINISHED from one host before STARTED from the other is kept, not lost."""
    drive = MachineDriver()
    drive(Begin(), *BOTH_PREPARED, *BOTH_ARMED, BOTH_STARTED[0], Answered("a", finished("x")))
    assert drive.machine.phase is RunPhase.COMMITTED
    drive(BOTH_STARTED[1])
    assert drive.machine.phase is RunPhase.RUNNING
    assert drive(Answered("b", finished("y"))) == [("a", "Release"), ("b", "Release")]


def test_cancel_before_the_start_releases_and_after_it_stops_first() -> None:
    """A cancelled run still collects what happened until then, if it had started."""
    early = MachineDriver()
    early(Begin())
    assert early(CancelRequested("Ctrl-C")) == [("a", "Release"), ("b", "Release")]
    late = MachineDriver()
    late(Begin(), *BOTH_PREPARED, *BOTH_ARMED, *BOTH_STARTED, Answered("a", finished("x")))
    assert late(CancelRequested("Ctrl-C")) == [("b", "Stop")]
    assert late(Answered("b", finished("y"))) == [("a", "Release"), ("b", "Release")]
    assert late.machine.records["y"].cancelled


def test_a_disk_that_takes_no_results_is_no_wish() -> None:
    """The run ends as a cancelled one does, but its links have failed, also for a controller that is started again."""
    for before, told in (((Begin(),), "Release"), ((Begin(), *BOTH_PREPARED, *BOTH_ARMED, *BOTH_STARTED), "Stop")):
        drive = MachineDriver()
        drive(*before)
        assert drive(CancelRequested("no space", disk=True)) == [("a", told), ("b", told)]
        found = [(record.cause, record.cancelled) for record in drive.machine.records.values()]
        assert [("no space", False)] * 2 == found


def test_a_host_that_cannot_take_a_link_away_fails_it() -> None:
    """What is left on a host is its links' failure, and the run ends all the same."""
    drive = MachineDriver()
    drive(
        Begin(), *BOTH_PREPARED, *BOTH_ARMED, *BOTH_STARTED, Answered("a", finished("x")), Answered("b", finished("y"))
    )
    drive(Answered("a", m.Refused("busy")), Answered("b", m.Released()))
    assert (drive.machine.phase, drive.machine.records["x"].cause) == (RunPhase.DONE, "not taken away: busy")


def test_silence_ends_in_a_sentence() -> None:
    """Agents that never answer are named with the phase, told to let go, and the run ends without them."""
    drive = MachineDriver()
    told = drive(Begin(), BOTH_PREPARED[0], TimedOut(RunPhase.PREPARING))
    assert told[2:] == [("a", "Release"), ("b", "Release")]
    assert drive.machine.records["y"].cause == "b did not answer in time while the run was preparing"
    assert "not started" == drive.machine.setback
    drive(Answered("a", m.Released()), TimedOut(RunPhase.RELEASING))
    assert drive.machine.phase is RunPhase.DONE


def test_arming_comes_to_an_end() -> None:
    """An agent that has not armed when patience is over never will: the run fails, and nobody starts."""
    drive = MachineDriver()
    machine = drive.machine
    drive(Begin(), *BOTH_PREPARED[:1])
    (timer,) = [i for i in machine.handle(BOTH_PREPARED[1], 5) if isinstance(i, SetTimer)]
    assert SetTimer(RunPhase.ARMING, 5 + machine.patience.arm_ns) == timer
    assert drive(BOTH_ARMED[0], TimedOut(RunPhase.ARMING)) == [("a", "Release"), ("b", "Release")]
    assert "link y: b did not answer in time while the run was arming" in machine.records["x"].cause


def test_the_lead_grows_with_distance_and_number() -> None:
    """T0 leaves time for two and a half round trips and for each agent, whatever its clock."""
    assert 101_000_000 == lead_ns(1, [], 1), "nothing is lost if it was too short"
    assert 250_000_000 == lead_ns(1, [], 1000)
    assert 252_000_000 == lead_ns(2, [], 2)
    assert 500_000_000 + 3 * 40_000_000 == lead_ns(1, [40_000_000], 1000)
    assert 500_000_000 + 3 * 3_000_000_000 == lead_ns(1, [2**63 - 1], 1000), (
        "whatever an agent says, a run waits no longer"
    )
    assert 250_000_000 + 999 * 2_000_000 == lead_ns(1000, [], 1000)
    assert 250_000_000 + 19 * 2_000_000 + 10 * 40_000_000 == lead_ns(20, [0] * 20, 1000)
    assert 250_000_000 + 999 * 2_000_000 + 10 * 250_000_000 == lead_ns(1000, [0] * 10, 1000)


def test_an_agent_cannot_speak_of_others_links() -> None:
    """What a host says of a link that is not its own changes nothing."""
    drive = MachineDriver()
    forged = m.Prepared((m.LinkReadiness("y", cause="forged", check="forged"),))
    drive(Begin(), Answered("a", forged))
    assert (drive.machine.records["y"].check, drive.machine.records["y"].cause) == ("", "")


hosts = st.sampled_from(["a", "b"])
links = {"a": "x", "b": "y"}
events = st.one_of(
    st.just(Begin()),
    st.builds(CancelRequested, st.just("c")),
    st.builds(Lost, hosts, st.just("gone")),
    st.builds(Distrusted, hosts, st.just("lied")),
    st.builds(Forgotten, hosts, st.just("lost")),
    hosts.map(lambda h: LinkFailed(h, links[h], "ended with 1")),
    st.builds(Silent, hosts, st.just("silent")),
    st.builds(Returned, hosts),
    st.builds(Unreached, hosts, st.just("unreached")),
    st.builds(Resumed, st.just("restarted")),
    st.builds(Interrupted, st.just("rebooted")),
    st.builds(TimedOut, st.sampled_from(list(RunPhase)), st.sampled_from(["", "a", "b"])),
    st.tuples(hosts, st.booleans()).map(lambda h: Answered(h[0], prepared(links[h[0]], cause="bad" if h[1] else ""))),
    st.tuples(hosts, st.integers(0, 2_000_000)).map(lambda h: Answered(h[0], m.Armed(h[1], "s"))),
    hosts.map(lambda h: Answered(h, started(links[h]))),
    hosts.map(lambda h: Answered(h, finished(links[h]))),
    hosts.map(lambda h: Answered(h, m.Released())),
    hosts.map(lambda h: Answered(h, m.Refused("no"))),
    hosts.map(lambda h: Answered(h, m.NotArmed("late"))),
)


@given(st.lists(events, max_size=30), st.sampled_from(["continue", "cancel"]))
def test_whatever_happens_it_can_end_and_never_starts_unarmed(sequence: list[Event], on_failure: OnFailure) -> None:
    """In any order of events: COMMIT goes out only after every host armed, and time-outs always lead to DONE."""
    drive = MachineDriver(on_failure)
    armed: set[str] = set()
    for event in sequence:
        if (
            isinstance(event, Answered)
            and isinstance(event.message, m.Armed)
            and drive.machine.phase is RunPhase.ARMING
        ):
            armed.add(event.host)
        if ("a", "Commit") in drive(event):
            assert armed == {"a", "b"}
    drive(Begin())
    for _ in range(8):
        drive(CancelRequested("end"), TimedOut(drive.machine.phase))
    assert drive.machine.phase is RunPhase.DONE


def test_silence_loses_a_host_before_the_start_but_not_after_it() -> None:
    """A run that goes on needs no controller, so an agent that cannot be heard is waited for."""
    early = MachineDriver()
    early(Begin())
    assert [("b", "Release")] == early(Silent("a", "a is silent"))
    late = running()
    assert [] == late(Silent("a", "a is silent"), Answered("b", finished("y")))
    assert RunPhase.RUNNING is late.machine.phase
    assert [("a", "Release"), ("b", "Release")] == late(Returned("a"), Answered("a", finished("x")))
    assert "" == late.machine.cause


def test_a_silent_host_is_waited_for_until_after_the_planned_end() -> None:
    """The timer is set for the run's end and some patience; a second silence has a time of its own."""
    machine = running().machine
    now_ns = machine.t0_ns + 10**9

    def deadline(at_ns: int) -> int:
        (timer,) = [i for i in machine.handle(Silent("a", "s"), at_ns) if isinstance(i, SetTimer)]
        return timer.at_ns

    first_ns = deadline(now_ns)
    assert now_ns + machine.patience.return_ns == first_ns
    machine.handle(Returned("a"), now_ns + 1)
    second_ns = deadline(now_ns + 2)
    machine.handle(TimedOut(RunPhase.RUNNING, "a"), first_ns)
    assert "" == machine.records["x"].cause
    machine.handle(TimedOut(RunPhase.RUNNING, "a"), second_ns)
    waited = "agent lost 301 s after T0: a fell silent and was waited for in vain (300 s)"
    assert waited == machine.records["x"].cause
    assert "" == machine.records["y"].cause


def test_every_wait_has_an_end() -> None:
    """Each phase that waits for agents, but for the run itself, sets a timer."""
    machine = RunMachine({"a": plan("x")})
    for step in (Begin(), Answered("a", prepared("x")), Answered("a", m.Armed(0, "s"))):
        timers = [i.phase for i in machine.handle(step, 5) if isinstance(i, SetTimer)]
        assert timers == [machine.phase]


def test_few_agents_may_read_the_clock_often_and_many_seldom() -> None:
    """What a controller answers while a run is prepared is bounded, however many ask."""
    assert [64, 64, 40, 4] == [clock_exchanges(agents) for agents in (1, 20, 100, 1000)]


def test_agents_that_read_the_clock_together_take_turns() -> None:
    """Five hundred exchanges a second in all, until some could no longer be sent between ARM and T0."""
    assert [2e6, 40e6, 200e6, 250e6] == [exchange_gap_ns(agents) for agents in (1, 20, 100, 1000)]
