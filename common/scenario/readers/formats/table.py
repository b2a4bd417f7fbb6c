"""Reads any table of measurements, once the user says which column means what, or a preset does.

A sample that is missing is never a value of 0: the one before holds, or the path is out, as the user says.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from itertools import chain, islice
from typing import Any

from plctl.common.base.errors import UserError
from plctl.common.base.problems import quote, suggest
from plctl.common.base.units import NS_PER_S, RATE_UNLIMITED
from plctl.common.scenario.readers.formats.column_spec import ISO, Meaning, TableColumn, parse_columns
from plctl.common.scenario.readers.formats.gaps import GAP, REPEATED, Measurements
from plctl.common.scenario.readers.formats.records import RouteIds, quantity
from plctl.common.scenario.readers.reader import ReaderOption
from plctl.common.scenario.readers.text_lines import Cell, CellError, cells_of, words_of
from plctl.common.scenario.readers.trace import Part, Trace
from plctl.common.scenario.readers.trace_file import TraceFile

_SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t", "blanks": " "}
_MISSING = ("", "-", "--", "nan", "n/a", "na", "none", "null")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _one_of(legal: Sequence[str]) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in legal:
            raise UserError(f"legal are {', '.join(legal)}")
        return text

    return read


OPTIONS: tuple[ReaderOption, ...] = (
    ReaderOption("columns", parse_columns, None,
                 "Which column means what, e.g. `time=Timestamp[s]; delay=rtt[ms]/2; rate:down=dl[kbit/s]`."),
    ReaderOption("missing", lambda text: tuple(word.strip().lower() for word in text.split(",")), _MISSING,
                 "Words, with commas between, that stand where nothing was measured; by default `-`, `NaN`, …."),
    GAP,
    ReaderOption("repeated", _one_of(list(REPEATED)), "last",
                 "Of several values at one time: `first`, `last`, `mean`, `least` or `most`."),
    ReaderOption("separator", _one_of(list(_SEPARATORS)), None,
                 "What parts cells: `comma`, `semicolon`, `tab` or `blanks`; by default, what is most frequent."),
)  # fmt: skip


class Table:
    """The reader of tables whose columns the user names."""

    title = "a table"
    options: Sequence[ReaderOption] = OPTIONS

    def recognises(self, lines: Sequence[str]) -> bool:  # noqa: ARG002  (as `Reader.recognises`)
        """Never: any file may be one."""
        return False

    def read(self, file: TraceFile, options: Mapping[str, Any]) -> Trace:
        """As `Reader.read`."""
        if options["columns"] is None:
            raise file.refusal("is read as a table; say what its columns mean, as columns='time=t[s]; delay=rtt[ms]/2'")
        return Trace(tuple(_TableReading(file, options).parts()))


READER = Table()


class _TableReading:
    """Reads one table."""

    def __init__(self, file: TraceFile, options: Mapping[str, Any]) -> None:
        self.file = file
        self.options = options
        self.meanings: tuple[Meaning, ...] = options["columns"]
        self.time = next(each for each in self.meanings if each.field == "time")
        self.lost = [each for each in self.meanings if each.field == "lost"]
        self.values = [each for each in self.meanings if each.field not in ("time", "lost")]
        self.places: dict[TableColumn, int] = {}
        self.routes = RouteIds()

    def parts(self) -> Iterator[Part]:
        """A part for each column that means something."""
        samples = [Measurements(self.file, each.row, REPEATED[self.options["repeated"]]) for each in self.values]
        rows = self._rows()
        problems = samples[0].problems
        for line, cells in rows:
            try:
                time_ns = self._time_ns(self._cell(self.time.column, cells))
                gone = any(self._cell(each.column, cells) == each.column.unit for each in self.lost)
                for each, found in zip(self.values, samples, strict=True):
                    found.add(time_ns, None if gone else self._value(each, cells), line)
            except ValueError as error:
                problems.add(line, getattr(error, "column", 1), str(error))
        first_ns = min(each.first_ns for each in samples)
        for each, found in zip(self.values, samples, strict=True):
            yield found.part(self.options[GAP.name], each.direction, first_ns=first_ns)

    def _rows(self) -> Iterator[tuple[int, Sequence[Cell]]]:
        """The lines with something in them, without the header, and their numbers."""
        lines = ((number, line) for number, line in self.file.lines() if not line.startswith("#"))
        first: list[tuple[int, Cell]] = list(islice(lines, 1))
        if not first:
            raise self.file.refusal("is empty; a table has a line for each time")
        separator = _SEPARATORS[self.options["separator"] or _most_likely(first[0][1])]
        columns = [each.column for each in self.meanings] + [each.divisor for each in self.meanings if each.divisor]
        self.places = {column: column.number - 1 for column in columns if column.number}
        if named := [column for column in columns if not column.number]:
            header = [str(cell) for cell in _split(first[0][1], separator)]
            for column in named:
                if column.name not in header:
                    text = f"has no column {quote(column.name)}; {suggest(column.name, header)}"
                    raise self.file.refusal(text, first[0][0], 1)
                self.places[column] = header.index(column.name)
            first = []
        for number, line in chain(first, lines):
            yield number, _split(line, separator)

    def _cell(self, column: TableColumn, cells: Sequence[Cell]) -> Cell:
        place = self.places[column]
        if place >= len(cells):
            raise ValueError(f"has {len(cells)} cells and no {column}")
        return cells[place]

    def _time_ns(self, cell: Cell) -> int:
        column = self.time.column
        if self.time.factor:
            return int((Decimal(quantity(cell, 10**9, "the time")) * self.time.factor / 10**9).to_integral_value())
        try:
            at = datetime.fromisoformat(cell) if column.unit == ISO else datetime.strptime(cell, column.unit)
        except ValueError:
            raise CellError(cell, f"the time {quote(cell)} is not in the format {column.unit}") from None
        since = (at if at.tzinfo else at.replace(tzinfo=UTC)) - _EPOCH
        return (since.days * 86_400 + since.seconds) * NS_PER_S + since.microseconds * 1000

    def _value(self, meaning: Meaning, cells: Sequence[Cell]) -> int | None:
        """The number in plctl's unit; None where there is none."""
        cell = self._cell(meaning.column, cells)
        if cell.lower() in self.options["missing"]:
            return None
        if meaning.field == "route":
            return self.routes.of(cell)
        if meaning.field == "outage":
            return int(cell == meaning.column.unit)
        number = Decimal(quantity(cell, 10**9, str(meaning.column))) / 10**9
        if meaning.divisor:
            below = Decimal(quantity(self._cell(meaning.divisor, cells), 10**9, str(meaning.divisor))) / 10**9
            if not below:
                return None
            number /= below
        value = int((number * meaning.factor).to_integral_value())
        if value >= RATE_UNLIMITED:
            raise CellError(cell, f"{meaning.column} {quote(cell)} is too large")
        return value


def _most_likely(line: str) -> str:
    counts = {name: line.count(separator) for name, separator in _SEPARATORS.items() if name != "blanks"}
    best = max(counts, key=lambda name: counts[name])
    return best if counts[best] else "blanks"


def _split(line: Cell, separator: str) -> Sequence[Cell]:
    if separator == " ":
        return words_of(line)
    if '"' not in line:
        return cells_of(line, separator)
    return [Cell.at(cell.strip(), line.column) for cell in next(csv.reader([line], delimiter=separator))]
