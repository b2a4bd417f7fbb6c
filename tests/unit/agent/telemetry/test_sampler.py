"""What was noted on a grid from T0 becomes samples, which travel in few messages, none of them for long."""

from __future__ import annotations

from dataclasses import replace

from plctl.agent.telemetry.sampler import BATCH_NS, BATCH_SAMPLES, Sampler, first_batch_ns
from plctl.common.base.units import NS_PER_MS, NS_PER_S
from plctl.common.plan.run_plan import LinkPlan
from plctl.common.scenario.schedule import Row, Schedule
from plctl.common.telemetry.counters import COUNTERS, GAUGES, HalfCounts
from plctl.common.telemetry.samples import MEASURED_COLUMNS, HalfStats, Histogram, LinkStats, Snapshot

SCHEDULE = Schedule((Row(0, 0, 1, 1),))
STEPS = Schedule((Row(0, 0, 1, 10), Row(150 * NS_PER_MS, 0, 2, 20)))
T0_NS = 5 * NS_PER_S + 7
UNMEASURED = (-1,) * len(MEASURED_COLUMNS)
MS = NS_PER_MS


def sampler(interval_ns: int, links: int = 1, first_batch_ns: int = BATCH_NS) -> Sampler:
    """One that has started at T0."""
    made = Sampler(interval_ns, first_batch_ns)
    made.start(T0_NS, [(LinkPlan(f"x-{number}", SCHEDULE, STEPS), LinkStats(t0_ns=T0_NS)) for number in range(links)])
    return made


def snapshot(half: int, at_ms: int, arrived: int = 0, *, from_ms: int | None = None, queue: int = 0) -> Snapshot:
    """A snapshot of `half`, so long after T0; by then `arrived` packets had come."""
    counts = HalfCounts(arrived_packets=arrived, queue_packets=queue)
    begin_ms = at_ms if from_ms is None else from_ms
    numbers = tuple(getattr(counts, name) for name in (*COUNTERS, *GAUGES))
    return half, T0_NS + at_ms * MS, T0_NS + begin_ms * MS, numbers, UNMEASURED


