"""What every maker makes of its model: rows, and of them a scenario that keeps the rules of one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from plctl.common.base.errors import UserError
from plctl.common.base.units import format_duration
from plctl.common.scenario.schedule import MAX_ROWS, Row, Scenario, Schedule


@dataclass(frozen=True, slots=True)
class Course:
    """How long a scenario lasts and how often there is a new row."""

    duration_ns: int
    step_ns: int

    def __iter__(self) -> Iterator[int]:
        """The times of the rows, in ns.

        :raises UserError: they are more than a scenario may have.
        """
        if -(-self.duration_ns // self.step_ns) > MAX_ROWS:
            raise UserError(
                f"a row each {format_duration(self.step_ns)} for {format_duration(self.duration_ns)} makes more than "
                f"the {MAX_ROWS} rows that a scenario may have; make the step longer"
            )
        return iter(range(0, self.duration_ns, self.step_ns))


def made(rows: Iterable[Row], duration_ns: int) -> Scenario:
    """The scenario with these rows in both directions, without those that say what the one before says.

    :raises UserError: they are more than a scenario may have.
    """
    schedule = _schedule(rows)
    return Scenario(schedule, schedule, duration_ns)


def made_of_both(rows: Iterable[tuple[Row, Row]], duration_ns: int) -> Scenario:
    """As `made`, of rows for up and down."""
    pairs = list(islice(rows, MAX_ROWS + 1))
    up, down = _schedule(up for up, _ in pairs), _schedule(down for _, down in pairs)
    return Scenario(up, up if up == down else down, duration_ns)


def _schedule(rows: Iterable[Row]) -> Schedule:
    found = list(islice(_changes(rows), MAX_ROWS + 1))
    if len(found) > MAX_ROWS:
        raise UserError(f"this makes more than the {MAX_ROWS} rows that a scenario may have; make it shorter")
    return Schedule(found)


def _changes(rows: Iterable[Row]) -> Iterator[Row]:
    before: tuple[int, int, int] | None = None
    for row in rows:
        says = row.route, row.delay_ns, row.rate_bps  # no model here says more
        if says != before:
            yield row
            before = says
