"""The probe's figures: what was sent and what arrived become delay percentiles, loss, duplicates, reordering and rates.

Pure bookkeeping. Definitions, for a total and for each interval:

* *sent*, *received*, *lost* and the delays are those of the packets that were **sent** in the interval;
* *arrived* packets and bytes, and the rates, are those that **arrived** in it, copies included;
* a *duplicate* is any further copy of a sequence number; it counts as nothing else but as arrived;
* a packet is *reordered* if one sent after it arrived before it (Type-P-Reordered of RFC 4737: its number is below the
  largest seen so far);
* a percentile is the nearest rank: a delay that was really measured.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from plctl.agent.probe.pattern import COUNT_MAX, INTERVALS_MAX, Pattern
from plctl.common.base.errors import ProtocolError
from plctl.common.base.units import NS_PER_S

#: Ethernet header; with it, a rate is what a link's rate counts (at overhead 0).
ETHERNET_BYTES = 14
UDP_IPV4_BYTES, UDP_IPV6_BYTES = 28, 48


@dataclass(frozen=True, slots=True)
class Delays:
    """One-way delay, nanoseconds: kernel's receive timestamp − time read right before the send."""

    min: int
    p50: int
    p90: int
    p99: int
    max: int

    @classmethod
    def of(cls, delays: Iterable[int]) -> Delays | None:
        """Nearest-rank percentiles; None of nothing."""
        ranked = sorted(delays)
        return cls(*(percentile(ranked, p) for p in (0, 50, 90, 99, 100))) if ranked else None


@dataclass(frozen=True, slots=True)
class Figures:
    """One direction over one interval, or over all (`interval` −1). What is not known is None."""

    interval: int
    start_ns: int  #: sender's CLOCK_MONOTONIC; receiver's, if they do not share one
    length_ns: int  #: what the rates are divided by; of the total: first to last arrival
    sent: int | None
    received: int
    lost: int | None
    duplicates: int
    reordered: int
    delay_ns: Delays | None
    arrived_packets: int
    arrived_bytes: int  #: UDP payload
    payload_bps: int
    ip_bps: int  #: with IP and UDP headers
    frame_bps: int  #: with the Ethernet header too, as a link's rate counts