def intervals(made: Sampler, *names: str) -> list[tuple[int, ...]]:
    """Of each sample when it begins and ends, in milliseconds after T0, and the columns `names`."""
    found = made.batch().select("t_ns", "interval_ns", *names)
    return [((t - length - T0_NS) // MS, (t - T0_NS) // MS, *rest) for *_, (t, length, *rest) in found]


def test_what_is_new_in_a_snapshot_is_a_sample() -> None:
    """Counters are differences, gauges as noted; the time before it, in which nothing changed, is one of its own."""
    made = sampler(100 * MS)
    made.add(T0_NS, [snapshot(0, 100, 5, from_ms=0, queue=2), snapshot(0, 200, 5, from_ms=200)])
    made.add(T0_NS, [snapshot(0, 900, 7, from_ms=800)])
    expected = [(0, 100, 5, 2), (100, 200, 0, 0), (200, 800, 0, 0), (800, 900, 2, 0)]
    assert expected == intervals(made, "arrived_packets", "queue_packets")


def test_what_came_before_t0_is_in_no_sample() -> None:
    """It is the reading from which the run counts."""
    made = sampler(100 * MS)
    made.add(T0_NS, [snapshot(1, 0, 3), snapshot(1, 100, 4, from_ms=0)])
    assert [(0, 100, 1)] == intervals(made, "arrived_packets")
    assert (0, 3) == tuple(counts[0] for counts in made.first(0))
    assert 4 == made.last(0).down.arrived_packets


def test_an_interval_of_rest_ends_where_a_row_begins() -> None:
    """At the next instant of the grid: so the path is known of a link that carries nothing, too."""
    made = sampler(100 * MS)
    made.add(T0_NS, [snapshot(1, 1000), snapshot(0, 1000), snapshot(1, 1400, 1, from_ms=1300)])
    expected = [(0, 200, 1, 0), (200, 1000, 1, 0), (0, 1000, 0, 0), (1000, 1300, 1, 0), (1300, 1400, 1, 1)]
    assert expected == intervals(made, "row", "arrived_packets")


def test_a_sample_has_the_row_that_is_in_force_at_its_end() -> None:
    """By the schedule of its direction, from when its scenario started."""
    made = sampler(100 * MS)
    made.add(T0_NS, [snapshot(1, 100), snapshot(1, 200), snapshot(0, 200)])
    assert [(0, 100, 0, 10), (100, 200, 1, 20), (0, 200, 0, 1)] == intervals(made, "row", "rate_bps")
    made.start_scenario(0, T0_NS + 200 * MS)
    made.add(T0_NS, [snapshot(1, 300), snapshot(1, 400)])
    assert [(200, 300, 0, 10), (300, 400, 1, 20)] == intervals(made, "row", "rate_bps")


def test_a_link_that_changes_is_told_of_by_its_new_rows() -> None:
    """From the instant on at which they are others, also where it rests; what is told late of before that stays."""
    made = sampler(100 * MS)
    changed = Schedule((*SCHEDULE.rows, Row(250 * MS, 0, 5, 50)))
    made.follow(0, LinkPlan("x-0", changed, STEPS))
    made.add(T0_NS, [snapshot(0, 200), snapshot(0, 300), snapshot(0, 1000), snapshot(1, 200)])
    expected = [(0, 200, 0, 1), (200, 300, 1, 50), (300, 1000, 1, 50), (0, 200, 1, 20)]
    assert expected == intervals(made, "row", "rate_bps")


def test_the_end_has_what_came_after_the_last_instant() -> None:
    """Every half is told of until then, also one that did nothing; times are of frames since the last snapshot."""
    made = sampler(100 * MS)
    made.add(T0_NS, [snapshot(0, 100, 5, from_ms=0)])
    up = HalfStats(arrived_packets=6, lateness=Histogram.of([7, 900]), transit=Histogram.of([1000]))
    noted = replace(up, lateness=Histogram({7: 1}, 7, 900), transit=Histogram())
    made.finish(T0_NS + 130 * MS, [(LinkStats(up), LinkStats(noted))])
    names = ("arrived_packets", "lateness_max_ns", "transit_max_ns")
    assert [(0, 100, 5, -1, -1), (100, 130, 1, 900, 1000), (0, 130, 0, -1, -1)] == intervals(made, *names)


def test_lateness_does_not_move_the_grid() -> None:
    """Snapshots are read when the forwarder has noted them: 62.5 ms after whole intervals from T0 on, or sooner."""
    made = sampler(100 * MS)
    found = [made.next_ns]
    for late_ms in (170, 175, 263, 630):
        made.add(T0_NS + late_ms * MS, [])
        found.append(made.next_ns)
    assert [162_500, 262_500, 262_500, 362_500, 662_500] == [(at - T0_NS) // 1000 for at in found]
    assert 10 * NS_PER_S + 62_500_000 == sampler(10 * NS_PER_S).next_ns - T0_NS
    assert 16 == sampler(10).next_ns - T0_NS


def test_a_batch_is_sent_before_it_is_older_than_a_second() -> None:
    """Ten samples a second make one message a second; the second is not exceeded by waiting for one more."""
    made = sampler(100 * NS_PER_MS)
    ages = []
    for tick in range(1, 36):
        made.add(made.next_ns, [snapshot(0, 100 * tick)])
        if made.due():
            times = [t_ns for *_, (t_ns,) in made.batch().select("t_ns")]
            ages.append(times[-1] - times[0])
    assert 3 <= len(ages)
    assert all(BATCH_NS - 200 * NS_PER_MS <= age <= BATCH_NS - 100 * NS_PER_MS for age in ages)


def test_the_batches_of_many_agents_do_not_come_at_once() -> None:
    """A first batch may be as old as the agent's name says, evenly over a second; those after it keep that distance."""
    limits = [first_batch_ns(f"edge-{number}") for number in range(1000)]
    assert 0 < min(limits) <= max(limits) <= BATCH_NS
    assert all(70 <= sum(tenth * BATCH_NS // 10 < limit <= (tenth + 1) * BATCH_NS // 10 for limit in limits) <= 130
               for tenth in range(10))  # fmt: skip
    made = sampler(100 * NS_PER_MS, first_batch_ns=250 * NS_PER_MS)
    sent = []
    for tick in range(1, 31):
        made.add(made.next_ns, [snapshot(0, 100 * tick)])
        if made.due():
            sent.append(len(made.batch()))
    assert 2 * sent[0] < sent[1] == sent[2]


def test_long_intervals_are_sent_at_once() -> None:
    """Where samples are seldom, none waits for another."""
    made = sampler(BATCH_NS)
    made.add(made.next_ns, [snapshot(0, 1000)])
    assert made.due()


def test_many_links_make_more_messages_of_a_bounded_size() -> None:
    """A batch with enough samples does not wait for its time."""
    made = sampler(10 * NS_PER_MS, BATCH_SAMPLES)
    made.add(made.next_ns, [snapshot(half, 10) for half in range(BATCH_SAMPLES - 2)])
    assert not made.due()
    made.add(made.next_ns, [snapshot(half, 10) for half in range(BATCH_SAMPLES - 2, BATCH_SAMPLES)])
    assert made.due()
    assert BATCH_SAMPLES == len(made.batch())
    assert not made.due()


def test_without_links_there_is_nothing_to_send() -> None:
    """An empty batch is never due, and is sound all the same."""
    made = sampler(10, 0)
    made.add(T0_NS + 10, [])
    assert not made.due()
    assert 0 == len(made.batch())
