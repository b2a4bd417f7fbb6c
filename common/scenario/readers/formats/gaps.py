"""What to make of samples that are not there: lost probes, cells with a dash; and of stamps that repeat."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from plctl.common.base.errors import UserError
from plctl.common.base.problems import Problems
from plctl.common.base.units import parse_duration
from plctl.common.scenario.readers.reader import ReaderOption
from plctl.common.scenario.readers.trace import OUTAGE, Part
from plctl.common.scenario.readers.trace_file import TraceFile
from plctl.common.scenario.schedule import MAX_ROWS, Direction

#: Which of several values at one stamp holds.
REPEATED: dict[str, Callable[[list[int]], int]] = {
    "first": lambda values: values[0],
    "last": lambda values: values[-1],
    "mean": lambda values: round(sum(values) / len(values)),
    "least": min,
    "most": max,
}


@dataclass(frozen=True, slots=True)
class GapRule:
    """How a gap is filled: the value before holds, or nothing gets through, or values in between on a step."""

    name: str
    step_ns: int = 0


def _rule(text: str) -> GapRule:
    name, colon, step = text.partition(":")
    if name in ("hold", "outage") and not colon:
        return GapRule(name)
    if name == "interpolate" and step and (step_ns := parse_duration(step)) > 0:
        return GapRule(name, step_ns)
    raise UserError("legal are hold, outage, and interpolate with a step, e.g. interpolate:100ms")


GAP = ReaderOption(
    "gap",
    _rule,
    GapRule("hold"),
    "Where a sample is missing: `hold` the one before, `outage`, or `interpolate:100ms` on that step.",
)


class Measurements:
    """The samples of one field, some of them missing, in any order of times."""

    def __init__(self, file: TraceFile, name: str, repeated: Callable[[list[int]], int] = REPEATED["last"]) -> None:
        self.file = file
        self.name = name
        self.problems = Problems(file.name)
        self._repeated = repeated
        self._found: dict[int, list[int | None]] = {}
        self._last_ns = -(2**63)

    def add(self, line: int, time_ns: int, value: int | None) -> None:
        """Add what was measured at a time that is not before the last; None: nothing was."""
        if time_ns < self._last_ns:
            self.problems.add(line, 1, "the time is before that of the line before")
            return
        self._last_ns = time_ns
        self._found.setdefault(time_ns, []).append(value)
        if len(self._found) > MAX_ROWS:
            self.problems.add(line, 0, f"is beyond the {MAX_ROWS} rows that a scenario may have")
            self.problems.check()

    @property
    def first_ns(self) -> int:
        """The first time; 0 without one."""
        return next(iter(self._found), 0)

    def part(self, gap: GapRule, direction: Direction | None = None, *, first_ns: int | None = None) -> Part:
        """Them as a part whose time begins at `first_ns`, else at the first of them.

        :raises InputError: something was wrong with them, or there is none.
        """
        self.problems.check()
        begin_ns = self.first_ns if first_ns is None else first_ns
        rows = [(at - begin_ns, self._value(values)) for at, values in self._found.items()]
        known = [(at, value) for at, value in rows if value is not None]
        if not known:
            raise self.file.refusal(f"has no {self.name.rpartition('_')[0]} at all")
        if gap.name == "interpolate":
            return self._columns(_interpolated(known, gap.step_ns, self.file), direction)
        if gap.name == "hold":
            return self._columns(known, direction)
        return self._with_outages(rows, known[0][1], direction)

    def _value(self, values: list[int | None]) -> int | None:
        known = [value for value in values if value is not None]
        return self._repeated(known) if known else None

    def _columns(self, rows: list[tuple[int, int]], direction: Direction | None) -> Part:
        times, values = zip(*rows, strict=True)
        return Part({"time_ns": array("q", times), self.name: array("q", values)}, direction)

    def _with_outages(self, rows: list[tuple[int, int | None]], first: int, direction: Direction | None) -> Part:
        columns = {name: array("q") for name in ("time_ns", self.name, OUTAGE)}
        last = first
        for at, value in rows:
            last = last if value is None else value
            for name, each in (("time_ns", at), (self.name, last), (OUTAGE, int(value is None))):
                columns[name].append(each)
        return Part(columns, direction)


def _interpolated(known: list[tuple[int, int]], step_ns: int, file: TraceFile) -> list[tuple[int, int]]:
    """`known`, and values on straight lines between them, a step apart."""
    if (known[-1][0] - known[0][0]) // step_ns + len(known) > MAX_ROWS:
        raise file.refusal(f"would have more than {MAX_ROWS} rows on such a step; give a longer one")
    rows = []
    for (at, value), (next_at, next_value) in pairwise(known):
        for here in range(at, next_at, step_ns):
            rows.append((here, value + (next_value - value) * (here - at) // (next_at - at)))
    return [*rows, known[-1]]
