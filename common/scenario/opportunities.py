"""Delivery opportunities: the instants at which a bottleneck may send, in place of a rate.

Ten hours of a busy path have tens of millions of them, so they are kept as the gaps between them, mostly a byte each.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise

from plctl.common.base import leb128
from plctl.common.base.units import NS_PER_MS, NS_PER_S, NS_PER_US

#: What an opportunity is worth where nobody says otherwise: a full frame without its Ethernet header.
WORTH_BYTES = 1500
#: The most bytes of gaps in one trace: eighteen hours at an opportunity every millisecond.
MAX_GAP_BYTES = 2**26
#: Bytes of a full frame for each `WORTH_BYTES` of opportunities, see `Opportunities.rate_bps`.
_FULL_FRAME = 1514
_UNITS = (NS_PER_MS, NS_PER_US, 1)
_PERIOD_MAX_NS = 2**62


@dataclass(frozen=True)
class Opportunities:
    """A trace of instants, each worth some bytes of frames less their Ethernet headers; what nobody uses is lost.

    It begins at T0, and again after each period.
    """

    #: In units: from 0 to the first instant, from there to the next, and so on, in LEB128. Several may come at once.
    gaps: bytes
    unit_ns: int
    period_ns: int  #: no earlier than the last instant
    worth_bytes: int = WORTH_BYTES

    @classmethod
    def of_instants(cls, instants_ns: Sequence[int], period_ns: int, worth_bytes: int = WORTH_BYTES) -> Opportunities:
        """The trace of these instants, which do not fall; equal ones make equal traces.

        :raises ValueError: they fall, or the first is negative.
        """
        unit_ns = next(unit for unit in _UNITS if not any(at % unit for at in instants_ns))
        gaps = leb128.encode([(b - a) // unit_ns for a, b in pairwise((0, *instants_ns))])
        return cls(gaps, unit_ns, period_ns, worth_bytes)

    @cached_property
    def count(self) -> int:
        """How many instants there are in a period."""
        return leb128.count(self.gaps)

    @cached_property
    def last_ns(self) -> int:
        """The last instant."""
        return self.unit_ns * sum(map(sum, leb128.decode(self.gaps)))

    @cached_property
    def longest_gap_ns(self) -> int:
        """The longest time without an opportunity; the trace begins again behind its last."""
        pieces = leb128.decode(self.gaps)
        first, *rest = next(pieces)
        between = max((max(piece) for piece in ([*rest, 0], *pieces)), default=0) * self.unit_ns
        return max(between, self.period_ns - self.last_ns + first * self.unit_ns)

    def rate_bps(self, count: int, during_ns: int) -> int:
        """The rate at which so many opportunities in that time carry full frames, to the nearest bit/s."""
        bits = count * self.worth_bytes * _FULL_FRAME * 8
        return (2 * bits * NS_PER_S + WORTH_BYTES * during_ns) // (2 * WORTH_BYTES * during_ns)

    @property
    def mean_rate_bps(self) -> int:
        """That of a whole period."""
        return self.rate_bps(self.count, self.period_ns)

    def pieces(self) -> Iterator[array[int]]:
        """The instants of a period, in ns, some thousands at a time."""
        at = 0
        for piece in leb128.decode(self.gaps):
            instants = array("q", accumulate(piece, initial=at))
            at = instants[-1]
            yield array("q", (instant * self.unit_ns for instant in instants[1:]))

    def within(self, begin_ns: int, end_ns: int) -> Iterator[int]:
        """The instants after `begin_ns` until `end_ns`, over all periods, and those at 0 if it begins there."""
        for base_ns in range(max(0, begin_ns - 1) // self.period_ns * self.period_ns, end_ns + 1, self.period_ns):
            for piece in self.pieces():
                if base_ns + piece[-1] >= begin_ns and base_ns + piece[0] <= end_ns:
                    yield from (
                        base_ns + at
                        for at in piece
                        if begin_ns < base_ns + at <= end_ns or base_ns + at == begin_ns == 0
                    )

    def windows(self, window_ns: int) -> array[int]:
        """How many instants each window of a period has, from its begin to before its end; the last one has all."""
        return count_windows(self.pieces(), self.period_ns, window_ns)

    def check(self) -> None:
        """Return if it keeps the rules.

        :raises ValueError: it does not; the message says which rule.
        """
        if self.unit_ns < 1 or not 1 <= self.period_ns < _PERIOD_MAX_NS or not 1 <= self.worth_bytes < 2**32:
            raise ValueError("its opportunities have an impossible unit, period or worth")
        if not 1 <= len(self.gaps) <= MAX_GAP_BYTES:
            raise ValueError(f"its opportunities take {len(self.gaps)} bytes; legal is 1 to {MAX_GAP_BYTES}")
        if self.last_ns > self.period_ns:
            raise ValueError("its opportunities begin again before they end")


def count_windows(pieces: Iterable[Sequence[int]], period: int, window: int) -> array[int]:
    """As `Opportunities.windows`, of instants in any unit."""
    counts = array("q", bytes(8 * -(-period // window)))
    last = len(counts) - 1
    for piece in pieces:
        begin = 0
        while begin < len(piece):
            place = min(piece[begin] // window, last)
            end = _first_beyond(piece, begin, (place + 1) * window) if place < last else len(piece)
            counts[place] += end - begin
            begin = end
    return counts


def _first_beyond(piece: Sequence[int], low: int, limit: int) -> int:
    """The place of the first that is `limit` or more, from place `low` on; mostly near."""
    step = 1
    while low + step < len(piece) and piece[low + step] < limit:
        step *= 2
    return bisect_left(piece, limit, low, min(low + step + 1, len(piece)))
