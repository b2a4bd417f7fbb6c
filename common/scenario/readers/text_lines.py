"""The lines of a text one after the other, each with its place, without ever holding all of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

#: The longest line of a table, in characters: the longest cell that Python's reader of CSV takes.
LONGEST_LINE = 131_072
#: The most lines that are read of one file: a table may say several things of one instant.
MOST_LINES = 4_000_000
_SAYING = re.compile(r"\S[^\n\r]*")


class Cell(str):
    """A piece of a line; `column` is where it begins there, from 1."""

    __slots__ = ("column",)
    column: int

    @classmethod
    def at(cls, text: str, column: int) -> Cell:
        """`text`, which stands at `column`."""
        self = cls(text)
        self.column = column
        return self


class CellError(ValueError):
    """What a cell says is wrong."""

    def __init__(self, cell: str, text: str) -> None:
        super().__init__(text)
        self.column: int = getattr(cell, "column", 1)


class LongLineError(ValueError):
    """The lines of a file are too long, or too many; `line` is the first of them."""

    def __init__(self, line: int, text: str) -> None:
        super().__init__(text)
        self.line = line


def lines_of(text: str, *, longest: int = LONGEST_LINE) -> Iterator[tuple[int, Cell]]:
    """The lines of `text` that say something, without blanks at their ends, and their numbers from 1.

    They end in a line feed, a carriage return, or both, as in an editor.

    :raises LongLineError: one is longer than `longest`, or there are more than `MOST_LINES`.
    """
    returns = "\r" in text
    number, seen = 1, 0
    for count, found in enumerate(_SAYING.finditer(text)):
        start = found.start()
        number += text.count("\n", seen, start)
        if returns:
            number += text.count("\r", seen, start) - text.count("\r\n", seen, start)
        begin = max(text.rfind("\n", seen, start), text.rfind("\r", seen, start) if returns else -1, seen - 1)
        seen = start
        if found.end() - start > longest:
            raise LongLineError(number, f"is longer than the {longest} characters that a line may have")
        if count >= MOST_LINES:
            raise LongLineError(number, f"is beyond the {MOST_LINES} lines that are read of one file")
        yield number, Cell.at(found[0].rstrip(), start - begin)


def cells_of(line: str, separator: str = ",") -> Sequence[Cell]:
    """`line` parted at each `separator`, without blanks around; each cell knows its column."""
    column = getattr(line, "column", 1)
    found = []
    for cell in line.split(separator):
        bare = cell.strip()
        found.append(Cell.at(bare, column + (cell.index(bare) if bare else 0)))
        column += len(cell) + len(separator)
    return found


def words_of(line: str) -> Sequence[Cell]:
    """`line` parted at blanks; each word knows its column."""
    column = getattr(line, "column", 1)
    return [Cell.at(found[0], column + found.start()) for found in re.finditer(r"\S+", line)]
