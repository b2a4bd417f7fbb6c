"""The run's state machine of two hosts, driven event by event, for the tests of what it decides."""

from __future__ import annotations

from plctl.common.plan.failure_policy import OnFailure
from plctl.common.plan.run_plan import LinkPlan, RunPlan
from plctl.common.protocol import messages as m
from plctl.common.scenario.schedule import Row, Schedule
from plctl.controller.lifecycle.machine import RunMachine
from plctl.controller.lifecycle.run_events import (
    Answered,
    Begin,
    Event,
    SendCommand,
)

SCHEDULE = Schedule((Row(0, 0, 1, 1),))
RESULT = m.DirectionResult(1, 1, 1, 1, lateness_p50_ns=1, lateness_p99_ns=1, lateness_max_ns=1)


def plan(*links: str) -> RunPlan:
    """A host's share of the run `r`."""
    return RunPlan("r", 1, tuple(LinkPlan(name, SCHEDULE, SCHEDULE) for name in links))


def prepared(*links: str, cause: str = "") -> m.Prepared:
    """All `links` ready, or all failed for `cause`."""
    return m.Prepared(tuple(m.LinkReadiness(link, cause) for link in links))


def started(link: str) -> m.Started:
    """`link` started 7 ns late."""
    return m.Started((m.LinkStart(link, 1000, 1007),), 3)


def finished(link: str, cause: str = "") -> m.Finished:
    """`link` is through."""
    return m.Finished((m.LinkResult(link, RESULT, RESULT, cause=cause),))


class MachineDriver:
    """Feeds a machine for hosts a (link x) and b (link y) and says whom it tells what."""

    def __init__(self, on_failure: OnFailure = "continue") -> None:
        self.machine = RunMachine({"a": plan("x"), "b": plan("y")}, on_failure=on_failure)
        self.now = 10**9

    def __call__(self, *events: Event) -> list[tuple[str, str]]:
        """The (host, command) pairs that `events` lead to."""
        told = []
        for event in events:
            self.now += 1
            for instruction in self.machine.handle(event, self.now):
                if isinstance(instruction, SendCommand):
                    told.append((instruction.host, type(instruction.message).__name__))
        return told


BOTH_PREPARED = (Answered("a", prepared("x")), Answered("b", prepared("y")))
BOTH_ARMED = (Answered("a", m.Armed(1, "s")), Answered("b", m.Armed(2, "s")))
BOTH_STARTED = (Answered("a", started("x")), Answered("b", started("y")))


def running(on_failure: OnFailure = "continue") -> MachineDriver:
    """A run that goes on on both hosts."""
    drive = MachineDriver(on_failure)
    drive(Begin(), *BOTH_PREPARED, *BOTH_ARMED, *BOTH_STARTED)
    return drive


BOTH_FINISHED = (Answered("a", finished("x")), Answered("b", finished("y")))
