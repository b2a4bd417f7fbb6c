"""The probe's figures, held to a counting by hand: every packet is accounted for once."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plctl.agent.probe.pattern import Pattern
from plctl.agent.probe.report import Delays, DirectionReport, Figures, SentRecord, Tally, percentile
from plctl.common.base.errors import ProtocolError
from plctl.common.base.units import NS_PER_MS, NS_PER_S

BEGUN_NS = 5_000
PATTERN = Pattern(packets=1, period_ns=20 * NS_PER_MS, count=40, size=1000, interval_ns=100 * NS_PER_MS)


@dataclass(frozen=True)
class Copy:
    """One arrival of packet `number` after `delay_ns`."""

    number: int
    delay_ns: int

    @property
    def sent_ns(self) -> int:
        return BEGUN_NS + PATTERN.due_ns(self.number)

    @property
    def arrived_ns(self) -> int:
        return self.sent_ns + self.delay_ns


copies = st.lists(st.builds(Copy, st.integers(0, PATTERN.count - 1), st.integers(0, 400 * NS_PER_MS)), max_size=60)


def tally_of(arrivals: list[Copy], timed: bool = True) -> Tally:
    """Count `arrivals` in the order of their arrival."""
    tally = Tally(PATTERN, header_bytes=28)
    for copy in arrivals:
        tally.add(
            copy.number, sent_ns=copy.sent_ns, begun_ns=BEGUN_NS, arrived_ns=copy.arrived_ns, size=1000, timed=timed
        )
    return tally


def everything_sent() -> SentRecord:
    """The record of a sender that sent the whole pattern on time."""
    record = SentRecord(BEGUN_NS, PATTERN.interval_ns)
    for number in range(PATTERN.count):
        record.add(BEGUN_NS + PATTERN.due_ns(number))
    return record


@given(copies)
def test_loss_duplicates_and_reordering_are_those_counted_by_hand(arrivals: list[Copy]) -> None:
    """Any losses, copies and delays: the totals equal a quadratic recount of who came before whom."""
    arrivals.sort(key=lambda copy: copy.arrived_ns)
    total = tally_of(arrivals).report(everything_sent()).total
    numbers = [copy.number for copy in arrivals]
    firsts = [at for at, number in enumerate(numbers) if number not in numbers[:at]]
    assert len(set(numbers)) == total.received
    assert PATTERN.count - len(set(numbers)) == total.lost
    assert len(numbers) - len(firsts) == total.duplicates
    assert sum(any(earlier > numbers[at] for earlier in numbers[:at]) for at in firsts) == total.reordered
    assert Delays.of(arrivals[at].delay_ns for at in firsts) == total.delay_ns


@given(copies)
def test_intervals_add_up_to_the_total(arrivals: list[Copy]) -> None:
    """What was sent, received, lost, doubled, reordered and carried belongs to exactly one interval."""
    arrivals.sort(key=lambda copy: copy.arrived_ns)
    report = tally_of(arrivals).report(everything_sent())
    for name in ("sent", "received", "lost", "duplicates", "reordered", "arrived_packets", "arrived_bytes"):
        assert getattr(report.total, name) == sum(getattr(each, name) for each in report.intervals)
    assert [BEGUN_NS + n * PATTERN.interval_ns for n in range(len(report.intervals))] == [
        each.start_ns for each in report.intervals
    ]


@given(copies)
def test_a_report_survives_its_journey(arrivals: list[Copy]) -> None:
    """As a dictionary and back it is the same report."""
    report = tally_of(arrivals).report(everything_sent())
    assert report == DirectionReport.from_dict(report.as_dict())


def test_a_packet_counts_where_it_was_sent_and_its_bytes_where_they_arrived() -> None:
    """A packet of interval 0 that arrives in interval 2."""
    sent, _, arrived = tally_of([Copy(0, 250 * NS_PER_MS)]).report(everything_sent()).intervals[:3]
    assert (5, 1, 4, 0) == (sent.sent, sent.received, sent.lost, sent.arrived_packets)
    assert (0, 1, 1000) == (arrived.received, arrived.arrived_packets, arrived.arrived_bytes)


def test_rates_count_the_gaps_between_packets_and_the_headers() -> None:
    """Five packets of 1000 bytes, 20 ms apart, are four gaps: 400 kbit/s, and 28 or 42 bytes more with headers."""
    total = tally_of([Copy(number, NS_PER_MS) for number in range(5)]).report(None).total
    assert (400_000, 411_200, 416_800) == (total.payload_bps, total.ip_bps, total.frame_bps)
    assert 80 * NS_PER_MS == total.length_ns


def test_without_the_senders_record_losses_are_unknown() -> None:
    """Not zero: unknown."""
    report = tally_of([Copy(3, NS_PER_MS)]).report(None)
    assert (None, None, None, None) == (
        report.total.sent, report.total.lost, report.late_max_ns, report.send_errors
    )  # fmt: skip


def test_nothing_received_is_a_report_too() -> None:
    """All lost, no delay, no rate."""
    total = tally_of([]).report(everything_sent()).total
    assert (40, 0, 40, None, 0) == (total.sent, total.received, total.lost, total.delay_ns, total.payload_bps)


def test_without_a_common_clock_there_are_no_delays_but_everything_else() -> None:
    """Packets without a comparable time are counted as such."""
    report = tally_of([Copy(0, NS_PER_MS), Copy(1, NS_PER_MS)], timed=False).report(everything_sent())
    assert (None, 2, 2) == (report.total.delay_ns, report.untimed, report.total.received)


@pytest.mark.parametrize(
    ("sequence", "sent_ns", "begun_ns"),
    [(PATTERN.count, BEGUN_NS, BEGUN_NS), (2**63, BEGUN_NS, BEGUN_NS), (1, -(2**62), BEGUN_NS), (1, 2**62, BEGUN_NS),
     (1, BEGUN_NS, 17)],
)  # fmt: skip
def test_impossible_packets_count_for_nothing(sequence: int, sent_ns: int, begun_ns: int) -> None:
    """A number beyond the pattern, a time beyond any session, another beginning: as if it had not come."""
    tally = tally_of([Copy(0, NS_PER_MS)])
    before = tally.report(None)
    tally.add(sequence, sent_ns=sent_ns, begun_ns=begun_ns, arrived_ns=BEGUN_NS + NS_PER_S, size=1000)
    assert before == tally.report(None)


@pytest.mark.parametrize(
    "content",
    [
        None, [], {}, {"begun_ns": 1}, {"begun_ns": 1, "interval_ns": 1, "counts": "40"},
        {"begun_ns": 1, "interval_ns": 1, "counts": [1, -1]}, {"begun_ns": 1, "interval_ns": 1, "counts": [1.5]},
        {"begun_ns": "now", "interval_ns": 1, "counts": [1]},
        {"begun_ns": 1, "interval_ns": 1, "counts": [0] * 100_001},
    ],
)  # fmt: skip
def test_a_senders_record_that_cannot_be_is_refused(content: object) -> None:
    """A peer's word is checked field by field."""
    with pytest.raises(ProtocolError):
        SentRecord.from_dict(content)


@pytest.mark.parametrize("content", [None, 3, {}, {"total": None}, {"total": {"delay_ns": 1}, "intervals": []}])
def test_a_report_that_is_none_is_refused(content: object) -> None:
    """Neither missing nor foreign fields get through."""
    with pytest.raises(ProtocolError):
        DirectionReport.from_dict(content)


@given(st.lists(st.integers(), min_size=1, max_size=300), st.integers(0, 100))
def test_a_percentile_was_really_measured(values: list[int], p: int) -> None:
    """It is one of the values; p percent of them are at or below it, and fewer at or below the one before."""
    values.sort()
    found = percentile(values, p)
    assert found in values
    assert 100 * sum(value <= found for value in values) >= p * len(values)
    assert 100 * sum(value < found for value in values) < max(1, p * len(values))


def test_figures_are_plain_numbers() -> None:
    """Nothing in a report is a float: a reader may compare exactly."""
    total = tally_of([Copy(0, NS_PER_MS), Copy(1, NS_PER_MS)]).report(everything_sent()).total
    assert isinstance(total, Figures)
    assert all(
        value is None or isinstance(value, int)
        for value in DirectionReport(total, (), 0, 0, 0, 0).as_dict()["total"].values()
        if not isinstance(value, dict)
    )
