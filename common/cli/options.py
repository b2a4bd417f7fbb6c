"""What command-line options are made of that several commands have: durations, and numbers that are numbers."""

from __future__ import annotations

import math
from typing import Any

import click

from plctl.common.base.errors import UserError
from plctl.common.base.units import parse_duration


def duration_ns(text: str) -> int:
    """Nanoseconds in a command-line value such as 10s.

    :raises click.BadParameter: it cannot be read.
    """
    try:
        return parse_duration(text)
    except UserError as error:
        raise click.BadParameter(str(error)) from None


def positive_duration_ns(text: str) -> int:
    """As `duration_ns`, where no time at all would make no sense.

    :raises click.BadParameter: it cannot be read, or is zero.
    """
    if ns := duration_ns(text):
        return ns
    raise click.BadParameter(f"{text!r} is no time at all; legal is anything longer, e.g. 70s")


class FiniteRange(click.FloatRange):
    """A number within bounds; NaN, which lies in every range by click's comparisons, is refused."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number; fails as click's own types do."""
        number = float(super().convert(value, param, ctx))
        if math.isnan(number):
            self.fail(f"{value} is not a number.", param, ctx)
        return number
