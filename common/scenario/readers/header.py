"""Reads the header of a scenario CSV: which columns there are, which of them serve which direction, which are ignored.

A file may have columns for its author alone (`Satellite`): they are named in a warning and not read. What looks like
one of ours, but is not, is a mistake all the same, else a slip of the finger would silently change what is emulated.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches

from plctl.common.base.problems import Problems, quote, suggest
from plctl.common.scenario.readers.cells import place, split, value
from plctl.common.scenario.readers.columns import COLUMNS, EXAMPLE_HEADER, ROW_COLUMNS, Column
from plctl.common.scenario.schedule import DIRECTIONS

_MAX_WIDTH = 64
_NO_NAME = re.compile(r"[-+0-9. eE_]+")
_NAMES = [column.name for column in COLUMNS]
_BY_NAME = {name.casefold(): column for name, column in zip(_NAMES, COLUMNS, strict=True)}
#: How like one of our names, from 0 to 1, a name must be to be taken for a mistake.
_LIKENESS = 0.75
_NAMED = 5  # columns that are ignored and named


@dataclass(frozen=True, slots=True)
class Layout:
    """Where in a line things stand. A place is the index of a cell, or −1 where no column serves."""

    width: int  #: cells that a line must have; further ones must be empty
    columns: tuple[tuple[int, Column], ...]  #: the known columns and their places
    unnamed: tuple[int, ...]  #: where there is no name, so nothing may stand in a row, either
    up: tuple[int, ...] = ()  #: places of the fields of a row, in the order of `ROW_FIELDS`
    down: tuple[int, ...] = ()

    @property
    def time(self) -> int:
        """The place of a row's time."""
        return self.up[0] if self.up else -1

    @property
    def directed(self) -> bool:
        """Whether the directions differ in any column."""
        return self.up != self.down


def read_header(line: str, number: int, problems: Problems, warnings: Problems) -> Layout:
    """The layout that header `line` (line `number` of the file) describes; what is wrong with it goes to `problems`.

    The layout of a faulty header has those columns that could be told, so that their cells can still be checked.
    """
    cells = split(line)
    while len(cells) > 1 and not value(cells[-1]):
        cells.pop()
    if fault := _no_header(line, cells):
        problems.add(number, 1, fault)
        return Layout(len(cells), (), ())
    found = _Header(number, problems)
    for index, cell in enumerate(cells):
        found.add(index, value(cell), place(line, index))
    return found.layout(len(cells), warnings)


def _no_header(line: str, cells: list[str]) -> str:
    """Why nothing can be told from this line, or an empty text."""
    if len(cells) > _MAX_WIDTH:
        return f"the header has {len(cells)} columns; there are only {len(COLUMNS)} kinds"
    if all(_NO_NAME.fullmatch(value(cell)) for cell in cells):
        return f"the header is missing; the first line must name the columns: {EXAMPLE_HEADER}"
    if len(cells) == 1 and (";" in line or "\t" in line):
        return f"the columns must be separated by commas: {EXAMPLE_HEADER}"
    return ""