@dataclass(frozen=True, slots=True)
class DirectionReport:
    """What one direction of a session did."""

    total: Figures
    intervals: tuple[Figures, ...]
    untimed: int  #: packets without a delay: a clock step came between, or the ends share no clock
    overflowed: int  #: packets that the receiving probe's own socket had no room for; they are among the lost
    late_max_ns: int | None  #: how far the sender ran behind its schedule at worst
    send_errors: int | None  #: sends that the sender's kernel refused; not among the sent

    def as_dict(self) -> dict[str, Any]:
        """Plain types, for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: Any) -> DirectionReport:
        """The inverse of `as_dict`.

        :raises ProtocolError: `content` is not such a dictionary.
        """
        try:
            rest = {**content, "total": _figures(content["total"])}
            return cls(**{**rest, "intervals": tuple(_figures(each) for each in content["intervals"])})
        except (TypeError, KeyError) as error:
            raise ProtocolError(f"not a probe's report: {error}") from None


def _figures(content: dict[str, Any]) -> Figures:
    delays = content["delay_ns"]
    return Figures(**{**content, "delay_ns": Delays(**delays) if delays else None})


@dataclass(slots=True)
class SentRecord:
    """What a sender has sent, per interval of its own clock."""

    begun_ns: int
    interval_ns: int
    counts: list[int] = field(default_factory=list)
    late_max_ns: int = 0
    errors: int = 0

    def add(self, sent_ns: int, count: int = 1) -> None:
        """`count` packets left at `sent_ns`."""
        index = (sent_ns - self.begun_ns) // self.interval_ns
        self.counts.extend([0] * (index + 1 - len(self.counts)))
        self.counts[index] += count

    @property
    def total(self) -> int:
        """Packets sent."""
        return sum(self.counts)

    @classmethod
    def from_dict(cls, content: Any) -> SentRecord:
        """What a peer says it sent.

        :raises ProtocolError: that is not a dictionary of ours, or its numbers are impossible.
        """
        try:
            record = cls(**content)
        except TypeError as error:
            raise ProtocolError(f"not a probe's record of what it sent: {error}") from None
        numbers = [getattr(record, each.name) for each in fields(cls) if each.name != "counts"]
        if not isinstance(record.counts, list) or len(record.counts) > INTERVALS_MAX:
            raise ProtocolError("a record of what was sent needs a list of counts")
        if not all(type(n) is int for n in numbers + record.counts) or any(n < 0 for n in record.counts):
            raise ProtocolError("a record of what was sent holds whole numbers only")
        return record


class Tally:
    """The receiver's count of one direction, packet by packet."""

    def __init__(self, pattern: Pattern, header_bytes: int) -> None:
        self.pattern = pattern
        self.header_bytes = header_bytes  #: IP and UDP
        self.received = 0  #: distinct packets
        self.untimed = 0
        self.overflowed = 0
        self.last_ns = 0  #: the latest arrival
        self._begun_ns: int | None = None
        self._first_ns = 0
        self._first_bytes = 0
        self._highest = -1
        self._seen = bytearray()
        self._bins: dict[int, _Bin] = {}

    def add(
        self, sequence: int, *, sent_ns: int, begun_ns: int, arrived_ns: int, size: int, timed: bool = True
    ) -> None:
        """A packet of `size` payload bytes arrived. Times are CLOCK_MONOTONIC, the sender's and the receiver's.

        With `timed` False the two cannot be compared: no delay is taken. Impossible packets are ignored.
        """
        sent_in = self._bin((sent_ns - begun_ns) // self.pattern.interval_ns)
        if sequence >= self.pattern.count or sent_in is None or self._begun_ns not in (None, begun_ns):
            return
        if self._begun_ns is None:
            self._begun_ns, self._first_ns, self._first_bytes = begun_ns, arrived_ns, size
        base_ns = begun_ns if timed else self._first_ns
        arrived_in = self._bin(max(0, arrived_ns - base_ns) // self.pattern.interval_ns) or sent_in
        arrived_in.packets += 1
        arrived_in.bytes += size
        self.last_ns = max(self.last_ns, arrived_ns)
        if self._is_copy(sequence):
            sent_in.duplicates += 1
            return
        self.received += 1
        sent_in.received += 1
        if sequence < self._highest:
            sent_in.reordered += 1
        else:
            self._highest = sequence
        if timed:
            sent_in.delays.append(arrived_ns - sent_ns)
        else:
            self.untimed += 1

    def report(self, sent: SentRecord | None) -> DirectionReport:
        """All figures so far; `sent` is the sender's record, None if it did not arrive (losses are then unknown)."""
        last = max(self._bins, default=-1)
        if sent is not None:
            last = max(last, len(sent.counts) - 1)
        intervals = tuple(self.interval(index, sent) for index in range(last + 1))
        late, errors = (sent.late_max_ns, sent.errors) if sent is not None else (None, None)
        return DirectionReport(self._total(sent), intervals, self.untimed, self.overflowed, late, errors)

    def interval(self, index: int, sent: SentRecord | None = None) -> Figures:
        """The figures of interval `index` so far."""
        counts = sent.counts if sent is not None else None
        count = None if counts is None else counts[index] if index < len(counts) else 0
        length_ns = self.pattern.interval_ns
        begun_ns = self._begun_ns if self._begun_ns is not None else sent.begun_ns if sent is not None else 0
        figures = self._bins.get(index, _Bin())
        start_ns = begun_ns + index * length_ns
        return self._figures(figures, index=index, start_ns=start_ns, length_ns=length_ns, sent=count)

    def _total(self, sent: SentRecord | None) -> Figures:
        total = _Bin.sum(self._bins.values())
        begun_ns = self._begun_ns if self._begun_ns is not None else sent.begun_ns if sent is not None else 0
        count = sent.total if sent is not None else None
        length_ns = max(0, self.last_ns - self._first_ns)
        return self._figures(
            total, index=-1, start_ns=begun_ns, length_ns=length_ns, sent=count, first_bytes=self._first_bytes
        )

    def _figures(
        self, of: _Bin, *, index: int, start_ns: int, length_ns: int, sent: int | None, first_bytes: int | None = None
    ) -> Figures:
        # n packets span n − 1 gaps: the first one arrived before the time that a total is measured over.
        packets, carried = (of.packets, of.bytes) if first_bytes is None else (of.packets - 1, of.bytes - first_bytes)

        def rate(header: int) -> int:
            return 8 * NS_PER_S * (carried + packets * header) // length_ns if length_ns and packets > 0 else 0

        return Figures(
            interval=index,
            start_ns=start_ns,
            length_ns=length_ns,
            sent=sent,
            received=of.received,
            lost=None if sent is None else sent - of.received,
            duplicates=of.duplicates,
            reordered=of.reordered,
            delay_ns=Delays.of(of.delays),
            arrived_packets=of.packets,
            arrived_bytes=of.bytes,
            payload_bps=rate(0),
            ip_bps=rate(self.header_bytes),
            frame_bps=rate(self.header_bytes + ETHERNET_BYTES),
        )

    def _bin(self, index: int) -> _Bin | None:
        """The counters of interval `index`; None if no honest packet belongs there."""
        found = self._bins.get(index)
        if found is None and 0 <= index <= INTERVALS_MAX:
            found = self._bins[index] = _Bin()
        return found

    def _is_copy(self, sequence: int) -> bool:
        """True if `sequence` was seen before; it counts as seen from now on."""
        at, bit = sequence >> 3, 1 << (sequence & 7)
        if at >= len(self._seen):
            self._seen.extend(bytes(min(COUNT_MAX >> 3, max(at + 1, 2 * len(self._seen))) - len(self._seen)))
        if self._seen[at] & bit:
            return True
        self._seen[at] |= bit
        return False


@dataclass(slots=True)
class _Bin:
    received: int = 0
    duplicates: int = 0
    reordered: int = 0
    packets: int = 0
    bytes: int = 0
    delays: array[int] = field(default_factory=lambda: array("q"))

    @classmethod
    def sum(cls, bins: Iterable[_Bin]) -> _Bin:
        total = cls()
        for each in bins:
            total.received += each.received
            total.duplicates += each.duplicates
            total.reordered += each.reordered
            total.packets += each.packets
            total.bytes += each.bytes
            total.delays.extend(each.delays)
        return total


def percentile(ranked: Sequence[int], p: int) -> int:
    """The nearest-rank `p`-th percentile (0: the smallest) of an ascending, non-empty sequence."""
    return ranked[max(0, -(-len(ranked) * p // 100) - 1)]
