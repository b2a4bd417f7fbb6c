"""How values of command-line options become spans, rates and delays of a model."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import click

from plctl.common.base.errors import UserError
from plctl.common.base.units import parse_duration, parse_rate
from plctl.controller.makers.span import Span, parse_span

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


def _read(text: str, parse: Callable[[str], _T]) -> _T:
    try:
        return parse(text)
    except UserError as error:
        raise click.BadParameter(str(error)) from None
