"""The time-varying description of a path, as plain integers: what a scenario file becomes and what an agent is handed.

`Row` declares what a row has, each field once: files, plans, the wire and the C core follow from it (`ROW_FIELDS`).
Readers of files are in `readers`; nothing here parses text.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from functools import cached_property
from hashlib import blake2b
from itertools import pairwise
from typing import Any, Literal, overload

from plctl.common.base.columns import to_little_endian
from plctl.common.base.shared import Shared
from plctl.common.base.units import ASSUMED_RATE_BPS, NS_PER_MS, NS_PER_S, RATE_UNLIMITED
from plctl.common.scenario.opportunities import Opportunities

Direction = Literal["up", "down"]
#: The two one-way halves of a link, in the order of every pair in plctl: client→server, then server→client.
DIRECTIONS: tuple[Direction, Direction] = ("up", "down")

#: Beyond every scenario time, and yet a sum of two of them fits an int64.
NEVER_NS = 2**62
#: The most rows of one direction: almost three hours at a row every 10 ms.
MAX_ROWS = 1_000_000
_INT64_MAX = 2**63 - 1
#: A probability of 1 % in parts per 10⁹.
PPB_PER_PERCENT = 10**7
_PERCENT = "a percentage from 0 to 100, e.g. 0.5"


@dataclass(frozen=True, slots=True)
class FileColumn:
    """How a field of a row stands in a scenario file. `largest` is in the file's unit."""

    name: str
    unit: int  #: how many of ours make one of the file's
    largest: int
    legal: str  #: what may stand in a cell, as the end of a sentence
    whole: bool = False  #: no fractions
    directed: bool = True  #: may be given per direction
    unlimited: bool = False  #: `inf` is legal


@dataclass(frozen=True, slots=True)
class RowField:
    """One field of `Row`."""

    name: str
    default: int | None  #: where a scenario does not say; None: it must
    least: int
    file: FileColumn


def _column(file: FileColumn, *, default: int | None = None, least: int = 0) -> Any:
    metadata = {"file": file, "least": least}
    return field(metadata=metadata) if default is None else field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True)
class Row:
    """What holds in one direction from `time_ns` (scenario time) until the next row's time."""

    #: Since the scenario's start; the first row's is 0.
    time_ns: int = _column(FileColumn(
        "Time[ms]", NS_PER_MS, 10 * 31_557_600_000, "milliseconds from 0 to 10 years, e.g. 11000 or 11 000",
        directed=False))  # fmt: skip
    #: RouteID; frames of one route keep their order.
    route: int = _column(FileColumn("RouteID", 1, _INT64_MAX, "a whole number from 0, e.g. 1", whole=True))
    #: One-way propagation delay.
    delay_ns: int = _column(FileColumn(
        "Delay[ms]", NS_PER_MS, 3_600_000, "milliseconds from 0 to 3600000 (1 h), e.g. 41.0"))  # fmt: skip
    #: Bottleneck data rate; 0 is an outage, `RATE_UNLIMITED` serves in no time.
    rate_bps: int = _column(FileColumn(
        "Btldr[Mbps]", 10**6, 10**7, "Mbit/s from 0 (an outage) to 10000000 (10 Tbit/s), e.g. 80.2, or inf",
        unlimited=True))  # fmt: skip
    #: Capacity of the bottleneck's queue while this row holds; -1: as the link's plan says.
    queue_bytes: int = _column(FileColumn(
        "Queue[B]", 1, 2**40, "whole bytes from 0 to 1099511627776 (1 TiB), e.g. 64000", whole=True),
        default=-1, least=-1)  # fmt: skip
    #: Probability that a frame is lost behind the bottleneck, in parts per 10⁹.
    loss_ppb: int = _column(FileColumn("Loss[%]", PPB_PER_PERCENT, 100, _PERCENT), default=0)
    #: That it comes twice.
    duplicate_ppb: int = _column(FileColumn("Duplicate[%]", PPB_PER_PERCENT, 100, _PERCENT), default=0)
    #: That one of its bits behind the Ethernet header is flipped.
    corrupt_ppb: int = _column(FileColumn("Corrupt[%]", PPB_PER_PERCENT, 100, _PERCENT), default=0)
    #: Deviation of what is added to its delay at random.
    jitter_ns: int = _column(FileColumn(
        "Jitter[ms]", NS_PER_MS, 3_600_000, "milliseconds from 0 to 3600000 (1 h), e.g. 2.5"), default=0)  # fmt: skip
    #: Which of several bottlenecks of the path is in force: its backlog alone counts for admission; one order of
    #: service for all. For `droptail` only.
    queue_id: int = _column(FileColumn(
        "QueueID", 1, 2**32 - 1, "a whole number from 0 to 4294967295, e.g. 1", whole=True), default=0)  # fmt: skip


