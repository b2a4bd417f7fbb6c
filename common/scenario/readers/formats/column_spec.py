"""What a user writes to say which column of a table means what: `delay=PINGAVG[ms]/2; rate:down=DL_bitrate[kbit/s]`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from plctl.common.base.errors import UserError
from plctl.common.base.problems import quote, suggest
from plctl.common.base.units import NS_PER_MS, NS_PER_S, NS_PER_US
from plctl.common.scenario.readers.trace import OUTAGE
from plctl.common.scenario.schedule import DIRECTIONS, Direction

_DURATIONS = {"ns": 1, "us": NS_PER_US, "µs": NS_PER_US, "ms": NS_PER_MS, "s": NS_PER_S, "min": 60 * NS_PER_S,
              "h": 3600 * NS_PER_S}  # fmt: skip
_RATES = {"bit/s": 1, "bps": 1, "kbit/s": 10**3, "kbps": 10**3, "Mbit/s": 10**6, "Mbps": 10**6, "Gbit/s": 10**9,
          "Gbps": 10**9, "B/s": 8, "kB/s": 8 * 10**3, "MB/s": 8 * 10**6}  # fmt: skip
_SIZES = {"B": 1, "kB": 10**3, "MB": 10**6, "KiB": 2**10, "MiB": 2**20, "packets": 1514}
_SHARES = {"%": 10**7, "1": 10**9}


@dataclass(frozen=True, slots=True)
class Field:
    """What a column may mean: a field of a row, and the units that it may be in."""

    row: str
    units: Mapping[str, int]


FIELDS = {
    "time": Field("time_ns", _DURATIONS),
    "delay": Field("delay_ns", _DURATIONS),
    "rate": Field("rate_bps", _RATES),
    "queue": Field("queue_bytes", _SIZES),
    "jitter": Field("jitter_ns", _DURATIONS),
    "loss": Field("loss_ppb", _SHARES),
    "duplicate": Field("duplicate_ppb", _SHARES),
    "corrupt": Field("corrupt_ppb", _SHARES),
    "route": Field("route", {}),
    "lost": Field("lost", {}),
    "outage": Field(OUTAGE, {}),
}
#: Units of `time` that are not factors.
ISO = "iso"
_ENTRY = re.compile(r"\s*([a-z]+)(?::([a-z]+))?\s*=\s*(.*\S)\s*")
_TERM = r'(?:"([^"]+)"|(#[0-9]+)|([^\[\]/*"]+?))\s*(?:\[([^\]]*)\])?'
_VALUE = re.compile(rf"{_TERM}\s*(?:([/*])\s*(?:([0-9]+(?:\.[0-9]+)?)|{_TERM}))?")


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column by its name, or by its number from 1, and what brackets say of it."""

    name: str
    number: int  #: 0: it has a name
    unit: str

    def __str__(self) -> str:
        return f"#{self.number}" if self.number else self.name


@dataclass(frozen=True, slots=True)
class Meaning:
    """That a column, times a factor or divided by another one, is a field of one direction or of both."""

    field: str  #: a key of `FIELDS`
    direction: Direction | None
    column: TableColumn
    factor: Decimal  #: from the column's number to plctl's unit; 0 where it is no number
    divisor: TableColumn | None = None  #: whose number is in ns behind the factor

    @property
    def row(self) -> str:
        """The field of a row."""
        return FIELDS[self.field].row


def parse_columns(text: str) -> tuple[Meaning, ...]:
    """The meanings that `text` gives, among them one time.

    :raises UserError: it is not understood; the message says where, and what is legal.
    """
    found = tuple(_meaning(entry) for entry in text.split(";") if entry.strip())
    if sum(each.field == "time" for each in found) != 1:
        raise UserError("exactly one column is the time, e.g. time=Timestamp[s]")
    if len(found) == 1:
        raise UserError("a time alone says nothing; name a column for the delay or the rate")
    return found


def _meaning(entry: str) -> Meaning:
    match = _ENTRY.fullmatch(entry)
    if match is None:
        raise UserError(f"{quote(entry.strip())} is not FIELD=COLUMN[UNIT], e.g. delay=rtt[ms]/2")
    name, way, value = match.groups()
    if name not in FIELDS:
        raise UserError(f"{quote(name)} is no field of a path; {suggest(name, list(FIELDS))}")
    if way is not None and way not in DIRECTIONS:
        raise UserError(f"{quote(f'{name}:{way}')}: a direction is up or down")
    direction: Direction | None = "up" if way == "up" else "down" if way == "down" else None
    parts = _VALUE.fullmatch(value)
    if parts is None:
        raise UserError(f"{quote(value)} is not COLUMN[UNIT], COLUMN[UNIT]/2 or COLUMN[UNIT]/COLUMN[UNIT]")
    column = _column(parts.groups()[:4])
    operator, number, other = parts[5], parts[6], parts.groups()[6:]
    if operator and number is None:
        return Meaning(name, direction, column, *_quotient(name, operator, column, _column(other)))
    return Meaning(name, direction, column, _scaled(_factor(name, column), operator, number))


def _column(groups: tuple[str | None, ...]) -> TableColumn:
    quoted, number, plain, unit = groups
    return TableColumn(quoted or plain or "", int(number[1:]) if number else 0, unit or "")


def _factor(name: str, column: TableColumn) -> Decimal:
    units = FIELDS[name].units
    if not units or (name == "time" and (column.unit == ISO or "%" in column.unit)):
        return Decimal(0)
    if column.unit not in units:
        said = f"in {quote(column.unit)}" if column.unit else "without a unit"
        also = f", {ISO}, or a format such as %Y-%m-%d %H:%M:%S" if name == "time" else ""
        raise UserError(f"{column} is {said}; units of the {name} are {', '.join(units)}{also}")
    return Decimal(units[column.unit])


def _scaled(factor: Decimal, operator: str | None, number: str | None) -> Decimal:
    if operator is None or number is None:
        return factor
    by = Decimal(number)
    if not by:
        raise UserError("a column can be neither divided by 0 nor multiplied with it")
    return factor / by if operator == "/" else factor * by


def _quotient(name: str, operator: str, above: TableColumn, below: TableColumn) -> tuple[Decimal, TableColumn]:
    """A rate is what was carried in a time."""
    if name != "rate" or operator != "/" or above.unit not in _SIZES or below.unit not in _DURATIONS:
        raise UserError("only a rate can be of two columns, bytes divided by a time, e.g. rate=#5[B]/#6[ms]")
    return Decimal(8 * _SIZES[above.unit] * NS_PER_S) / _DURATIONS[below.unit], below
