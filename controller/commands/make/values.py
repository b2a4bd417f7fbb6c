"""How values of command-line options become what a model takes: spans, rates, delays, places, instants."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

import click

from plctl.common.base.errors import UserError
from plctl.common.base.units import parse_duration, parse_rate
from plctl.controller.makers.span import Span, parse_span
from plctl.controller.orbits.shells import Shell, parse_shell
from plctl.controller.orbits.slots import SlotGrid, parse_slot_grid
from plctl.controller.orbits.stations import Station, parse_station

_T = TypeVar("_T")


def rate(text: str) -> int:
    """A rate in bit/s.

    :raises click.BadParameter: it cannot be read.
    """
    return _read(text, parse_rate)


def rate_span(text: str) -> Span:
    """As `rate`, or two to vary between."""
    return _read(text, lambda word: parse_span(word, parse_rate))


def delay_span(text: str) -> Span:
    """As `rate_span`, of delays in ns."""
    return _read(text, lambda word: parse_span(word, parse_duration))


def rates(text: str) -> list[int]:
    """As `rate`, several, parted by commas."""
    return _read(text, lambda words: [parse_rate(word) for word in words.split(",")])


def delays(text: str) -> list[int]:
    """As `rates`, of delays in ns."""
    return _read(text, lambda words: [parse_duration(word) for word in words.split(",")])


def shell(text: str) -> Shell:
    """As `rate`, a shell of a constellation."""
    return _read(text, parse_shell)


def station(text: str) -> Station:
    """As `rate`, a ground station."""
    return _read(text, parse_station)


def slot_grid(text: str) -> SlotGrid:
    """As `rate`, when paths are chosen anew."""
    return _read(text, parse_slot_grid)


def instant(text: str) -> datetime:
    """As `rate`, an instant of UTC, unless it has an offset of its own."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is no instant; write e.g. 2026-11-28T12:00:00Z") from None
    found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    if not 1957 <= found.year <= 2056:
        raise click.BadParameter(f"{text!r} is not within 1957 to 2056, the years of two-line element sets")
    return found


def _read(text: str, parse: Callable[[str], _T]) -> _T:
    try:
        return parse(text)
    except UserError as error:
        raise click.BadParameter(str(error)) from None
