"""Readings become records: differences, gauges, what was asked for, percentiles."""

from __future__ import annotations

from plctl.common.plan import LinkPlan
from plctl.common.scenario import Row, Schedule
from plctl.common.telemetry import SAMPLE_COLUMNS, HalfStats, Histogram, LinkStats, columns_of, sample

UP = Schedule((Row(0, 0, 41_000_000, 80_000_000), Row(1_000, 1, 30_000_000, 20_000_000)))
DOWN = Schedule((Row(0, 0, 7, 9),))
PLAN = LinkPlan("leo-0", UP, DOWN)


def test_record_is_the_difference_of_two_readings() -> None:
    """Counters are differences, gauges the later reading, durations those of the interval alone."""
    before = HalfStats(10, 1000, 8, 800, 1, 100, 1, 2, 3, 50, 1, 4, 0, Histogram.of([5]), Histogram.of([90]))
    after = HalfStats(
        30, 3000, 20, 2000, 4, 400, 1, 3, 5, 70, 2, 6, 1, Histogram.of([5, 9, 11]), Histogram.of([90, 95, 12])
    )
    up, down = sample(PLAN, LinkStats(up=before), LinkStats(up=after), 777, 100)
    assert {
        "t_ns": 777, "interval_ns": 100, "link": "leo-0", "direction": "up",
        "arrived_packets": 20, "arrived_bytes": 2000, "delivered_packets": 12, "delivered_bytes": 1200,
        "dropped_queue_full_packets": 3, "dropped_queue_full_bytes": 300,
        "lost_ring": 0, "lost_send": 1, "lost_memory": 2,
        "queue_bytes": 70, "queue_packets": 2, "in_flight_packets": 6,
        "row": 0, "rate_bps": 80_000_000, "delay_ns": 41_000_000,
        "lateness_p50_ns": 9, "lateness_p99_ns": 11, "lateness_max_ns": 11,
        "transit_min_ns": 12, "transit_p50_ns": 12, "transit_p99_ns": 93, "transit_max_ns": 95,
    } == up._asdict()  # fmt: skip
    assert "down" == down.direction


def test_interval_without_deliveries_has_no_durations() -> None:
    """−1 stands where nothing was delivered, even if something was before."""
    stats = LinkStats(up=HalfStats(lateness=Histogram.of([5]), transit=Histogram.of([90])))
    up, down = sample(PLAN, stats, stats, 777, 100)
    assert (-1,) * 7 == up[-7:] == down[-7:]


def test_row_in_force_follows_scenario_time() -> None:
    """Before T0 the first row is asked for; afterwards the one at t − T0, be the link idle or not."""
    rows = []
    for t0_ns in (0, 10_000, 9_500, 9_000):
        up, down = sample(PLAN, LinkStats(), LinkStats(t0_ns=t0_ns), 10_000, 100)
        rows.append((up.row, up.rate_bps, up.delay_ns, down.rate_bps))
    first, second = (0, 80_000_000, 41_000_000, 9), (1, 20_000_000, 30_000_000, 9)
    assert [first, first, first, second] == rows


def test_columns_are_equally_long_and_complete() -> None:
    """Records travel as one sequence a field, in the order of the records; none at all make empty columns."""
    samples = sample(PLAN, LinkStats(), LinkStats(), 777, 100)
    columns = columns_of(samples)
    assert SAMPLE_COLUMNS == tuple(columns)
    assert ("up", "down") == columns["direction"]
    assert dict.fromkeys(SAMPLE_COLUMNS, ()) == columns_of([])


def test_what_is_inside_is_queued_or_in_flight() -> None:
    """`inside_packets` closes the balance of a reading."""
    assert 7 == HalfStats(arrived_packets=9, delivered_packets=2, queue_packets=3, in_flight_packets=4).inside_packets
