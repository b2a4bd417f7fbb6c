"""Traces of delivery opportunities as people edit them; what has no meaning for them is refused by name."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from plctl.common.base.errors import UserError
from plctl.common.base.units import format_duration
from plctl.common.scenario.opportunities import UNITS, Opportunities
from plctl.common.scenario.schedule import Scenario

_AS_RATE = "make it one of rates first: plctl scenario convert FILE -O service=rate"


def refuse(scenario: Scenario, what: str) -> None:
    """Return if `scenario` has no delivery opportunities.

    :raises UserError: it has; `what` says what they do not have, as the end of a sentence.
    """
    if scenario.up.opportunities or scenario.down.opportunities:
        raise UserError(f"this scenario has delivery opportunities, and {what}; {_AS_RATE}")


def cut(trace: Opportunities, begin_ns: int, end_ns: int) -> Opportunities:
    """Those after `begin_ns` until `end_ns`, where it begins again.

    :raises UserError: there is none.
    """
    found = _made(_moved(trace.within(begin_ns, end_ns), -begin_ns), [trace], [begin_ns], end_ns - begin_ns)
    if not found.gaps:
        times = f"{format_duration(begin_ns)} to {format_duration(end_ns)}"
        raise UserError(f"from {times} there is no delivery opportunity, so nothing would ever be served")
    return found


def later(trace: Opportunities, by_ns: int, end_ns: int) -> Opportunities:
    """Those until `end_ns` so much later."""
    return _made(_moved(trace.within(0, end_ns), by_ns), [trace], [by_ns], end_ns + by_ns)


def in_a_row(traces: Sequence[Opportunities | None], begins_ns: Sequence[int]) -> Opportunities | None:
    """Each of `traces` from its begin to the next one's; `begins_ns` has one more, the end.

    :raises UserError: some are none, or they are not worth the same.
    """
    known = [trace for trace in traces if trace]
    if not known:
        return None
    if len(known) < len(traces):
        raise UserError(f"some of these scenarios have delivery opportunities, others rates; {_AS_RATE}")
    if len({trace.worth_bytes for trace in known}) > 1:
        worths = ", ".join(str(trace.worth_bytes) for trace in known)
        raise UserError(f"the opportunities of these scenarios are not worth the same ({worths} bytes); {_AS_RATE}")
    pieces = (
        piece
        for trace, (begin_ns, end_ns) in zip(known, pairwise(begins_ns), strict=True)
        for piece in _moved(trace.within(0, end_ns - begin_ns), begin_ns)
    )
    return _made(pieces, known, begins_ns, begins_ns[-1])


def scaled(trace: Opportunities, worth: float, stretch: float) -> Opportunities:
    """Each worth so many times as much, at times so many times as long.

    :raises UserError: each would be worth nothing.
    """
    worth_bytes = round(trace.worth_bytes * worth)
    if not worth_bytes:
        raise UserError(f"an opportunity of {trace.worth_bytes} bytes times {worth:g} is worth nothing")
    period_ns = max(1, round(trace.period_ns * stretch))
    if float(trace.unit_ns * stretch).is_integer():
        return replace(trace, worth_bytes=worth_bytes, unit_ns=round(trace.unit_ns * stretch), period_ns=period_ns)
    pieces = (array("q", (min(round(at * stretch), period_ns) for at in piece)) for piece in trace.pieces())
    return Opportunities.of_pieces(pieces, 1, period_ns, worth_bytes)


def _moved(pieces: Iterable[Sequence[int]], by_ns: int) -> Iterator[Sequence[int]]:
    for piece in pieces:
        yield array("q", (at + by_ns for at in piece))


def _made(
    pieces: Iterable[Sequence[int]], of: Sequence[Opportunities], moved_ns: Iterable[int], period_ns: int
) -> Opportunities:
    """The trace of instants of others that were moved."""
    numbers = {*moved_ns, *(trace.unit_ns for trace in of), *(trace.period_ns for trace in of)}
    unit_ns = next(unit for unit in UNITS if not any(number % unit for number in numbers))
    try:
        return Opportunities.of_pieces(pieces, unit_ns, period_ns, of[0].worth_bytes)
    except ValueError as error:
        raise UserError(f"{error}; cut it") from None
