"""What a model varies between: two values in a command's words, 5Mbit/s..50Mbit/s, or one that stays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from plctl.common.base.errors import UserError
from plctl.common.base.units import RATE_UNLIMITED


@dataclass(frozen=True, slots=True)
class Span:
    """From `begin` to `end`, in bit/s or ns. A wave that rises in one where `end` is the greater falls in the other."""

    begin: int
    end: int

    def at(self, share: float) -> int:
        """What lies at this share of the way from `begin` to `end`."""
        return self.begin if self.begin == self.end else round(self.begin + (self.end - self.begin) * share)


def parse_span(text: str, parse: Callable[[str], int]) -> Span:
    """The span in `text`, whose values are read by `parse`.

    :raises UserError: `parse` cannot read one, or a value that varies is unlimited.
    """
    begin, dots, end = text.partition("..")
    span = Span(parse(begin), parse(end if dots else begin))
    if RATE_UNLIMITED in (span.begin, span.end) and span.begin != span.end:
        raise UserError(f"{text!r} has an unlimited end, between which and another there is nothing")
    return span
