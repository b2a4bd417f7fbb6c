"""The columns that a scenario CSV may have: their names, units and limits, and how a cell becomes an exact integer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from plctl.common.base.problems import quote
from plctl.common.base.units import NS_PER_MS, RATE_UNLIMITED, scale

_GROUP = "[ _\u00a0\u2009\u202f]"  # what people put between groups of three digits
_DIGITS = rf"(?:[0-9]+|[0-9]{{1,3}}(?:{_GROUP}[0-9]{{3}})+)"
_NUMBER = re.compile(rf"[+-]?(?:{_DIGITS}(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{{1,3}})?")
_SEPARATOR = re.compile(_GROUP)
_UNLIMITED = ("inf", "+inf", "infinity", "+infinity", "unlimited")
_COMMA = re.compile(r"[+-]?[0-9]{1,3},[0-9]{3}")  # `cells` reads it where it can be told what it means

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
        text = cell.strip()
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
        if _COMMA.fullmatch(text):
            remedy = f"write {text.replace(',', '')} or {text.replace(',', '.')}"
            raise ValueError(f"{self.name}: {quote(text)} is a thousand times as much to some as to others; {remedy}")
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
