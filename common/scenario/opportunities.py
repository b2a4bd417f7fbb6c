"""Delivery opportunities: the instants at which a bottleneck may send, in place of a rate.

Ten hours of a busy path have tens of millions of them, so they are kept as the gaps between them, mostly a byte each.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, chain
from operator import sub

from plctl.common.base import leb128
from plctl.common.base.units import NS_PER_MS, NS_PER_S, NS_PER_US

#: What an opportunity is worth where nobody says otherwise: a full frame without its Ethernet header.
WORTH_BYTES = 1500
#: The most bytes of gaps in one trace: eighteen hours at an opportunity every millisecond.
MAX_GAP_BYTES = 2**26
#: Bytes of a full frame for each `WORTH_BYTES` of opportunities, see `Opportunities.rate_bps`.
FULL_FRAME_BYTES = 1514
#: A trace's unit is the largest of these of which all its instants are multiples.
UNITS = (NS_PER_MS, NS_PER_US, 1)
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
        unit_ns = next(unit for unit in UNITS if not any(at % unit for at in instants_ns))
        return cls.of_pieces([instants_ns] if instants_ns else [], unit_ns, period_ns, worth_bytes)

    @classmethod
    def of_pieces(
        cls, pieces: Iterable[Sequence[int]], unit_ns: int, period_ns: int, worth_bytes: int = WORTH_BYTES
    ) -> Opportunities:
        """Likewise, of instants that come some at a time, all of them multiples of `unit_ns`.

        :raises ValueError: as `of_instants`; or there are more than a trace may have.
        """
        gaps: list[bytes] = []
        length = last = 0
        for piece in pieces:
            gaps.append(leb128.encode([gap // unit_ns for gap in map(sub, piece, chain([last], piece))]))
            length, last = length + len(gaps[-1]), piece[-1]
            if length > MAX_GAP_BYTES:
                raise ValueError(f"there are more opportunities than fit into {MAX_GAP_BYTES} bytes")
        return cls(b"".join(gaps), unit_ns, period_ns, worth_bytes)

    @cached_property
    def count(self) -> int:
        """How many instants there are in a period."""
        return leb128.count(self.gaps)

    @cached_property
    def last_ns(self) -> int:
        """The last instant."""
        return self.unit_ns * leb128.total(self.gaps)

    @cached_property
    def longest_gap_ns(self) -> int:
        """The longest time without an opportunity; the trace begins again behind its last."""
        first = next(leb128.decode(self.gaps))[0]
        around = self.period_ns - self.last_ns + first * self.unit_ns
        return max(leb128.greatest(self.gaps) * self.unit_ns, around)

    def rate_bps(self, count: int, during_ns: int) -> int:
        """The rate at which so many opportunities in that time carry full frames, to the nearest bit/s."""
        bits = count * self.worth_bytes * FULL_FRAME_BYTES * 8
        return (2 * bits * NS_PER_S + WORTH_BYTES * during_ns) // (2 * WORTH_BYTES * during_ns)

    @property
    def mean_rate_bps(self) -> int:
        """That of a whole period."""
        return self.rate_bps(self.count, self.period_ns)

    def pieces(self) -> Iterator[Sequence[int]]:
        """The instants of a period, in ns, some thousands at a time."""
        for piece in self._unit_pieces():
            yield piece if self.unit_ns == 1 else array("q", (instant * self.unit_ns for instant in piece))

    def _unit_pieces(self) -> Iterator[Sequence[int]]:
        """The same in units."""
        at = 0
        for piece in leb128.decode(self.gaps):
            piece[0] += at
            instants = array("q", accumulate(piece))
            at = instants[-1]
            yield instants

    def within(self, begin_ns: int, end_ns: int) -> Iterator[Sequence[int]]:
        """The instants after `begin_ns` until `end_ns`, over all periods; one at 0 of a period is at its begin."""
        for base_ns in range(max(0, begin_ns - 1) // self.period_ns * self.period_ns, end_ns + 1, self.period_ns):
            for piece in self.pieces():
                if base_ns + piece[0] > end_ns:
                    break
                low = bisect_left(piece, begin_ns + 1 - base_ns) if base_ns != begin_ns else 0
                high = bisect_left(piece, end_ns + 1 - base_ns) if base_ns != end_ns else 0
                if low < high:
                    yield array("q", (base_ns + at for at in piece[low:high]))

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


def count_windows(piece: Sequence[int], window: int, counts: array[int]) -> None:
    """Add the instants in `piece`, which do not fall, to `counts`; a window has its end and not its begin.

    So what may leave at an instant is counted with the time in which it may have come. An instant at 0 is the first's.
    """
    begin = 0
    while begin < len(piece):
        place = max(0, piece[begin] - 1) // window
        end = _first_beyond(piece, begin, (place + 1) * window + 1)
        counts[place] += end - begin
        begin = end


def _first_beyond(piece: Sequence[int], low: int, limit: int) -> int:
    """The place of the first that is `limit` or more, from place `low` on; mostly near."""
    step = 1
    while low + step < len(piece) and piece[low + step] < limit:
        step *= 2
    return bisect_left(piece, limit, low, min(low + step + 1, len(piece)))
