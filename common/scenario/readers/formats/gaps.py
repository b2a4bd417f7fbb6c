"""What to make of samples that are not there: lost probes, cells with a dash; and of stamps that repeat."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from plctl.common.base.errors import UserError
from plctl.common.base.problems import Problems
from plctl.common.base.units import parse_duration
from plctl.common.scenario.readers.formats.records import limit_fault
from plctl.common.scenario.readers.reader import ReaderOption
from plctl.common.scenario.readers.trace import OUTAGE, Part
from plctl.common.scenario.readers.trace_file import TraceFile
from plctl.common.scenario.schedule import MAX_ROWS, Direction

_MISSING = -1
_LATEST_NS = 2**62
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
    """The samples of one field, some of them missing, in the order of their times."""

    def __init__(self, file: TraceFile, name: str, repeated: Callable[[list[int]], int] = REPEATED["last"]) -> None:
        self.file = file
        self.name = name
        self.problems = Problems(file.name)
        self._repeated = repeated
        self._times = array("q")
        self._values = array("q")  # −1: nothing was measured
        self._here: list[int] = []  # what was measured at the last time

    def add(self, time_ns: int, value: int | None, line: int = 0) -> None:
        """Add what was measured at a time that is not before the last; None: nothing was.

        :raises ValueError: it is before it, or too late, or the value is too large.
        :raises InputError: there are more than a scenario may have.
        """
        if fault := self._fault(time_ns, value):
            raise ValueError(fault)
        if not self._times or time_ns > self._times[-1]:
            self._close()
            self._times.append(time_ns)
            self._values.append(_MISSING)
            if len(self._times) > MAX_ROWS:
                self.problems.add(line, 0, f"is beyond the {MAX_ROWS} rows that a scenario may have")
                self.problems.check()
        if value is not None:
            self._here.append(value)

    def _fault(self, time_ns: int, value: int | None) -> str:
        """Why a sample cannot be one; empty if it can."""
        if self._times and time_ns < self._times[-1]:
            return "the time is before the one before it; times must not fall"
        if not -_LATEST_NS < time_ns < _LATEST_NS:
            return "the time is too large for 64 bits of nanoseconds"
        if self._times and (fault := limit_fault("time_ns", time_ns - self._times[0])):
            return f"since the first one, {fault}"
        return limit_fault(self.name, value) if value is not None else ""

    def _close(self) -> None:
        """Make one value of what was measured at the last time."""
        if self._here:
            self._values[-1] = self._repeated(self._here)
            self._here = []

    @property
    def first_ns(self) -> int:
        """The first time; 0 without one."""
        return self._times[0] if self._times else 0

    def part(self, gap: GapRule, direction: Direction | None = None, *, first_ns: int | None = None) -> Part:
        """Them as a part whose time begins at `first_ns`, else at the first of them.

        :raises InputError: something was wrong with them, or there is none.
        """
        self.problems.check()
        self._close()
        begin_ns = self.first_ns if first_ns is None else first_ns
        known = [index for index, value in enumerate(self._values) if value != _MISSING]
        if not known:
            raise self.file.refusal(f"has no {self.name.rpartition('_')[0]} at all")
        times = array("q", [at - begin_ns for at in self._times])
        if gap.name == "outage":
            return self._with_outages(times, self._values[known[0]], direction)
        times, values = array("q", [times[i] for i in known]), array("q", [self._values[i] for i in known])
        if gap.name == "interpolate":
            times, values = _interpolated(times, values, gap.step_ns, self.file)
        return Part({"time_ns": times, self.name: values}, direction)

    def _with_outages(self, times: array[int], first: int, direction: Direction | None) -> Part:
        held, last = array("q"), first
        for value in self._values:
            last = last if value == _MISSING else value
            held.append(last)
        out = array("q", [value == _MISSING for value in self._values])
        return Part({"time_ns": times, self.name: held, OUTAGE: out}, direction)


def _interpolated(
    times: array[int], values: array[int], step_ns: int, file: TraceFile
) -> tuple[array[int], array[int]]:
    """`values` at their `times`, and others on straight lines between them, a step apart."""
    if (times[-1] - times[0]) // step_ns + len(times) > MAX_ROWS:
        raise file.refusal(f"would have more than {MAX_ROWS} rows on such a step; give a longer one")
    found = array("q"), array("q")
    for (at, value), (next_at, next_value) in pairwise(zip(times, values, strict=True)):
        for here in range(at, next_at, step_ns):
            found[0].append(here)
            found[1].append(value + (next_value - value) * (here - at) // (next_at - at))
    found[0].append(times[-1])
    found[1].append(values[-1])
    return found
