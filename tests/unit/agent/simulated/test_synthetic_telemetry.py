"""Synthetic telemetry is whole: no interval is missing, rows are those in force, and the sums are the results'."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from plctl.agent.simulated.synthetic_telemetry import SyntheticTelemetry
from plctl.common.base.units import NS_PER_MS, NS_PER_S, RATE_UNLIMITED
from plctl.common.plan.run_plan import LinkPlan, RunPlan
from plctl.common.scenario.schedule import DIRECTIONS, Row, Schedule
from plctl.common.telemetry.samples import Samples

T0_NS = 7 * NS_PER_S
STEADY = Schedule((Row(0, 0, 20 * NS_PER_MS, 10**8),))
CHANGING = Schedule((Row(0, 0, 1, 10**8), Row(300 * NS_PER_MS, 1, 2, 2 * 10**8), Row(700 * NS_PER_MS, 0, 3, 0)))


def synthetic(*links: LinkPlan) -> SyntheticTelemetry:
    """The telemetry of `links`, whose scenarios have started."""
    made = SyntheticTelemetry(RunPlan("r", 5, links, sample_interval_ns=100 * NS_PER_MS))
    made.start(T0_NS)
    return made


def table(samples: Samples, *names: str) -> list[tuple[str, str, tuple[int, ...]]]:
    """The samples as (link, direction, numbers)."""
    return list(samples.select(*names))


@given(st.lists(st.integers(0, 2 * NS_PER_S), min_size=1, max_size=6))
def test_every_interval_is_told_once(pauses: list[int]) -> None:
    """However irregularly batches are asked for, each link has one sample for each whole interval, in order."""
    made, now_ns = synthetic(LinkPlan("a", STEADY, CHANGING), LinkPlan("b", CHANGING, STEADY)), T0_NS
    seen: dict[tuple[str, str], list[int]] = {(link, way): [] for link in "ab" for way in DIRECTIONS}
    for pause_ns in pauses:
        now_ns += pause_ns
        for link, way, (t_ns,) in table(made.batch(now_ns), "t_ns"):
            seen[link, way].append(t_ns)
    over = (now_ns - T0_NS) // (100 * NS_PER_MS)
    ends = [T0_NS + (number + 1) * 100 * NS_PER_MS for number in range(over)]
    assert [ends] * 4 == list(seen.values())


def test_rows_are_those_in_force() -> None:
    """Row, rate and delay follow the schedule, and an outage carries nothing."""
    got = table(synthetic(LinkPlan("a", CHANGING, CHANGING)).batch(T0_NS + NS_PER_S), "row", "delay_ns", "rate_bps")
    up = [numbers for _, way, numbers in got if way == "up"]
    assert [(0, 1, 10**8)] * 3 + [(1, 2, 2 * 10**8)] * 4 + [(2, 3, 0)] * 3 == up
    silent = table(
        synthetic(LinkPlan("a", CHANGING, STEADY)).batch(T0_NS + NS_PER_S), "delivered_bytes", "transit_p50_ns"
    )
    assert (0, -1) == [numbers for _, way, numbers in silent if way == "up"][-1]


def test_a_repeated_schedule_goes_on() -> None:
    """After its period the first row is in force again."""
    repeated = CHANGING.repeated(NS_PER_S)
    got = table(synthetic(LinkPlan("a", repeated, repeated)).batch(T0_NS + 2 * NS_PER_S), "row")
    ups = [row for _, way, (row,) in got if way == "up"]
    assert [0] * 3 + [1] * 4 + [2] * 3 == ups[:10] == ups[10:]


def test_results_are_the_sums_of_what_was_told() -> None:
    """What arrived and was delivered over all batches is what the link's result says."""
    unlimited = Schedule((Row(0, 0, 0, RATE_UNLIMITED),))
    made = synthetic(LinkPlan("a", CHANGING, unlimited))
    sums = dict.fromkeys(DIRECTIONS, 0)
    for now_ns in (T0_NS + 450 * NS_PER_MS, T0_NS + NS_PER_S):
        for _, way, (delivered,) in table(made.batch(now_ns), "delivered_bytes"):
            sums[way] += delivered
    ((up, down),) = made.results()
    assert (sums["up"], sums["down"]) == (up.delivered_bytes, down.delivered_bytes)
    assert up.delivered_bytes > 0 < down.delivered_bytes
    assert 0 < up.lateness_p50_ns < up.lateness_p99_ns < up.lateness_max_ns


def test_the_seed_decides() -> None:
    """The same plan makes the same figures up again."""
    plan = LinkPlan("a", STEADY, STEADY)
    assert synthetic(plan).batch(T0_NS + NS_PER_S).columns == synthetic(plan).batch(T0_NS + NS_PER_S).columns
