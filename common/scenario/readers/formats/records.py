"""What the readers of other tools' formats have in common: lines with their numbers, and exact numbers."""

from __future__ import annotations

import re
from array import array
from collections.abc import Mapping
from decimal import Decimal

from plctl.common.base.problems import Problems, quote
from plctl.common.base.units import NS_PER_MS, RATE_UNLIMITED
from plctl.common.scenario.readers.text_lines import CellError
from plctl.common.scenario.readers.trace_file import TraceFile
from plctl.common.scenario.schedule import MAX_ROWS, ROW_FIELDS

_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_LIMITS = {each.name: each.file.largest * each.file.unit for each in ROW_FIELDS}


def quantity(text: str, unit: int | Decimal, what: str) -> int:
    """The number in `text` times `unit`, to the nearest integer; `what` says what it is, for messages.

    :raises ValueError: it is none, or negative, or too large for 64 bits.
    """
    word = text.strip()
    if not _NUMBER.fullmatch(word):
        raise CellError(text, f"{what} {quote(word)} is not a number; legal is e.g. 12.5")
    value = Decimal(word) * unit
    if value < 0:
        raise CellError(text, f"{what} {quote(word)} is negative; legal is 0 or more")
    if value >= RATE_UNLIMITED:
        raise CellError(text, f"{what} {quote(word)} is too large; legal is a number that fits 64 bits in plctl's unit")
    return int(value.to_integral_value())


def limit_fault(name: str, value: int) -> str:
    """Why `value` cannot be in the field `name` of a row; empty if it can."""
    if value > _LIMITS.get(name, value) and value != RATE_UNLIMITED:
        return f"{name.rpartition('_')[0] or name} {value} is too large; the most is {_LIMITS[name]}"
    return ""


def at_most(name: str, value: Decimal) -> int:
    """`value`, to the nearest integer, which the field `name` can have.

    :raises ValueError: it is larger than that.
    """
    if value > _LIMITS[name]:
        raise ValueError(f"{name.rpartition('_')[0]} {quote(str(value))} is too large; the most is {_LIMITS[name]}")
    return int(value.to_integral_value())


class Lines:
    """The rows that a reader gathers from a file, checked as they come."""

    def __init__(self, file: TraceFile, *names: str) -> None:
        """Columns: `time_ns` and `names`."""
        self.file = file
        self.problems = Problems(file.name)
        self.warnings = Problems(file.name)
        self.columns: dict[str, array[int]] = {name: array("q") for name in ("time_ns", *names)}

    def __len__(self) -> int:
        return len(self.columns["time_ns"])

    @property
    def last_ns(self) -> int:
        """The time of the last row; −1 without one."""
        times = self.columns["time_ns"]
        return times[-1] if times else -1

    def refuse(self, line: int, error: ValueError) -> None:
        """Add what is wrong with `line` to the problems, with its column if the error knows it."""
        self.problems.add(line, getattr(error, "column", 1), str(error))

    def add(self, line: int, time_ns: int, **values: int) -> None:
        """Add a row that stands in `line`; what is wrong with it goes to the problems."""
        if fault := self.fault(time_ns, values):
            self.problems.add(line, 1, fault)
            return
        if len(self) >= MAX_ROWS:
            self.problems.add(line, 0, f"is beyond the {MAX_ROWS} rows that a scenario may have")
            self.problems.check()
        self.columns["time_ns"].append(time_ns)
        for name, value in values.items():
            self.columns[name].append(value)

    def fault(self, time_ns: int, values: Mapping[str, int]) -> str:
        """Why this cannot be the next row; empty if it can."""
        if time_ns <= self.last_ns:
            times = f"time {_ms(time_ns)} is not after the one before, {_ms(self.last_ns)}"
            return f"{times}; times must strictly ascend"
        for name, value in (("time_ns", time_ns), *values.items()):
            if fault := limit_fault(name, value):
                return fault
        return ""

    def check(self, expected: str) -> None:
        """Raise what is wrong; `expected` says what a file without a row should have.

        :raises InputError: something is.
        """
        self.problems.check()
        if not len(self):
            raise self.file.refusal(f"has no row; {expected}")

    def shift_to_zero(self) -> int:
        """Let time begin with the first row, and return when that was."""
        first = self.columns["time_ns"][0]
        self.columns["time_ns"] = array("q", [at - first for at in self.columns["time_ns"]])
        return first


class RouteIds:
    """Numbers for the paths of a trace, in the order of their first appearance."""

    def __init__(self) -> None:
        self._known: dict[str, int] = {}

    def of(self, path: str) -> int:
        """The RouteID of `path`."""
        return self._known.setdefault(path, len(self._known))


def _ms(ns: int) -> str:
    return f"{Decimal(ns) / NS_PER_MS:f} ms"
