"""The columns that a scenario CSV may have: their names, units and limits, and how a cell becomes an exact integer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from plctl.common.plan import DIRECTIONS
from plctl.common.problems import Problems, quote, suggest
from plctl.common.units import NS_PER_MS, RATE_UNLIMITED, scale

_GROUP = "[ _\u00a0\u2009\u202f]"  # what people put between groups of three digits
_DIGITS = rf"(?:[0-9]+|[0-9]{{1,3}}(?:{_GROUP}[0-9]{{3}})+)"
_NUMBER = re.compile(rf"[+-]?(?:{_DIGITS}(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{{1,3}})?")
_SEPARATOR = re.compile(_GROUP)
_UNLIMITED = ("inf", "+inf", "infinity", "+infinity", "unlimited")
_MAX_WIDTH = 64

EXAMPLE_HEADER = "Time[ms],RouteID,Delay[ms],Btldr[Mbps]"


@dataclass(frozen=True, slots=True)
class Column:
    """One legal column. `largest` is in the file's unit, `unit` how many of ours make one of it."""

    name: str
    unit: int
    largest: int
    legal: str  #: what may stand in a cell, as the end of a sentence
    whole: bool = False  #: no fractions
    emulated: bool = True  #: False: only zero is accepted, until this version of the model knows it
    required: bool = True
    directed: bool = True  #: may be given per direction
    unlimited: bool = False  #: `inf` is legal

    def read(self, cell: str) -> int:
        """The value of `cell` in our unit (ns, bit/s, bytes); −1 for an empty cell of an optional column.

        :raises ValueError: it is not legal; the message says what was found and what is.
        """
        text = cell.strip().strip('"').strip()
        if not _NUMBER.fullmatch(text):
            return self._read_word(text)
        plain = _SEPARATOR.sub("", text)
        number = Decimal(plain)
        if number < 0:
            raise self._wrong(text, "is negative")
        if number > self.largest:
            raise self._wrong(text, "is too large")
        if self.whole and number % 1:
            raise self._wrong(text, "is not a whole number")
        if number and not self.emulated:
            raise ValueError(f"{self.name}: {quote(text)} cannot be emulated by this version; only 0 is legal")
        value = scale(plain, self.unit)
        if number and not value and self.unlimited:
            raise self._wrong(text, "is less than 1 bit/s")
        return value

    def _read_word(self, text: str) -> int:
        word = text.casefold()
        if self.unlimited and word in _UNLIMITED:
            return RATE_UNLIMITED
        if not word and not self.required:
            return -1
        if not word:
            raise ValueError(f"{self.name}: the cell is empty; legal is {self.legal}")
        raise self._wrong(text, "is NaN, not a number" if word.lstrip("+-") == "nan" else "is not a number")

    def _wrong(self, text: str, why: str) -> ValueError:
        return ValueError(f"{self.name}: {quote(text)} {why}; legal is {self.legal}")


_PERCENT = "a percentage from 0 to 100"
_MS = "milliseconds from 0 to 3600000 (1 h), e.g. 41.0"
TIME = Column("Time[ms]", NS_PER_MS, 10 * 31_557_600_000,
              "milliseconds from 0 to 10 years, e.g. 11000 or 11 000", directed=False)  # fmt: skip
ROUTE = Column("RouteID", 1, 2**63 - 1, "a whole number from 0, e.g. 1", whole=True)
DELAY = Column("Delay[ms]", NS_PER_MS, 3_600_000, _MS)
RATE = Column("Btldr[Mbps]", 10**6, 10**7,
              "Mbit/s from 0 (an outage) to 10000000 (10 Tbit/s), e.g. 80.2, or inf", unlimited=True)  # fmt: skip
QUEUE = Column("Queue[B]", 1, 2**40,
               "whole bytes from 0 to 1099511627776 (1 TiB), e.g. 64000", whole=True, required=False)  # fmt: skip
