"""Readings become records: differences, gauges, what was asked for, percentiles."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from plctl.common.base.errors import ProtocolError
from plctl.common.plan.run_plan import LinkPlan
from plctl.common.scenario.schedule import Row, Schedule
from plctl.common.telemetry.counters import COUNTERS
from plctl.common.telemetry.samples import (
    MEASURED_COLUMNS,
    SAMPLE_COLUMNS,
    HalfStats,
    Histogram,
    LinkStats,
    Sample,
    Samples,
    sample,
)

UP = Schedule((Row(0, 0, 41_000_000, 80_000_000), Row(1_000, 1, 30_000_000, 20_000_000)))
DOWN = Schedule((Row(0, 0, 7, 9),))
PLAN = LinkPlan("leo-0", UP, DOWN)


def measured(record: Sample) -> tuple[int, ...]:
    """What is −1 where no frame was measured."""
    return tuple(getattr(record, name) for name in MEASURED_COLUMNS)


def test_record_is_the_difference_of_two_readings() -> None:
    """Counters are differences, gauges the later reading, durations those of the interval alone."""
    before = HalfStats(
        arrived_packets=10, arrived_bytes=1000, delivered_packets=8, delivered_bytes=800,
        dropped_queue_full_packets=1, dropped_queue_full_bytes=100,
        lost_ring=1, lost_send=2, lost_memory=3, lost_late=7,
        queue_bytes=50, queue_packets=1, in_flight_packets=4,
        lateness=Histogram.of([5]), transit=Histogram.of([90]),
    )  # fmt: skip
    after = HalfStats(
        arrived_packets=30, arrived_bytes=3000, delivered_packets=20, delivered_bytes=2000,
        dropped_queue_full_packets=4, dropped_queue_full_bytes=400,
        lost_ring=1, lost_send=3, lost_memory=5, lost_late=13,
        queue_bytes=70, queue_packets=2, in_flight_packets=6, row=1,
        lateness=Histogram.of([5, 9, 11]), transit=Histogram.of([90, 95, 12]),
    )  # fmt: skip
    up, down = sample(PLAN, LinkStats(up=before), LinkStats(up=after), 777, 100)
    assert dict.fromkeys(COUNTERS, 0) | {
        "t_ns": 777, "interval_ns": 100, "link": "leo-0", "direction": "up",
        "arrived_packets": 20, "arrived_bytes": 2000, "delivered_packets": 12, "delivered_bytes": 1200,
        "dropped_queue_full_packets": 3, "dropped_queue_full_bytes": 300,
        "lost_ring": 0, "lost_send": 1, "lost_memory": 2, "lost_late": 6,
        "queue_bytes": 70, "queue_packets": 2, "in_flight_packets": 6, "aqm_ppm": 0, "aqm_average_bytes": 0,
        "row": 0, "rate_bps": 80_000_000, "delay_ns": 41_000_000,
        "lateness_p50_ns": 9, "lateness_p99_ns": 11, "lateness_max_ns": 11,
        "transit_min_ns": 12, "transit_p50_ns": 12, "transit_p99_ns": 93, "transit_max_ns": 95,
    } == asdict(up)  # fmt: skip
    assert "down" == down.direction


def test_interval_without_deliveries_has_no_durations() -> None:
    """−1 stands where nothing was delivered, even if something was before."""
    stats = LinkStats(up=HalfStats(lateness=Histogram.of([5]), transit=Histogram.of([90])))
    up, down = sample(PLAN, stats, stats, 777, 100)
    assert (-1,) * 7 == measured(up) == measured(down)


def test_frames_that_only_came_late_have_lateness_but_no_transit() -> None:
    """What the model saw late and dropped was late, though it never left."""
    after = LinkStats(up=HalfStats(lost_late=1, lateness=Histogram.of([200])))
    up, _ = sample(PLAN, LinkStats(), after, 777, 100)
    assert (200, 200, 200, -1, -1, -1, -1) == measured(up)


def test_row_in_force_follows_scenario_time() -> None:
    """Before T0 the first row is asked for; afterwards the one at t − T0, be the link idle or not."""
    rows = []
    for t0_ns in (0, 10_000, 9_500, 9_000):
        up, down = sample(PLAN, LinkStats(), LinkStats(t0_ns=t0_ns), 10_000, 100)
        rows.append((up.row, up.rate_bps, up.delay_ns, down.rate_bps))
    first, second = (0, 80_000_000, 41_000_000, 9), (1, 20_000_000, 30_000_000, 9)
    assert [first, first, first, second] == rows


def test_samples_travel_and_say_the_same() -> None:
    """Packed and read again, every number of every record is there, and links and directions are named."""
    records = [
        *sample(PLAN, LinkStats(), LinkStats(up=HalfStats(arrived_packets=2**40)), 777, 100),
        *sample(LinkPlan("leo-1", UP, DOWN), LinkStats(), LinkStats(t0_ns=1), -5, 100),
    ]
    made = Samples.of(records)
    arrived = Samples(made.links, {name: bytes(column) for name, column in made.columns.items()})
    numbers = [name for name in SAMPLE_COLUMNS if name not in ("link", "direction")]
    assert [(r.link, r.direction, tuple(getattr(r, n) for n in numbers)) for r in records] == [
        *arrived.select(*numbers)
    ]
    assert (("leo-0", "leo-1"), 4) == (arrived.links, len(arrived))
    assert 0 == len(Samples.of([]))


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ({"surprise": bytes(16)}, "unknown column 'surprise'"),
        ({"t_ns": bytes(8)}, "not equally long"),
        ({"t_ns": bytes(15)}, "not equally long"),
        ({"link": (2).to_bytes(8, "little") * 2}, "column 'link' refers to what is not there"),
        ({"direction": (-1).to_bytes(8, "little", signed=True) * 2}, "column 'direction' refers"),
    ],
)
def test_samples_that_do_not_hold_together_are_refused(change: dict[str, bytes], cause: str) -> None:
    """Columns, lengths and indices are checked before anybody uses them."""
    good = Samples.of(sample(PLAN, LinkStats(), LinkStats(), 777, 100))
    with pytest.raises(ProtocolError, match=cause):
        Samples(good.links, {**good.columns, **change})
    with pytest.raises(ProtocolError, match="missing or unknown column 't_ns'"):
        Samples(good.links, {name: column for name, column in good.columns.items() if name != "t_ns"})


def test_what_is_inside_is_queued_or_in_flight() -> None:
    """`inside_packets` closes the balance of a reading."""
    assert 7 == HalfStats(arrived_packets=9, delivered_packets=2, queue_packets=3, in_flight_packets=4).inside_packets
