"""What a failure on one host means for the rest of a run, and for whether it is made again."""

from __future__ import annotations

import pytest
from support.lifecycle.machine_driver import (
    BOTH_ARMED,
    BOTH_PREPARED,
    BOTH_STARTED,
    MachineDriver,
    finished,
    prepared,
    running,
)

from plctl.common.protocol import messages as m
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
    RunPhase,
)


def test_a_lost_host_takes_only_its_own_links_once_the_run_goes_on() -> None:
    """After the start the links of other hosts run on, and the lost host is waited for no more."""
    drive = MachineDriver()
    drive(Begin(), *BOTH_PREPARED, *BOTH_ARMED, *BOTH_STARTED)
    drive.now = drive.machine.t0_ns + 12_345_678_901
    assert drive(Lost("a", "a is gone")) == []
    assert drive(Answered("b", finished("y"))) == [("b", "Release")]
    causes = (drive.machine.records["x"].cause, drive.machine.records["y"].cause)
    assert causes == ("agent lost 12.3 s after T0: a is gone", "")
    assert "agent lost" == drive.machine.setback


def test_reports_that_a_journal_lost_fail_what_is_not_whole_without_them() -> None:
    """The links of their host, unless all of the run was there already and it is only being taken away."""
    drive = running("continue")
    assert drive(Forgotten("a", "2 reports of a are lost")) == []
    assert drive(Answered("b", finished("y"))) == [("b", "Release")]
    assert ("2 reports of a are lost", "") == (drive.machine.records["x"].cause, drive.machine.records["y"].cause)
    drive(Forgotten("b", "3 reports of b are lost"), Answered("b", m.Released()))
    assert RunPhase.DONE is drive.machine.phase
    assert "" == drive.machine.records["y"].cause


FAILURES = [
    (Lost("a", "a is gone"), "agent lost"),
    (Distrusted("a", "a lied"), ""),
    (Forgotten("a", "2 reports of a are lost"), ""),
    (Answered("a", finished("x", cause="the forwarder ended")), ""),
]


@pytest.mark.parametrize(("failure", "setback"), [*FAILURES, (LinkFailed("a", "x", "ping: ended with 1"), "")])
def test_a_failure_ends_a_run_that_asks_for_that(failure: Event, setback: str) -> None:
    """With `cancel` all that go on are stopped at once; they report until then, and are cancelled, not failed."""
    drive = running("cancel")
    assert ("b", "Stop") in drive(failure)
    assert RunPhase.STOPPING is drive.machine.phase
    assert (drive.machine.records["y"].cancelled, drive.machine.records["y"].cause) == (True, "")
    assert setback == drive.machine.setback
    drive(Answered("a", finished("x")), Answered("b", finished("y")), Answered("a", m.Released()))
    drive(Answered("b", m.Released()))
    assert RunPhase.DONE is drive.machine.phase


@pytest.mark.parametrize("failure", [failure for failure, _ in FAILURES])
def test_a_failure_leaves_the_others_alone_unless_asked(failure: Event) -> None:
    """With `continue`, the default, the other hosts' links go on to their end."""
    drive = running()
    assert [] == drive(failure)
    assert RunPhase.RUNNING is drive.machine.phase
    assert ("b", "Release") in drive(Answered("b", finished("y")))
    assert ("", False) == (drive.machine.records["y"].cause, drive.machine.records["y"].cancelled)


def test_a_failed_program_ends_no_run_that_does_not_ask_for_it_and_another_hosts_claim_none_at_all() -> None:
    """What fails early is heeded with `cancel` alone, and only of a link that its host has."""
    assert [] == running()(LinkFailed("a", "x", "ended with 1"))
    assert [] == running("cancel")(LinkFailed("a", "y", "ended with 1"))


def test_only_what_may_go_better_is_broken_off() -> None:
    """A run that did not start, lost an agent or was interrupted; not one that failed, ended well, or was cancelled."""
    early, interrupted, cancelled, ended = MachineDriver(), running(), running(), running()
    early(Begin(), Answered("a", prepared("x", cause="no veth")), BOTH_PREPARED[1])
    interrupted(Interrupted("rebooted"))
    cancelled(CancelRequested("c"), Lost("a", "gone"))
    ended(Answered("a", finished("x", cause="failed")), Answered("b", finished("y")), Lost("a", "gone"))
    found = [drive.machine.setback for drive in (early, interrupted, cancelled, ended)]
    assert ["not started", "interrupted", "", ""] == found
