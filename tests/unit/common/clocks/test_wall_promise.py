"""Two wall clocks that are nearly right bound two monotonic clocks, without any message's delay in it."""

from __future__ import annotations

import dataclasses

from hypothesis import given, settings
from hypothesis import strategies as st

from plctl.common.base.units import NS_PER_MS, NS_PER_S
from plctl.common.clocks.wall_promise import ClockDiscipline, WallReading, interval_from_wall

UTC_NS = 1_700_000_000 * NS_PER_S
CHRONY = ClockDiscipline("chrony", "UTC", 50_000)


def reading(monotonic_ns: int, wall_error_ns: int, sampling_error_ns: int, discipline: ClockDiscipline) -> WallReading:
    """What a host reads at true time UTC_NS whose wall clock is off by `wall_error_ns`."""
    wall_minus_monotonic = UTC_NS + wall_error_ns - monotonic_ns + sampling_error_ns
    return WallReading(monotonic_ns, wall_minus_monotonic, abs(sampling_error_ns), discipline)


WALL_ERROR = st.integers(-50_000, 50_000)
SAMPLING_ERROR = st.integers(-500, 500)


@settings(deadline=None)  # it would time the machine
@given(st.integers(0, 10**18), st.integers(0, 10**18), st.tuples(*[WALL_ERROR] * 2), st.tuples(*[SAMPLING_ERROR] * 2))
def test_the_interval_contains_the_truth(
    agent_ns: int, controller_ns: int, walls: tuple[int, int], samplings: tuple[int, int]
) -> None:
    """Whatever both wall clocks and both samplings are off by within their words, the true offset is inside."""
    agent = reading(agent_ns, walls[0], samplings[0], CHRONY)
    controller = reading(controller_ns, walls[1], samplings[1], CHRONY)
    interval = interval_from_wall(agent, controller, apart_ns=0)
    assert interval is not None
    assert interval.low_ns <= controller_ns - agent_ns <= interval.high_ns
    assert 2 * (100_000 + sum(map(abs, samplings))) == interval.high_ns - interval.low_ns
    assert agent_ns == interval.at_ns


def test_time_between_the_readings_is_charged_for() -> None:
    """A controller's reading that may be 10 ms old adds what its wall clock can have drifted in 10 ms to each side."""
    agent, controller = reading(0, 0, 0, CHRONY), reading(5, 0, 0, CHRONY)
    at_once, later = (interval_from_wall(agent, controller, apart_ns) for apart_ns in (0, 10 * NS_PER_MS))
    assert at_once is not None
    assert later is not None
    assert (10_010, 10_010) == (at_once.low_ns - later.low_ns, later.high_ns - at_once.high_ns)


def test_a_step_after_the_reading_changes_nothing() -> None:
    """Both walls an hour ahead, each with its word kept to the new time: the same offset."""
    agent, controller = reading(0, 0, 0, CHRONY), reading(77, 0, 0, CHRONY)
    hour = 3_600 * NS_PER_S
    late_agent, late_controller = (
        dataclasses.replace(one, wall_minus_monotonic_ns=one.wall_minus_monotonic_ns + hour)
        for one in (agent, controller)
    )
    assert interval_from_wall(agent, controller, 0) == interval_from_wall(late_agent, late_controller, 0)


def test_hosts_that_follow_different_times_promise_nothing_together() -> None:
    """A PTP grandmaster need not know UTC, so its followers are compared only with each other."""
    ptp = ClockDiscipline("PTP", "PTP grandmaster 02ffee.fffe.dd0001", 100)
    assert interval_from_wall(reading(0, 0, 0, CHRONY), reading(0, 0, 0, ptp), 0) is None
    assert interval_from_wall(reading(0, 0, 0, ptp), reading(0, 0, 0, ptp), 0) is not None


def test_the_source_names_both_disciplines() -> None:
    """The run's record says whose word the bound rests on."""
    kernel = ClockDiscipline("the kernel's NTP", "UTC", 100)
    same = interval_from_wall(reading(0, 0, 0, CHRONY), reading(0, 0, 0, CHRONY), 0)
    mixed = interval_from_wall(reading(0, 0, 0, CHRONY), reading(0, 0, 0, kernel), 0)
    assert same is not None
    assert mixed is not None
    assert ["chrony on both hosts", "chrony and the kernel's NTP"] == [same.source, mixed.source]
