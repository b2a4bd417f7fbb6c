"""The columns that a scenario CSV may have: their names, units and limits, and how a cell becomes an exact integer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from plctl.common.base.problems import quote
from plctl.common.base.units import RATE_UNLIMITED, scale
from plctl.common.scenario.schedule import ROW_FIELDS, FileColumn

_GROUP = "[ _\u00a0\u2009\u202f]"  # what people put between groups of three digits
_DIGITS = rf"(?:[0-9]+|[0-9]{{1,3}}(?:{_GROUP}[0-9]{{3}})+)"
_NUMBER = re.compile(rf"[+-]?(?:{_DIGITS}(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{{1,3}})?")
_SEPARATOR = re.compile(_GROUP)
_UNLIMITED = ("inf", "+inf", "infinity", "+infinity", "unlimited")
_COMMA = re.compile(r"[+-]?[0-9]{1,3},[0-9]{3}")  # `cells` reads it where it can be told what it means

EXAMPLE_HEADER = "Time[ms],RouteID,Delay[ms],Btldr[Mbps]"


@dataclass(frozen=True, slots=True)
class Column:
    """One legal column."""

    file: FileColumn
    required: bool = True
    default: int = -1  #: of an empty cell, where it is not required

    @property
    def name(self) -> str:
        """As the header has it."""
        return self.file.name

    def read(self, cell: str) -> int:
        """The value of `cell` in our unit (ns, bit/s, bytes); the default for an empty cell of an optional column.

        :raises ValueError: it is not legal; the message says what was found and what is.
        """
        text = cell.strip()
        if not _NUMBER.fullmatch(text):
            return self._read_word(text)
        plain = _SEPARATOR.sub("", text)
        number = Decimal(plain)
        if number < 0:
            raise self._wrong(text, "is negative")
        if number > self.file.largest:
            raise self._wrong(text, "is too large")
        if self.file.whole and number % 1:
            raise self._wrong(text, "is not a whole number")
        value = scale(plain, self.file.unit)
        if number and not value and self.file.unlimited:
            raise self._wrong(text, "is less than 1 bit/s")
        return value

    def _read_word(self, text: str) -> int:
        word = text.casefold()
        if self.file.unlimited and word in _UNLIMITED:
            return RATE_UNLIMITED
        if not word and not self.required:
            return self.default
        if not word:
            raise ValueError(f"{self.name}: the cell is empty; legal is {self.file.legal}")
        if _COMMA.fullmatch(text):
            remedy = f"write {text.replace(',', '')} or {text.replace(',', '.')}"
            raise ValueError(f"{self.name}: {quote(text)} is a thousand times as much to some as to others; {remedy}")
        raise self._wrong(text, "is NaN, not a number" if word.lstrip("+-") == "nan" else "is not a number")

    def _wrong(self, text: str, why: str) -> ValueError:
        return ValueError(f"{self.name}: {quote(text)} {why}; legal is {self.file.legal}")


#: The column of each field of a row, in the order of `Row`.
ROW_COLUMNS = tuple(
    Column(each.file, each.default is None, -1 if each.default is None else each.default) for each in ROW_FIELDS
)
TIME = ROW_COLUMNS[0]
#: All that may stand in a file.
COLUMNS = ROW_COLUMNS
