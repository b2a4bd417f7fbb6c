"""What a file says of a path: some of the fields of a scenario's rows over time, for one direction or for both.

A file of one delay a line says no rate; one of delivery opportunities says no delay. `joining` makes one scenario of
such parts and of what the user adds.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from plctl.common.base.errors import Problem
from plctl.common.scenario.opportunities import Opportunities
from plctl.common.scenario.schedule import Direction

#: A column that no row has: 1 where nothing gets through, whatever the rate.
OUTAGE = "outage"
#: In a part at an instant: the value stays what it was.
UNCHANGED = -2


@dataclass(frozen=True, slots=True)
class Part:
    """Columns of equal length, of signed 64-bit integers in plctl's units.

    `time_ns`, which ascends strictly from 0 on or later, and any of the other fields of `Row` and `OUTAGE`. Each line
    holds from its time to the next one's.
    """

    columns: Mapping[str, array[int]]
    direction: Direction | None = None  #: None: both
    end_ns: int = 0  #: when the last line has held long enough; 0: the format does not say
    repeats: bool = False  #: the format says that it begins again at `end_ns`
    opportunities: Opportunities | None = None  #: what serves in place of the rates that the lines have
    epoch_ns: int | None = None  #: when it begins, since 1970: parts of several files follow one another

    def towards(self, direction: Direction) -> Part:
        """The same for `direction` alone, where it serves both."""
        return self if self.direction else replace(self, direction=direction)


def in_a_row(parts: Sequence[Part]) -> Part:
    """The one part that parts with an `epoch_ns` and the same columns make, in the order of their epochs.

    :raises ValueError: two are of the same instant, or the first leaves something as it was.
    """
    ordered = sorted(parts, key=lambda part: part.epoch_ns or 0)
    first_ns = ordered[0].epoch_ns or 0
    columns: dict[str, array[int]] = {name: array("q") for name in ordered[0].columns}
    for part in ordered:
        begin_ns = (part.epoch_ns or 0) - first_ns
        if columns["time_ns"] and begin_ns <= columns["time_ns"][-1]:
            raise ValueError("two of the files begin at the same instant, or within one another")
        for name, column in columns.items():
            if name == "time_ns":
                column.extend(value + begin_ns for value in part.columns[name])
                continue
            for value in part.columns[name]:
                column.append(column[-1] if value == UNCHANGED and column else value)
    said = {name: column for name, column in columns.items() if set(column) != {UNCHANGED}}
    if missing := [name for name, column in said.items() if column[0] == UNCHANGED]:
        raise ValueError(f"the first of the files does not say the {missing[0].rpartition('_')[0] or missing[0]}")
    return Part(said, ordered[0].direction)


@dataclass(frozen=True, slots=True)
class Trace:
    """All that one file says."""

    parts: tuple[Part, ...]
    warnings: tuple[Problem, ...] = ()
