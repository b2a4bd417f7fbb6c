"""What every writer of scenario files is: it makes a text, or several, and says what its format cannot express."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

from plctl.common.base.errors import UserError
from plctl.common.scenario.schedule import DIRECTIONS, Direction, Scenario, Schedule


@dataclass(frozen=True, slots=True)
class Written:
    """A scenario in some format."""

    texts: Mapping[str, str]  #: what a file's name ends in → its content; of a single file it is the format's usual one
    losses: tuple[str, ...] = ()  #: what of the scenario is not in them, each as the end of "cannot express …"


class Writer(Protocol):
    """One format."""

    @property
    def title(self) -> str:
        """What it writes, for a list of formats."""
        ...

    def write(self, scenario: Scenario, direction: Direction | None) -> Written:
        """`scenario`, or its `direction` alone.

        :raises UserError: the format has no directions, and those of the scenario differ.
        """
        ...


def only(scenario: Scenario, direction: Direction | None, title: str) -> Schedule:
    """The schedule to write in a format that has no directions.

    :raises UserError: they differ and none was said.
    """
    if direction is None and scenario.up != scenario.down:
        raise UserError(
            f"{title} has no directions, and those of the scenario differ; write one by --direction up or down"
        )
    return scenario.down if direction == DIRECTIONS[1] else scenario.up


def traced_losses(schedule: Schedule) -> list[str]:
    """What a format of rates cannot express of its service."""
    return ["delivery opportunities but as their mean rate"] if schedule.opportunities else []


def durations_ns(schedule: Schedule, end_ns: int) -> list[int]:
    """How long each row holds; the last one until `end_ns`, else as long as the one before it, else 1 s."""
    times = schedule.column("time_ns")
    found = [after - before for before, after in pairwise(times)]
    last_ns = (schedule.period_ns or end_ns) - times[-1]
    return [*found, last_ns if last_ns > 0 else found[-1] if found else 10**9]
