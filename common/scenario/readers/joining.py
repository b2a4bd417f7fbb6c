"""Makes one scenario of what several files say, each of some fields, and of what the user adds to them.

Times of all parts are merged; each field holds its own last value. A part for one direction takes precedence over one
for both.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from plctl.common.base.errors import InputError, Problem
from plctl.common.base.units import format_duration
from plctl.common.scenario.readers.trace import OUTAGE, Part
from plctl.common.scenario.schedule import DIRECTIONS, MAX_ROWS, ROW_FIELDS, Direction, Scenario, Schedule

_FIELDS = {each.name: each for each in ROW_FIELDS}
#: What a trace can do without, if the user says it.
_REMEDIES = {"delay_ns": "delay, e.g. delay=20ms", "rate_bps": "rate, e.g. rate=50Mbit/s"}


@dataclass(frozen=True, slots=True)
class NamedPart:
    """A part and the name of its file."""

    file: str
    part: Part


def join(parts: Sequence[NamedPart], fill: Mapping[str, int]) -> Scenario:
    """The scenario that `parts` describe together; `fill` has constants for fields that they do not have.

    :raises InputError: two parts say the same; a field is missing; the rows are too many or none.
    """
    end_ns = _end_ns([each.part for each in parts])
    if all(each.part.direction is None for each in parts):
        up = _Joined(parts, fill, "", end_ns).schedule()
        return Scenario(up, up, end_ns)
    up, down = (_Joined(parts, fill, way, end_ns).schedule() for way in DIRECTIONS)
    return Scenario(up, up if up == down else down, end_ns)


def uneven_rounds(parts: Sequence[NamedPart]) -> list[Problem]:
    """A warning if parts for one direction begin again after different times: from then on they do not fit together."""
    for way in DIRECTIONS:
        rounds = sorted((each.part.end_ns, each.file) for each in parts
                        if each.part.repeats and each.part.direction in (None, way))  # fmt: skip
        if rounds and rounds[0][0] < rounds[-1][0]:
            (first_ns, first), (last_ns, last) = rounds[0], rounds[-1]
            text = (
                f"begins again after {format_duration(first_ns)}, {last} after {format_duration(last_ns)}, each by "
                f"itself: after {format_duration(first_ns)} they no longer fit together; make them of one length, or "
                "let runs end by then"
            )
            return [Problem(first, 0, 0, text)]
    return []


def _is_complete(part: Part) -> bool:
    """Whether its columns are those of a schedule."""
    needed = {each.name for each in ROW_FIELDS if each.default is None}
    return needed <= part.columns.keys() <= _FIELDS.keys() and not part.columns["time_ns"][0]


def _end_ns(parts: Sequence[Part]) -> int:
    """When the longest of them ends; of several, one that does not say it ends as `Schedule.repeated` takes it.

    0, which means that nobody knows, where another begins later still.
    """
    if len(parts) == 1:
        return parts[0].end_ns
    times = [(part.end_ns, part.columns["time_ns"]) for part in parts]
    end_ns = max(end_ns or (2 * own[-1] - own[-2] if len(own) > 1 else 0) for end_ns, own in times)
    return end_ns if end_ns > max(own[-1] for _, own in times) else 0


class _Joined:
    """The parts that serve one direction; an empty one: both."""

    def __init__(
        self, parts: Sequence[NamedPart], fill: Mapping[str, int], way: Direction | Literal[""], end_ns: int
    ) -> None:
        self.way = way
        self.end_ns = end_ns
        self.file = ", ".join(dict.fromkeys(each.file for each in parts))
        serving = [each for each in parts if each.part.direction in (None, way)]
        self.repeats = any(each.part.repeats for each in serving)
        self.outages = [each.part for each in serving if OUTAGE in each.part.columns]
        self.columns: dict[str, NamedPart] = {}  # field → who says it
        for each in serving:
            for name in each.part.columns:
                if name not in ("time_ns", OUTAGE):
                    self._claim(name, each)
        self._refuse_what_is_not_emulated()
        self.fill = {name: value for name, value in fill.items() if name not in self.columns}

    def _claim(self, name: str, each: NamedPart) -> None:
        """Let `each` say the field `name`, unless another part says it for this direction alone."""
        known = self.columns.get(name)
        if known and (known.part.direction is None) == (each.part.direction is None):
            raise self._refusal(f"both say the {_word(name)}: {known.file} and {each.file}; give one of them")
        if known is None or each.part.direction:
            self.columns[name] = each

    def schedule(self) -> Schedule:
        """The joint rows.

        :raises InputError: see `join`.
        """
        self._check()
        used = [*(found.part for found in self.columns.values()), *self.outages]
        sources = list({id(part): part for part in used}.values())
        period_ns = self.end_ns if self.repeats else 0
        trace = self.columns["rate_bps"].part.opportunities if "rate_bps" in self.columns else None
        if trace and self.outages:
            raise self._refusal(
                "has delivery opportunities, which the other file's outages cannot stop; add service=rate"
            )
        if len(sources) == 1 and not self.fill and _is_complete(sources[0]):
            columns = dict(sources[0].columns)
        else:
            columns = self._merged(self._times(sources))
        return Schedule.of_columns(columns, period_ns if len(columns["time_ns"]) > 1 else 0, trace)

    def _merged(self, times: array[int]) -> dict[str, array[int]]:
        """The columns of the joint rows at `times`."""
        columns = {"time_ns": times}
        columns |= {name: self._held(found.part, name, times) for name, found in self.columns.items()}
        columns |= {name: array("q", [value]) * len(times) for name, value in self.fill.items()}
        columns.setdefault("route", array("q", [0]) * len(times))
        for part in self.outages:
            pairs = zip(self._held(part, OUTAGE, times), columns["rate_bps"], strict=True)
            columns["rate_bps"] = array("q", [0 if out else rate for out, rate in pairs])
        return _without_repeats(columns) if self.end_ns else columns

    def _held(self, part: Part, name: str, times: array[int]) -> array[int]:
        """What the column `name` of `part` is at `times`."""
        return _held(part.columns["time_ns"], part.columns[name], times, self._round_ns(part))

    def _check(self) -> None:
        for name, remedy in _REMEDIES.items():
            if name not in self.columns and name not in self.fill:
                way = f" {self.way}" if self.way else ""
                raise self._refusal(f"does not say the {_word(name)}{way}; add {remedy}")

    def _refuse_what_is_not_emulated(self) -> None:
        """Fields that no row has must be 0."""
        for name in [name for name in self.columns if name not in _FIELDS]:
            if any(self.columns.pop(name).part.columns[name]):
                raise self._refusal(f"has {_word(name)}, which this version does not emulate")

    def _times(self, sources: Sequence[Part]) -> array[int]:
        """When any of them may change, from 0 on; those that repeat, until the longest of them ends."""
        merged: set[int] = {0}
        for part in sources:
            own, round_ns = part.columns["time_ns"], self._round_ns(part)
            begins = range(0, self.end_ns, round_ns) if round_ns else (0,)
            if len(begins) * len(own) > MAX_ROWS:
                raise self._refusal(f"has more than the {MAX_ROWS} rows that a scenario may have; resample it")
            merged.update(at + begin for begin in begins for at in own if not round_ns or at + begin < self.end_ns)
        if len(merged) > MAX_ROWS:
            raise self._refusal(f"has {len(merged)} rows; a scenario may have {MAX_ROWS}; resample it")
        return array("q", sorted(merged))

    def _round_ns(self, part: Part) -> int:
        """After what time `part` begins again before the longest part ends; 0: it does not."""
        return part.end_ns if part.repeats and part.end_ns < self.end_ns else 0

    def _refusal(self, text: str) -> InputError:
        return InputError([Problem(self.file, 0, 0, text)])


def _word(name: str) -> str:
    """What a field is called in a sentence."""
    return name.rpartition("_")[0] or name


def _held(own: array[int], values: array[int], times: array[int], round_ns: int) -> array[int]:
    """What `values`, which hold from their `own` times on, are at `times`; the first value holds before."""
    if own == times:
        return values
    found, index, base = array("q"), 0, 0
    for at in times:
        if round_ns and at - base >= round_ns:
            base, index = at // round_ns * round_ns, 0
        index = max(index, bisect_left(own, at - base + 1, index) - 1)
        found.append(values[index])
    return found


def _without_repeats(columns: dict[str, array[int]]) -> dict[str, array[int]]:
    """Without the rows that say what the one before says."""
    names = [name for name in columns if name != "time_ns"]
    kept = [0]
    for index in range(1, len(columns["time_ns"])):
        if any(columns[name][index] != columns[name][index - 1] for name in names):
            kept.append(index)
    if len(kept) == len(columns["time_ns"]):
        return columns
    return {name: array("q", [column[index] for index in kept]) for name, column in columns.items()}
