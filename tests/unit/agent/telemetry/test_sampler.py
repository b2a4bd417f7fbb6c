"""Links are read on a grid from T0, and their samples travel in few messages, none of them for long."""

from __future__ import annotations

from plctl.agent.telemetry.sampler import BATCH_NS, BATCH_SAMPLES, Sampler, first_batch_ns
from plctl.common.base.units import NS_PER_MS, NS_PER_S
from plctl.common.plan.run_plan import LinkPlan
from plctl.common.scenario.schedule import Row, Schedule
from plctl.common.telemetry.samples import LinkStats

SCHEDULE = Schedule((Row(0, 0, 1, 1),))
T0_NS = 5 * NS_PER_S + 7


def reading(links: int) -> list[tuple[LinkPlan, LinkStats, LinkStats]]:
    """Links that did nothing."""
    return [(LinkPlan(f"x-{number}", SCHEDULE, SCHEDULE), LinkStats(), LinkStats()) for number in range(links)]


def sampler(interval_ns: int) -> Sampler:
    """One that has started at T0."""
    made = Sampler(interval_ns)
    made.start(T0_NS)
    return made


def test_lateness_does_not_move_the_grid() -> None:
    """Samples are due at whole intervals after T0; one that comes late is as long as it took, and the next shorter."""
    made = sampler(10)
    for now, after in ((T0_NS + 10, T0_NS + 20), (T0_NS + 23, T0_NS + 30), (T0_NS + 51, T0_NS + 60)):
        made.add(now, reading(1))
        assert after == made.next_ns
    assert [10, 10, 13, 13, 28, 28] == [interval for *_, (interval,) in made.batch().select("interval_ns")]


def test_a_batch_is_sent_before_it_is_older_than_a_second() -> None:
    """Ten samples a second make one message a second; the second is not exceeded by waiting for one more."""
    made = sampler(100 * NS_PER_MS)
    ages = []
    for _ in range(35):
        made.add(made.next_ns, reading(1))
        if made.due():
            times = [t_ns for *_, (t_ns,) in made.batch().select("t_ns")]
            ages.append(times[-1] - times[0])
    assert [BATCH_NS - 100 * NS_PER_MS] * 3 == ages


def test_the_batches_of_many_agents_do_not_come_at_once() -> None:
    """A first batch may be as old as the agent's name says, evenly over a second; those after it keep that distance."""
    limits = [first_batch_ns(f"edge-{number}") for number in range(1000)]
    assert 0 < min(limits) <= max(limits) <= BATCH_NS
    assert all(70 <= sum(tenth * BATCH_NS // 10 < limit <= (tenth + 1) * BATCH_NS // 10 for limit in limits) <= 130
               for tenth in range(10))  # fmt: skip
    made = Sampler(100 * NS_PER_MS, 250 * NS_PER_MS)
    made.start(T0_NS)
    sent = []
    for _ in range(30):
        made.add(made.next_ns, reading(1))
        if made.due():
            sent.append(len(made.batch()) // 2)
    assert [3, 10, 10] == sent


def test_long_intervals_are_sent_at_once() -> None:
    """Where samples are seldom, none waits for another."""
    made = sampler(BATCH_NS)
    made.add(made.next_ns, reading(1))
    assert made.due()


def test_many_links_make_more_messages_of_a_bounded_size() -> None:
    """A batch with enough samples does not wait for its time."""
    made = sampler(10 * NS_PER_MS)
    made.add(made.next_ns, reading(BATCH_SAMPLES // 2 - 1))
    assert not made.due()
    made.add(made.next_ns, reading(1))
    assert made.due()
    assert BATCH_SAMPLES == len(made.batch())
    assert not made.due()


def test_without_links_there_is_nothing_to_send() -> None:
    """An empty batch is never due, and is sound all the same."""
    made = sampler(10)
    made.add(T0_NS + 10, [])
    assert not made.due()
    assert 0 == len(made.batch())
