"""What becomes of a run whose controller was killed, in each phase."""

from __future__ import annotations

import pytest
from support.lifecycle.machine_driver import (
    BOTH_ARMED,
    BOTH_FINISHED,
    BOTH_PREPARED,
    BOTH_STARTED,
    MachineDriver,
    finished,
    plan,
    running,
)

from plctl.common.protocol import messages as m
from plctl.controller.lifecycle.machine import RunMachine
from plctl.controller.lifecycle.run_events import (
    Answered,
    Begin,
    CancelRequested,
    Interrupted,
    Resumed,
    Returned,
    RunPhase,
    Silent,
    dump,
    load,
)


def test_a_controller_that_was_killed_before_commit_starts_nothing() -> None:
    """What was being prepared or armed fails with that cause, and all hosts are told to take it away."""
    for events_before in ((), (Begin(),), (Begin(), *BOTH_PREPARED)):
        drive = MachineDriver()
        drive(*events_before)
        phase = drive.machine.phase
        assert [("a", "Release"), ("b", "Release")] == drive(Resumed("the controller was restarted"))
        assert f"the controller was restarted while the run was {phase}" == drive.machine.records["y"].cause


def test_a_controller_that_was_killed_after_commit_goes_on() -> None:
    """Nobody is told anything new; those that have not reported are waited for as if they had fallen silent."""
    committed = MachineDriver()
    committed(Begin(), *BOTH_PREPARED, *BOTH_ARMED)
    late = running()
    for drive in (committed, late):
        assert [] == drive(Resumed("the controller was restarted"))
        drive(Returned("a"), Returned("b"), *BOTH_STARTED)
        drive(Answered("a", finished("x")), Answered("b", finished("y")))
        assert (RunPhase.RELEASING, "") == (drive.machine.phase, drive.machine.cause)


def test_the_same_events_lead_to_the_same_state_and_words() -> None:
    """What a journal feeds to a new machine makes it what the old one was."""
    sequence = [
        Begin(),
        *BOTH_PREPARED,
        *BOTH_ARMED,
        BOTH_STARTED[0],
        Silent("b", "s"),
        BOTH_STARTED[1],
        CancelRequested("c"),
    ]
    first, second = (RunMachine({"a": plan("x"), "b": plan("y")}) for _ in range(2))
    for number, event in enumerate(sequence):
        assert first.handle(event, number) == second.handle(load(*dump(event)), number)
    assert first.records == second.records


#: What docs/safety.md says of a controller that is killed in each phase: what had happened by then; what its successor
#: sends; what the links come to, if their agents do their part; what a retry would rest on.
KILLED = {
    RunPhase.NEW: ((), "Release", "the controller was killed while the run was new", "not started"),
    RunPhase.PREPARING: ((Begin(),), "Release", "the controller was killed while the run was preparing", "not started"),
    RunPhase.ARMING: (
        (Begin(), *BOTH_PREPARED), "Release", "the controller was killed while the run was arming", "not started",
    ),
    RunPhase.COMMITTED: ((Begin(), *BOTH_PREPARED, *BOTH_ARMED), "", "", ""),
    RunPhase.RUNNING: ((Begin(), *BOTH_PREPARED, *BOTH_ARMED, *BOTH_STARTED), "", "", ""),
    RunPhase.STOPPING: (
        (Begin(), *BOTH_PREPARED, *BOTH_ARMED, *BOTH_STARTED, CancelRequested("c")), "", "", "",
    ),
    RunPhase.RELEASING: (
        (Begin(), *BOTH_PREPARED, *BOTH_ARMED, *BOTH_STARTED, *BOTH_FINISHED), "", "", "",
    ),
}  # fmt: skip


@pytest.mark.parametrize("phase", KILLED)
def test_a_controller_that_is_killed_in_any_phase_leaves_a_run_that_comes_to_a_named_end(phase: RunPhase) -> None:
    """Before COMMIT nothing starts and the run has failed; after it the agents need no controller, and it goes on."""
    before, sent, cause, setback = KILLED[phase]
    killed = MachineDriver()
    killed(*before)
    assert phase is killed.machine.phase
    successor = MachineDriver()
    for event in before:  # as the journal has them
        successor(load(*dump(event)))
    expected = [("a", sent), ("b", sent)] if sent else []
    assert expected == successor(Resumed("the controller was killed"))
    assert (cause, setback) == (successor.machine.records["y"].cause, successor.machine.setback)
    successor(Returned("a"), Returned("b"), *BOTH_STARTED, Answered("a", finished("x")), Answered("b", finished("y")))
    successor(Answered("a", m.Released()), Answered("b", m.Released()))
    assert RunPhase.DONE is successor.machine.phase
    assert {cause} == {record.cause for record in successor.machine.records.values()}
    assert (phase is RunPhase.STOPPING) == successor.machine.records["x"].cancelled


@pytest.mark.parametrize("phase", KILLED)
def test_a_controller_whose_machine_was_started_again_ends_what_it_cannot_vouch_for(phase: RunPhase) -> None:
    """Its record may have a hole: whatever had not been reported has failed; what is being released is released."""
    before, *_ = KILLED[phase]
    successor = MachineDriver()
    successor(*before)
    told = successor(Interrupted("the machine was started again"))
    over = phase is RunPhase.RELEASING
    assert ([] if over else [("a", "Release"), ("b", "Release")]) == told
    cause = "" if over else f"the machine was started again while the run was {phase}"
    assert cause == successor.machine.records["x"].cause
    early = phase in (RunPhase.NEW, RunPhase.PREPARING, RunPhase.ARMING, RunPhase.COMMITTED)
    wished = phase is RunPhase.STOPPING  # somebody had cancelled it: nobody wants it again
    assert ("" if over or wished else "not started" if early else "interrupted") == successor.machine.setback
