"""The one place where text with units becomes integers (nanoseconds, bits per second, bytes) and back.

All arithmetic is exact: decimal text is scaled as `Decimal` and rounded half-even to the integer unit.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

from plctl.common.base.errors import UserError

NS_PER_US = 1_000
NS_PER_MS = 1_000_000
NS_PER_S = 1_000_000_000

#: A rate that serves every frame in no time (`inf` in a scenario). The largest int64, so that it orders as the largest.
RATE_UNLIMITED = 2**63 - 1
#: What an unlimited rate is taken for where something must be sized: memory, TCP buffers.
ASSUMED_RATE_BPS = 10**9

#: The longest duration that is read: ten years. Everything that adds up a few of them stays within an int64.
MAX_DURATION_NS = 315_576_000 * NS_PER_S

_DURATIONS = {"ns": 1, "us": NS_PER_US, "µs": NS_PER_US, "ms": NS_PER_MS, "s": NS_PER_S, "min": 60 * NS_PER_S,
              "h": 3600 * NS_PER_S}  # fmt: skip
_RATES = {"bit/s": 1, "bps": 1, "kbit/s": 10**3, "kbps": 10**3, "Mbit/s": 10**6, "Mbps": 10**6, "Gbit/s": 10**9,
          "Gbps": 10**9}  # fmt: skip
_SIZES = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_QUANTITY = re.compile(r"\s*([0-9][0-9_]*(?:\.[0-9]+)?)\s*([A-Za-zµ/]+)\s*")


def parse_duration(text: str) -> int:
    """Nanoseconds in e.g. ``70s``, ``1.5ms``, ``2min``.

    :raises UserError: no number, no unit, an unknown unit, or more than `MAX_DURATION_NS`; the message says what is
        legal.
    """
    ns = _parse(text, _DURATIONS, "duration", "70s or 1.5ms")
    if ns > MAX_DURATION_NS:
        raise UserError(f"{text!r} is longer than ten years")
    return ns


def parse_rate(text: str) -> int:
    """Bits per second in e.g. ``80Mbit/s``, or `RATE_UNLIMITED` for ``inf``.

    :raises UserError: as `parse_duration`.
    """
    if text.strip().lower() in ("inf", "unlimited"):
        return RATE_UNLIMITED
    return _parse(text, _RATES, "rate", "80Mbit/s")


def parse_size(text: str) -> int:
    """Bytes in e.g. ``64kB`` (1000) or ``64KiB`` (1024).

    :raises UserError: as `parse_duration`.
    """
    return _parse(text, _SIZES, "size", "64kB or 64KiB")


def scale(number: str, unit: int) -> int:
    """`number` (decimal text) times `unit`, as the nearest integer.

    :raises ValueError: `number` is not a finite decimal.
    """
    try:
        value = Decimal(number)
    except InvalidOperation:
        raise ValueError(f"{number!r} is not a number") from None
    if not value.is_finite():
        raise ValueError(f"{number!r} is not a finite number")
    return int((value * unit).to_integral_value())


def format_duration(ns: int) -> str:
    """`ns` in the largest unit that keeps it at or above one, to three decimals: ``41 ms``, ``1.5 s``."""
    for unit, size in (("s", NS_PER_S), ("ms", NS_PER_MS), ("µs", NS_PER_US)):
        if abs(ns) >= size:
            return f"{_trim(ns / size)} {unit}"
    return f"{ns} ns"


def three_digits(ns: int, *, bound: bool = False) -> int:
    """`ns` to three digits for a narrow column; a `bound` is rounded up, so that it stays one."""
    step: int = 10 ** max(0, len(str(abs(ns))) - 3)
    return (-(-ns // step) if bound else round(ns / step)) * step


def format_rate(bps: int) -> str:
    """`bps` as ``80.2 Mbit/s``; ``unlimited`` for `RATE_UNLIMITED`."""
    if bps >= RATE_UNLIMITED:
        return "unlimited"
    for unit, size in (("Gbit/s", 10**9), ("Mbit/s", 10**6), ("kbit/s", 10**3)):
        if bps >= size:
            return f"{_trim(bps / size)} {unit}"
    return f"{bps} bit/s"


def format_size(n: int) -> str:
    """`n` bytes as ``64 kB`` (powers of 1000)."""
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if n >= size:
            return f"{_trim(n / size)} {unit}"
    return f"{n} B"


def _parse(text: str, units: dict[str, int], what: str, example: str) -> int:
    match = _QUANTITY.fullmatch(text)
    if match and (unit := _find_unit(match[2], units)):
        return scale(match[1].replace("_", ""), unit)
    raise UserError(f"{text!r} is not a {what}; write a number and one of {', '.join(units)}, e.g. {example}")


def _find_unit(word: str, units: dict[str, int]) -> int | None:
    """The unit spelled `word`; regardless of case where that is unambiguous."""
    if word in units:
        return units[word]
    alike = {size for name, size in units.items() if name.lower() == word.lower()}
    return alike.pop() if len(alike) == 1 else None


def _trim(value: float) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".")