class _Header:
    """The columns found so far, by name and direction (an empty one: both)."""

    def __init__(self, line: int, problems: Problems) -> None:
        self.line = line
        self.problems = problems
        self.places: dict[tuple[Column, str], tuple[int, int]] = {}  # → index, column in the file
        self.unknown: list[tuple[str, int]] = []  # label, column in the file
        self.unnamed: list[int] = []
        self.meant: set[str] = set()  # our names that a faulty label probably means

    def add(self, index: int, label: str, at: int) -> None:
        name, _, direction = "".join(label.split()).casefold().partition(":")
        column = _BY_NAME.get(name)
        if not label:
            self.unnamed.append(index)
        elif column is None:
            self._add_unknown(label, name, at)
        elif direction not in DIRECTIONS and ":" in label:
            self.problems.add(self.line, at, f"{quote(label)}: a column's direction is :up or :down")
        elif direction and not column.file.directed:
            self.problems.add(self.line, at, f"{quote(label)}: {column.name} serves both directions")
        elif (column, direction) in self.places:
            self.problems.add(self.line, at, f"the column {quote(label)} is given twice")
        else:
            self.places[column, direction] = (index, at)

    def _add_unknown(self, label: str, name: str, at: int) -> None:
        if column := _same_but_for_unit(name):
            self.meant.add(column.name)
            self.problems.add(self.line, at, f"{quote(label)}: {_unit(column)}")
        elif near := _near(name):
            self.meant.add(near)
            self.problems.add(self.line, at, f"unknown column {quote(label)}; did you mean {near}?")
        else:
            self.unknown.append((label, at))

    def layout(self, width: int, warnings: Problems) -> Layout:
        self._find_unused()
        columns = tuple((index, column) for (column, _), (index, _) in self.places.items())
        up, down = (tuple(self._place(column, direction) for column in ROW_COLUMNS) for direction in DIRECTIONS)
        missing = [
            _missing(column, for_up, for_down)
            for column, for_up, for_down in zip(ROW_COLUMNS, up, down, strict=True)
            if column.required and min(for_up, for_down) < 0 and column.name not in self.meant
        ]
        for text in missing:
            self.problems.add(self.line, 1, text)
        self._judge_unknown(bool(missing), warnings)
        unnamed = tuple(index for index in self.unnamed if index)  # the first may be the index that pandas writes
        return Layout(width, columns, unnamed, up, down)

    def _judge_unknown(self, something_is_missing: bool, warnings: Problems) -> None:
        """Columns of the author's own are fine, unless one of them may be meant for one that is missing."""
        if something_is_missing:
            for label, at in self.unknown:
                self.problems.add(self.line, at, f"unknown column {quote(label)}; {suggest(label, _NAMES)}")
        elif self.unknown:
            names = [quote(label) for label, _ in self.unknown]
            more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
            many = len(names) > 1
            text = f"the column{'s' * many} {', '.join(names[:_NAMED])}{more} {'are' if many else 'is'} not plctl's"
            warnings.add(self.line, self.unknown[0][1], f"{text} and {'are' if many else 'is'} ignored")

    def _place(self, column: Column, direction: str) -> int:
        """The cell that serves `direction`: its own column rather than the one for both."""
        found = self.places.get((column, direction)) or self.places.get((column, ""))
        return found[0] if found else -1

    def _find_unused(self) -> None:
        for column in COLUMNS:
            if all((column, direction) in self.places for direction in ("", *DIRECTIONS)):
                at = self.places[column, ""][1]
                text = f"{column.name} would never be used, as both directions have a column of their own; remove it"
                self.problems.add(self.line, at, text)


def _missing(column: Column, up: int, down: int) -> str:
    name = column.name if up == down else f"{column.name}:{'up' if up < 0 else 'down'}"
    return f"the column {name} is missing; needed are {EXAMPLE_HEADER}"


def _base(name: str) -> str:
    """`name` without its unit and without whatever is neither letter nor digit."""
    return "".join(filter(str.isalnum, name.partition("[")[0].partition("(")[0])).casefold()


def _same_but_for_unit(name: str) -> Column | None:
    return next((column for column in COLUMNS if _base(column.name) == _base(name)), None)


def _unit(column: Column) -> str:
    """What to do about a column that is ours but for the unit in its name."""
    name, _, unit = column.name.partition("[")
    if not unit:
        return f"the column is called {column.name}"
    return f"{name} is read in {unit.rstrip(']')} only; convert the values and call the column {column.name}"


def _near(name: str) -> str:
    """Which of our columns `name` is probably meant for; empty if none."""
    bases = {_base(column.name): column.name for column in COLUMNS}
    near = get_close_matches(_base(name)[:_MAX_WIDTH], bases, n=1, cutoff=_LIKENESS)
    return bases[near[0]] if near else ""
