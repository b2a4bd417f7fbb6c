"""A probe's rate is held by absolute deadlines: exact over any time, whatever the sender's clock does in between."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from plctl.agent.probe.pattern import CATCH_UP_NS, COUNT_MAX, Pattern, SendSchedule
from plctl.common.base.units import NS_PER_MS, NS_PER_S

patterns = st.builds(
    Pattern,
    packets=st.integers(1, 10**10),
    period_ns=st.integers(1, 10**14),
    count=st.integers(1, 10_000),
    size=st.just(1200),
)


@given(patterns, st.integers(0, 9_999))
def test_a_packet_is_due_at_its_due_time_and_not_a_nanosecond_before(pattern: Pattern, sequence: int) -> None:
    """`due_ns` and `due_count` are each other's inverse."""
    at_ns = pattern.due_ns(sequence)
    assert pattern.due_count(at_ns) >= min(pattern.count, sequence + 1)
    if at_ns > 0:
        assert pattern.due_count(at_ns - 1) <= sequence


def test_a_rate_in_packets_or_bits_gives_the_packets_that_it_says() -> None:
    """In 10 s, 100 packets a second are 1000, 20 Mbit/s of 1250 bytes are 20 000, half a packet a second is 5."""
    common = {"size": 1250, "duration_ns": 10 * NS_PER_S}
    assert Pattern.paced(mpps=100_000, **common).count == 1000
    assert Pattern.at_bitrate(bps=20_000_000, **common).count == 20_000
    assert Pattern.paced(mpps=500, **common).count == 5
    assert Pattern.paced(mpps=500, **common, count=3).count == 3
    assert Pattern.paced(mpps=500, **common).due_ns(1) == 2 * NS_PER_S


@given(patterns, st.lists(st.integers(0, 200 * NS_PER_MS), min_size=1, max_size=30))
def test_a_late_sender_catches_up(pattern: Pattern, pauses: list[int]) -> None:
    """After any pauses, as many packets have left as should have."""
    schedule, now_ns = SendSchedule(pattern, begun_ns=1_000), 1_000
    for pause in pauses:
        now_ns += pause
        if schedule.over(now_ns):
            break
        schedule.take(now_ns, schedule.due(now_ns))
        assert schedule.sent == pattern.due_count(now_ns - 1_000)


def test_lateness_is_that_of_the_packet_that_waited_longest() -> None:
    """Ten packets, one a millisecond, of which the first five leave together at the time of the fifth."""
    schedule = SendSchedule(Pattern(1, NS_PER_MS, 10, 1200), begun_ns=0)
    schedule.take(4 * NS_PER_MS, schedule.due(4 * NS_PER_MS))
    assert (5, 4 * NS_PER_MS, 5 * NS_PER_MS) == (schedule.sent, schedule.late_max_ns, schedule.next_due_ns())


def test_a_sender_that_cannot_keep_up_ends_all_the_same() -> None:
    """What has not left some time after the last packet's turn will not leave; `stop` ends at once."""
    pattern = Pattern(1, NS_PER_MS, 10, 1200)
    schedule = SendSchedule(pattern, begun_ns=0)
    assert not schedule.over(pattern.duration_ns + CATCH_UP_NS)
    assert schedule.over(pattern.duration_ns + CATCH_UP_NS + 1)
    schedule.stop()
    assert (True, 0) == (schedule.over(0), schedule.due(NS_PER_S))


def test_what_no_probe_sends_is_refused_with_the_reason() -> None:
    """Each bound has its own half-sentence; a legal pattern has none."""
    assert Pattern(1, NS_PER_MS, 10, 1200).problem() == ""
    assert "rate" in Pattern(0, NS_PER_MS, 10, 1200).problem()
    assert "size" in Pattern(1, NS_PER_MS, 10, 63).problem()
    assert "packets" in Pattern(1, NS_PER_MS, COUNT_MAX + 1, 1200).problem()
    assert "interval" in Pattern(1, NS_PER_MS, 10, 1200, interval_ns=1).problem()
    assert "interval" in Pattern(1, NS_PER_S, 10**6, 1200, interval_ns=NS_PER_S).problem()
