"""How the lines of a scenario CSV become cells: quotes, comments, and numbers as spreadsheets write them."""

from __future__ import annotations

import re
from collections.abc import Iterator

#: A group of three digits behind a comma; in a cell only where quotes protect it.
_GROUPED = re.compile(r"[+-]?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]*)?")
_QUOTE_OR_COMMA = re.compile('[",]')
#: Decimals that no group of three digits can be.
_POINT = re.compile(r"[0-9]\.(?:[0-9]{1,2}|[0-9]{4,})(?![0-9])")


def split(line: str) -> list[str]:
    """The cells of `line` as they stand there, quotes included: a comma between quotes parts nothing."""
    return line.split(",") if '"' not in line else list(_split_quoted(line))


def value(cell: str) -> str:
    """What `cell` says, without blanks and quotes around it."""
    text = cell.strip()
    if text.startswith('"'):
        text = text.removeprefix('"').removesuffix('"').replace('""', '"').strip()
    return text


def without_comment(line: str) -> str:
    """`line` up to the first `#` that stands outside quotes."""
    if "#" not in line:
        return line
    return line.partition("#")[0] if '"' not in line else line[: _find(line, "#")]


def place(line: str, index: int) -> int:
    """The column, from 1, where cell `index` of `line` begins."""
    cells = split(line)
    blank = len(cells[index]) - len(cells[index].lstrip())
    return sum(len(cell) + 1 for cell in cells[:index]) + blank + 1


class Numbers:
    """What commas within the numbers of one file mean."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._points: bool | None = None  #: whether the file writes decimals with a point; None: not looked yet

    def plain(self, text: str) -> str:
        """`text` without the commas between groups of digits, if it can be told that they are no decimal commas."""
        if "," not in text or not _GROUPED.fullmatch(text):
            return text
        if text.count(",") > 1 or "." in text or self._has_points():
            return text.replace(",", "")
        return text

    def _has_points(self) -> bool:
        if self._points is None:
            self._points = bool(_POINT.search(self._text))
        return self._points


def _split_quoted(line: str) -> Iterator[str]:
    begin, quoted = 0, False
    for found in _QUOTE_OR_COMMA.finditer(line):
        if found[0] == '"':
            quoted = not quoted
        elif not quoted:
            yield line[begin : found.start()]
            begin = found.end()
    yield line[begin:]


def _find(line: str, character: str) -> int:
    """Where `character` stands in `line` outside quotes; its length if nowhere."""
    quoted = False
    for index, found in enumerate(line):
        if found == character and not quoted:
            return index
        quoted ^= found == '"'
    return len(line)
