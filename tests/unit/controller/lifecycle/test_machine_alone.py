"""An agent that is alone: nothing is lost if it is armed too late for COMMIT, so it is armed late, and again."""

from __future__ import annotations

from support.lifecycle.machine_driver import BOTH_ARMED, BOTH_PREPARED, MachineDriver, plan, prepared, started

from plctl.common.protocol import messages as m
from plctl.controller.lifecycle.machine import RunMachine
from plctl.controller.lifecycle.run_events import Answered, Begin, RunPhase, SendCommand, TimedOut


def alone() -> tuple[RunMachine, int]:
    """A machine for the host a alone, that has committed T0, and the time."""
    machine = RunMachine({"a": plan("x")}, lambda: 100_000_000)
    machine.handle(Begin(), 10**9)
    machine.handle(Answered("a", prepared("x")), 10**9)
    assert machine.t0_ns == 10**9 + 100_000_000
    machine.handle(Answered("a", m.Armed(1, "s")), 10**9 + 2)
    assert machine.phase is RunPhase.COMMITTED
    return machine, 10**9 + 2


def test_commit_that_is_late_for_the_only_agent_moves_t0() -> None:
    """Nothing has started anywhere: the agent is armed again, as far ahead as agents that were late are, and starts."""
    machine, now = alone()
    told = machine.handle(Answered("a", m.Refused("COMMIT came too late")), now := now + 110_000_000)
    assert [m.Arm(machine.t0_ns)] == [each.message for each in told if isinstance(each, SendCommand)]
    assert now + 500_000_000 == machine.t0_ns
    told = machine.handle(Answered("a", m.Armed(1, "s")), now := now + 5)
    assert [m.Commit(machine.t0_ns)] == [each.message for each in told if isinstance(each, SendCommand)]
    machine.handle(Answered("a", started("x")), now + 500_000_000)
    assert machine.phase is RunPhase.RUNNING
    assert machine.cause == ""


def test_commit_that_stays_late_ends_the_run_with_its_cause() -> None:
    """The patience for arming counts from the first time on."""
    machine, now = alone()
    since = now
    while machine.phase in (RunPhase.ARMING, RunPhase.COMMITTED):
        machine.handle(Answered("a", m.Armed(1, "s")), now := now + 10)
        machine.handle(Answered("a", m.Refused("COMMIT came too late")), now := now + 10**9)
    assert machine.phase is RunPhase.RELEASING
    assert machine.records["x"].cause == "COMMIT came too late"
    assert machine.patience.arm_ns > now - since > machine.patience.arm_ns // 2


def test_a_timer_of_the_first_commit_says_nothing_of_the_second() -> None:
    """Each T0 has its own time to start in."""
    machine, now = alone()
    first = machine.t0_ns + machine.patience.start_ns
    machine.handle(Answered("a", m.Refused("COMMIT came too late")), now := now + 110_000_000)
    machine.handle(Answered("a", m.Armed(1, "s")), now + 5)
    second = machine.t0_ns + machine.patience.start_ns
    assert [] == machine.handle(TimedOut(RunPhase.COMMITTED), first)
    assert [] != machine.handle(TimedOut(RunPhase.COMMITTED), second)


def test_commit_that_is_late_for_one_of_two_agents_ends_the_run() -> None:
    """The other may have started: nothing can be moved any more."""
    drive = MachineDriver()
    drive(Begin(), *BOTH_PREPARED, *BOTH_ARMED)
    assert drive(Answered("a", m.Refused("COMMIT came too late"))) == [("a", "Release"), ("b", "Release")]


def test_an_agent_that_is_alone_is_armed_in_good_time_for_commit() -> None:
    """However short its lead, as much is left for COMMIT's way as elsewhere."""
    for left_ns, phase in ((32_000_000, RunPhase.COMMITTED), (31_000_000, RunPhase.ARMING)):
        machine = RunMachine({"a": plan("x")}, lambda: 100_000_000)
        machine.handle(Begin(), 1)
        machine.handle(Answered("a", prepared("x")), 2)
        machine.handle(Answered("a", m.Armed(1, "s")), machine.t0_ns - left_ns)
        assert phase is machine.phase
