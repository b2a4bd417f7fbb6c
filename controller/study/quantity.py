"""Levels of factors as values that can be compared: text, true or false, and numbers with units."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from plctl.common.base.errors import UserError
from plctl.common.base.units import parse_duration, parse_rate, parse_size

#: Kinds of numbers whose units have no multiples: beside them a bare number cannot be misread.
_PLAIN_KINDS = {"": "", "%": "%", "bdp": "bdp", "p": "p"}
_WITH_UNITS: dict[str, Callable[[str], int]] = {"time": parse_duration, "rate": parse_rate, "size": parse_size}
_WRITTEN = re.compile(r"\s*([+-]?[0-9][0-9_]*(?:\.[0-9]+)?)\s*(%|[A-Za-zµ]+(?:/s)?)?\s*")
#: Digits of a level that a range makes, where the exact ones never end.
_DIGITS, _MOST_DIGITS = 6, 17


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number of a kind: of nanoseconds (`time`), bit/s (`rate`), bytes (`size`), or in its one unit."""

    number: Fraction
    kind: str = ""

    @property
    def is_plain(self) -> bool:
        """Whether a bare number beside it has the same unit."""
        return self.kind in _PLAIN_KINDS


Value = Quantity | str | bool


def value_of(text: str) -> Value:
    """What the level `text` is: a number with or without a unit, true or false, or else text."""
    if text in ("true", "false"):
        return text == "true"
    match = _WRITTEN.fullmatch(text)
    if not match:
        return text
    number, unit = match[1], match[2] or ""
    if unit in _PLAIN_KINDS:
        return Quantity(Fraction(number.replace("_", "")), unit)
    for kind, parse in _WITH_UNITS.items():
        try:
            return Quantity(Fraction(parse(text)), kind)
        except UserError:
            continue
    return text


def between(first: str, last: str, steps: int, *, logarithmic: bool = False) -> tuple[str, ...]:
    """`steps` levels from `first` to `last`, both included, in even steps or by an even factor.

    :raises ValueError: these are not numbers of one kind, are equal, or, by a factor, not above 0.
    """
    a, b = value_of(first), value_of(last)
    if not (isinstance(a, Quantity) and isinstance(b, Quantity) and a.kind == b.kind):
        raise ValueError(f"{first!r} and {last!r} are not two numbers of one kind, such as 0% and 2%, or 10ms and 1s")
    if a.number == b.number:
        raise ValueError(f"from {first} to {last} is no range")
    if logarithmic and min(a.number, b.number) <= 0:
        raise ValueError(f"from {first} to {last} by an even factor is impossible; both must be above 0")
    unit, size = _finer_unit(first, last)
    inner = [_inner(a.number, b.number, Fraction(step, steps - 1), logarithmic) for step in range(1, steps - 1)]
    numbers = [each / size for each in (a.number, *inner, b.number)]
    for digits in range(_DIGITS, _MOST_DIGITS):  # as few as still tell each from its neighbours
        levels = tuple(_written(each, unit, digits) for each in numbers)
        if len(set(levels)) == steps:
            break
    return levels


def _inner(a: Fraction, b: Fraction, share: Fraction, logarithmic: bool) -> Fraction:
    if logarithmic:
        return Fraction(float(a) * float(b / a) ** float(share))
    return a + (b - a) * share


def _finer_unit(*texts: str) -> tuple[str, Fraction]:
    """The smallest of the units that `texts` are written in, and what one of it is."""
    found = []
    for text in texts:
        match = _WRITTEN.fullmatch(text)
        assert match
        one = value_of(f"1{match[2] or ''}")
        assert isinstance(one, Quantity)
        found.append((one.number, match[2] or ""))
    size, unit = min(found)
    return unit, size


def _written(number: Fraction, unit: str, digits: int) -> str:
    """With as many decimals as it has, or so many significant `digits` if it has no end."""
    if (number * 10**9).denominator == 1:
        whole, rest = divmod(abs(int(number * 10**9)), 10**9)
        decimals = f".{rest:09d}".rstrip("0").rstrip(".")
        return f"{'-' if number < 0 else ''}{whole}{decimals}{unit}"
    text = f"{float(number):.{digits}g}"
    return (format(Decimal(text), "f") if "e" in text else text) + unit