#: The fields of a row, in the order of `Row` and of `struct row` in the C core.
ROW_FIELDS: tuple[RowField, ...] = tuple(
    RowField(
        each.name, None if each.default is MISSING else each.default, each.metadata["least"], each.metadata["file"]
    )
    for each in fields(Row)
)


@dataclass(frozen=True, slots=True)
class ScheduleFacts:
    """What there is to know of a schedule without its rows."""

    rows: int  #: how many
    last_ns: int  #: scenario time of the last row
    first: Row  #: the first of them
    period_ns: int = 0  #: after which it starts again; 0: the last row holds
    opportunities: int = 0  #: how many a period of its trace has; 0: service is by the rows' rates


class Schedule(Shared):
    """One direction's rows in strictly ascending time; a step function, never changed.

    The rows are kept in columns, as there may be a million of them; links that are alike share one schedule. Where it
    has `opportunities`, service is by them, and the rates of its rows are only what they come to on average.
    """

    def __init__(
        self,
        rows: Iterable[Row],
        period_ns: int = 0,
        opportunities: Opportunities | None = None,
        *,
        loop_ns: int = 0,
    ) -> None:
        """Of these rows; a `period_ns` repeats them from the one at `loop_ns` on, with 0 the last row holds for ever.

        The period begins at `loop_ns` and ends after the last row. `opportunities` have a period of their own.
        """
        rows = tuple(rows)
        self._period_ns = period_ns
        self._loop_ns = loop_ns
        self._opportunities = opportunities
        self._columns: dict[str, array[int]] = {
            each.name: column
            for each in ROW_FIELDS
            if _says_something(each, column := array("q", [getattr(row, each.name) for row in rows]))
        }

    @classmethod
    def of_columns(
        cls,
        columns: Mapping[str, array[int]],
        period_ns: int = 0,
        opportunities: Opportunities | None = None,
        *,
        loop_ns: int = 0,
    ) -> Schedule:
        """The schedule with these columns of signed 64-bit integers; a field without one has its default in each row.

        :raises ValueError: a column is unknown, or missing, or longer than another.
        """
        if unknown := columns.keys() - {each.name for each in ROW_FIELDS}:
            raise ValueError(f"a row has no {min(unknown)!r:.80}")
        if missing := [each.name for each in ROW_FIELDS if each.default is None and each.name not in columns]:
            raise ValueError(f"the rows have no {missing[0]}")
        if len({len(column) for column in columns.values()}) != 1:
            raise ValueError("the columns of the rows are not equally long")
        self = cls((), period_ns, opportunities, loop_ns=loop_ns)
        self._columns = {
            each.name: columns[each.name]
            for each in ROW_FIELDS
            if each.name in columns and _says_something(each, columns[each.name])
        }
        return self

    def with_constants(self, values: Mapping[str, int]) -> Schedule:
        """The same with fields that have one value in every row, in place of what they had."""
        count = len(self)
        columns = {**self.columns, **{name: array("q", [value]) * count for name, value in values.items()}}
        if not values:
            return self
        return Schedule.of_columns(columns, self.period_ns, self.opportunities, loop_ns=self.loop_ns)

    def served_by(self, opportunities: Opportunities | None) -> Schedule:
        """The same served by these, or by the rates of its rows."""
        if opportunities is self.opportunities:
            return self
        return Schedule.of_columns(self.columns, self.period_ns, opportunities, loop_ns=self.loop_ns)

    # --- what it holds

    @property
    def period_ns(self) -> int:
        """How often the rows begin again; 0: never."""
        return self._period_ns

    @property
    def loop_ns(self) -> int:
        """When the row begins with which rows begin again; those before it come once."""
        return self._loop_ns

    @property
    def opportunities(self) -> Opportunities | None:
        """What serves, in place of the rows' rates."""
        return self._opportunities

    @property
    def columns(self) -> Mapping[str, array[int]]:
        """The columns of those fields that do not have their default in every row. Not to be changed."""
        return self._columns

    def column(self, name: str) -> Sequence[int]:
        """The values of field `name`, one a row."""
        if (found := self.columns.get(name)) is not None:
            return found
        return _Constant(_DEFAULTS[name], len(self))

    @cached_property
    def rows(self) -> Sequence[Row]:
        """The rows, each made when it is asked for."""
        return _Rows([self.column(each.name) for each in ROW_FIELDS])

    @cached_property
    def digest(self) -> str:
        """32 hexadecimal digits that two schedules share only if they are equal."""
        hashed = blake2b(f"{self.period_ns}".encode(), digest_size=16)
        if self.loop_ns:
            hashed.update(f" loop {self.loop_ns} ".encode())
        for name, column in self.columns.items():
            hashed.update(f" {name} {len(column)} ".encode())
            hashed.update(to_little_endian(column))
        if trace := self.opportunities:
            hashed.update(f" opportunities {trace.unit_ns} {trace.period_ns} {trace.worth_bytes} ".encode())
            hashed.update(trace.gaps)
        return hashed.hexdigest()

    @cached_property
    def facts(self) -> ScheduleFacts:
        """What a listing says of it."""
        count = self.opportunities.count if self.opportunities else 0
        return ScheduleFacts(len(self), self.last_ns, self.rows[0], self.period_ns, count)

    def __len__(self) -> int:
        return len(self.columns["time_ns"])

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Schedule) and self.digest == other.digest)

    def __hash__(self) -> int:
        return hash(self.digest)

    def __repr__(self) -> str:
        return f"<Schedule of {len(self)} rows, period {self.period_ns} ns>"

    # --- what it says

    def row_at(self, t_ns: int) -> Row:
        """The row in force at scenario time `t_ns`; the first one before 0."""
        return self.rows[self.index_at(t_ns)]

    def index_at(self, t_ns: int) -> int:
        """The index of the row in force at scenario time `t_ns`; 0 before 0."""
        if self.period_ns and t_ns >= self.loop_ns:
            t_ns = self.loop_ns + (t_ns - self.loop_ns) % self.period_ns
        return max(0, bisect_right(self.columns["time_ns"], t_ns) - 1)

    def next_change_ns(self, t_ns: int) -> int:
        """The first scenario time after `t_ns`, which is not negative, when another row may come into force; or never.

        Never is `NEVER_NS`.
        """
        base_ns = max(0, t_ns - self.loop_ns) // self.period_ns * self.period_ns if self.period_ns else 0
        count = bisect_right(self.columns["time_ns"], t_ns - base_ns)
        if count < len(self):
            return base_ns + self.columns["time_ns"][count]
        return base_ns + self.loop_ns + self.period_ns if self.period_ns else NEVER_NS

    @property
    def last_ns(self) -> int:
        """Scenario time of the last row."""
        return self.columns["time_ns"][-1]

    def repeated(self, period_ns: int = 0) -> Schedule:
        """This schedule starting again every `period_ns`; by default its last row holds as long as the one before it.

        A single row holds for ever whatever the period, and is returned as it is.

        :raises ValueError: the period does not exceed the last row's time.
        """
        if len(self) == 1:
            return self
        period_ns = period_ns or 2 * self.last_ns - self.columns["time_ns"][-2]
        if period_ns <= self.last_ns:
            raise ValueError(f"a period of {period_ns} ns does not exceed the last row's time, {self.last_ns} ns")
        return Schedule.of_columns(self.columns, period_ns, self.opportunities)

    @cached_property
    def states(self) -> frozenset[tuple[int, int, int]]:
        """The different (rate, delay, queue) that its rows have, in bit/s, ns and bytes."""
        return frozenset(zip(*(self.column(name) for name in ("rate_bps", "delay_ns", "queue_bytes")), strict=True))

    @cached_property
    def bottlenecks(self) -> int:
        """How many different QueueIDs its rows have."""
        return len(set(self.columns["queue_id"])) if "queue_id" in self.columns else 1

    @cached_property
    def is_unlimited(self) -> bool:
        """Whether any row's rate is unlimited."""
        return max(self.column("rate_bps")) >= RATE_UNLIMITED

    @cached_property
    def greatest_rate_bps(self) -> int:
        """The greatest limited rate of any row; 0 if there is none."""
        return max((rate for rate in self.column("rate_bps") if rate < RATE_UNLIMITED), default=0)

    @cached_property
    def bdp_bytes(self) -> int:
        """The largest bandwidth-delay product of any row with a finite rate: rate × 2 × delay, in bytes."""
        finite = ((rate, delay_ns) for rate, delay_ns, _ in self.states if rate < RATE_UNLIMITED)
        return max((rate * 2 * delay_ns // (8 * NS_PER_S) for rate, delay_ns in finite), default=0)

    @cached_property
    def assumed_bdp_bytes(self) -> int:
        """As `bdp_bytes`, of any row: an unlimited rate is taken for `ASSUMED_RATE_BPS`, for what must be sized."""
        longest_ns = max((delay for rate, delay, _ in self.states if rate >= RATE_UNLIMITED), default=0)
        return max(self.bdp_bytes, ASSUMED_RATE_BPS * 2 * longest_ns // (8 * NS_PER_S))

    def check(self) -> None:
        """Return if it keeps the rules of a schedule.

        :raises ValueError: it does not; the message says which rule.
        """
        if not 1 <= len(self) <= MAX_ROWS:
            raise ValueError(f"it has {len(self)} rows; legal is 1 to {MAX_ROWS}")
        times = self.columns["time_ns"]
        if times[0] != 0 or any(after <= before for before, after in pairwise(times)):
            raise ValueError("its rows do not begin at 0 and rise")
        if self.loop_ns and (not self.period_ns or self.loop_ns not in times):
            raise ValueError("its rows begin again with none of them")
        if self.period_ns and self.period_ns <= self.last_ns - self.loop_ns:
            raise ValueError("its rows repeat before they end")
        for each in ROW_FIELDS:
            if (least := min(self.column(each.name))) < each.least:
                raise ValueError(f"a row has {each.name} {least}; the least is {each.least}")
        if self.opportunities:
            self.opportunities.check()


def _says_something(row_field: RowField, column: array[int]) -> bool:
    """Whether a field must be kept: not where it has its default in every row."""
    return row_field.default is None or any(value != row_field.default for value in column)


_DEFAULTS = {each.name: each.default or 0 for each in ROW_FIELDS}


class _Constant(Sequence[int]):
    """The same number, so many times."""

    def __init__(self, value: int, length: int) -> None:
        self._value = value
        self._length = length

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[int]:
        return iter([self._value] * self._length)

    @overload
    def __getitem__(self, index: int) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[int]: ...
    def __getitem__(self, index: int | slice) -> int | Sequence[int]:
        places = range(self._length)[index]
        return self._value if isinstance(places, int) else _Constant(self._value, len(places))


class _Rows(Sequence[Row]):
    """The rows of columns, which are in the order of `Row`'s fields; equal to any sequence of equal rows."""

    def __init__(self, columns: Sequence[Sequence[int]]) -> None:
        self._columns = columns

    def __len__(self) -> int:
        return len(self._columns[0])

    def __iter__(self) -> Iterator[Row]:
        return map(Row, *self._columns)

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Row]: ...
    def __getitem__(self, index: int | slice) -> Row | Sequence[Row]:
        if isinstance(index, slice):
            return _Rows([column[index] for column in self._columns])
        return Row(*[column[index] for column in self._columns])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return repr(tuple(self))


@dataclass(frozen=True, slots=True)
class Scenario:
    """Both directions of a path: `up` is client→server, `down` server→client."""

    up: Schedule
    down: Schedule
    end_ns: int = 0  #: when the last row has held long enough, where what it was read from says so

    @property
    def duration_ns(self) -> int:
        """How long there is something new in it: until its end, else until the last row of either direction."""
        return max(self.up.last_ns, self.down.last_ns, self.end_ns)

    def with_constants(self, up: Mapping[str, int], down: Mapping[str, int]) -> Scenario:
        """The same with fields that have one value in every row of a direction, in place of what they had."""
        if not up and not down:
            return self
        made = self.up.with_constants(up)
        same = self.down is self.up and up == down
        return Scenario(made, made if same else self.down.with_constants(down), self.end_ns)

    def repeated(self, period_ns: int = 0) -> Scenario:
        """Both directions starting again, see `Schedule.repeated`; without a period, at the end if it is known.

        :raises ValueError: the period does not exceed the last row's time.
        """
        period_ns = period_ns or self.end_ns
        up = self.up.repeated(period_ns)
        return Scenario(up, up if self.down is self.up else self.down.repeated(period_ns), self.end_ns)