COLUMNS = (
    TIME, ROUTE, DELAY, RATE, QUEUE,
    Column("Loss[%]", 1, 100, _PERCENT, emulated=False, required=False),
    Column("Jitter[ms]", NS_PER_MS, 3_600_000, _MS, emulated=False, required=False),
    Column("Duplicate[%]", 1, 100, _PERCENT, emulated=False, required=False),
    Column("Corrupt[%]", 1, 100, _PERCENT, emulated=False, required=False),
)  # fmt: skip
_BY_NAME = {column.name.casefold(): column for column in COLUMNS}
_PER_ROW = (ROUTE, DELAY, RATE, QUEUE)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where in a line things stand. A place is the index of a cell, or −1 where no column serves."""

    width: int
    columns: tuple[tuple[int, Column], ...]  #: the known columns and their places
    time: int
    up: tuple[int, int, int, int]  #: places of route, delay, rate and queue
    down: tuple[int, int, int, int]

    @property
    def directed(self) -> bool:
        """Whether the directions differ in any column."""
        return self.up != self.down


def read_header(line: str, number: int, problems: Problems) -> Layout:
    """The layout that header `line` (line `number` of the file) describes; what is wrong with it goes to `problems`.

    The layout of a faulty header has those columns that could be told, so that their cells can still be checked.
    """
    names = line.split(",")
    if fault := _no_header(line, names):
        problems.add(number, 1, fault)
        return Layout(len(names), (), -1, (-1,) * 4, (-1,) * 4)
    found = _Header(number, problems)
    offset = 1
    for index, name in enumerate(names):
        found.add(index, name, offset + len(name) - len(name.lstrip()))
        offset += len(name) + 1
    return found.layout(len(names))


def _no_header(line: str, names: list[str]) -> str:
    """Why nothing can be told from this line, or an empty text."""
    if len(names) > _MAX_WIDTH:
        return f"the header has {len(names)} columns; there are only {len(COLUMNS)} kinds"
    if all(_NUMBER.fullmatch(name.strip()) for name in names):
        return f"the header is missing; the first line must name the columns: {EXAMPLE_HEADER}"
    if len(names) == 1 and (";" in line or "\t" in line):
        return f"the columns must be separated by commas: {EXAMPLE_HEADER}"
    return ""


class _Header:
    """The columns found so far, by name and direction (an empty one: both)."""

    def __init__(self, line: int, problems: Problems) -> None:
        self.line = line
        self.problems = problems
        self.places: dict[tuple[Column, str], tuple[int, int]] = {}  # → index, column in the file

    def add(self, index: int, cell: str, place: int) -> None:
        label = cell.strip().strip('"').strip()
        name, _, direction = "".join(label.split()).casefold().partition(":")
        column = _BY_NAME.get(name)
        if column is None:
            text = suggest(name, [c.name for c in COLUMNS])
            self.problems.add(self.line, place, f"unknown column {quote(label)}; {text}")
        elif direction not in DIRECTIONS and ":" in label:
            self.problems.add(self.line, place, f"{quote(label)}: a column's direction is :up or :down")
        elif direction and not column.directed:
            self.problems.add(self.line, place, f"{quote(label)}: {column.name} serves both directions")
        elif (column, direction) in self.places:
            self.problems.add(self.line, place, f"the column {quote(label)} is given twice")
        else:
            self.places[column, direction] = (index, place)

    def layout(self, width: int) -> Layout:
        self._find_unused()
        columns = tuple((index, column) for (column, _), (index, _) in self.places.items())
        time = self._place(TIME, "")
        up, down = ([self._place(column, direction) for column in _PER_ROW] for direction in DIRECTIONS)
        if time < 0:
            self.problems.add(self.line, 1, _missing("Time[ms]"))
        for column, for_up, for_down in zip(_PER_ROW, up, down, strict=True):
            if column.required:
                self._require(column, for_up, for_down)
        return Layout(width, columns, time, (up[0], up[1], up[2], up[3]), (down[0], down[1], down[2], down[3]))

    def _place(self, column: Column, direction: str) -> int:
        """The cell that serves `direction`: its own column rather than the one for both."""
        found = self.places.get((column, direction)) or self.places.get((column, ""))
        return found[0] if found else -1

    def _require(self, column: Column, up: int, down: int) -> None:
        if up < 0 and down < 0:
            self.problems.add(self.line, 1, _missing(column.name))
        elif up < 0 or down < 0:
            self.problems.add(self.line, 1, _missing(f"{column.name}:{'up' if up < 0 else 'down'}"))

    def _find_unused(self) -> None:
        for column in COLUMNS:
            if all((column, direction) in self.places for direction in ("", *DIRECTIONS)):
                place = self.places[column, ""][1]
                text = f"{column.name} would never be used, as both directions have a column of their own; remove it"
                self.problems.add(self.line, place, text)


def _missing(name: str) -> str:
    return f"the column {name} is missing; needed are {EXAMPLE_HEADER}"
