"""A scenario is summed up truly, in words and for machines."""

from plctl.common.base.units import RATE_UNLIMITED
from plctl.common.scenario.opportunities import Opportunities
from plctl.common.scenario.schedule import Row, Scenario, Schedule
from plctl.controller.scenarios.statistics import statistics, table
from plctl.controller.scenarios.steps import curves
from plctl.controller.scenarios.summary import directions, outages, route_changes, summarize

ROWS = (
    Row(0, 7, 41_000_000, 80_000_000),
    Row(10**9, 7, 41_200_000, 0),
    Row(2 * 10**9, 8, 37_000_000, 0),
    Row(3 * 10**9, 7, 37_000_000, 101_500_000),
    Row(4 * 10**9, 7, 37_000_000, 0),
)


def test_counts_route_changes_and_outages() -> None:
    """Adjacent rows of rate 0 are one outage; one at the end has no end; a return to a route is a change too."""
    assert [2 * 10**9, 3 * 10**9] == route_changes(ROWS)
    assert [(10**9, 3 * 10**9), (4 * 10**9, -1)] == outages(ROWS)


def test_says_it_in_one_line() -> None:
    """Ranges have one unit, and outages are no part of the rate's range."""
    line = "5 rows, 4 s, delay 37–41.2 ms, rate 80–101.5 Mbit/s, 2 route changes, 2 outages"
    assert line == str(summarize(Schedule(ROWS)))


def test_says_what_repeats_and_what_is_constant() -> None:
    """One value is not written as a range; the period of a repeating scenario is told."""
    schedule = Schedule((ROWS[0], Row(10**9, 7, 41_000_000, 80_000_000)), 2 * 10**9)
    line = "2 rows, 1 s, repeats every 2 s, delay 41 ms, rate 80 Mbit/s, no route changes, no outages"
    assert line == str(summarize(schedule))


def test_an_unlimited_rate_is_no_number() -> None:
    """`inf` reads as a word, and as null in JSON; units that differ are both written."""
    summary = summarize(Schedule((Row(0, 0, 0, 5_000), Row(1, 0, 0, RATE_UNLIMITED))))
    assert "rate 5 kbit/s – unlimited" in str(summary)
    assert (5_000, None) == (summary.as_json()["rate_min_bps"], summary.as_json()["rate_max_bps"])


def test_equal_directions_are_told_once() -> None:
    """What is the same both ways is not repeated."""
    schedule = Schedule(ROWS)
    assert {"both": schedule} == directions(Scenario(schedule, Schedule(ROWS)))
    assert ["up", "down"] == list(directions(Scenario(schedule, Schedule(ROWS[:1]))))


def test_opportunities_are_told_as_such() -> None:
    """How many, and that the rates are their means; in statistics also what they are worth and their longest gap."""
    ms = 10**6
    trace = Opportunities.of_instants([0, 2 * ms, 2 * ms, 900 * ms], 1000 * ms, 1400)
    schedule = Schedule((Row(0, 7, 20 * ms, 5_000_000), Row(10**9, 7, 20 * ms, 80_000_000)), 2 * 10**9, trace)
    line = "2 rows, 1 s, repeats every 2 s, delay 20 ms, 4 delivery opportunities (mean rate 5–80 Mbit/s), "
    assert line + "no route changes, no outages" == str(summarize(schedule))
    assert 4 == summarize(schedule).as_json()["opportunities"]
    scenario = Scenario(schedule, Schedule(ROWS))
    words = dict(table(statistics(scenario, schedule)))
    assert "4 of 1400 bytes every 1 s, the longest gap 898 ms" == words["opportunities"]
    assert words["rate"].endswith(", the mean of opportunities")
    assert "opportunities" not in dict(table(statistics(scenario, scenario.down)))
    assert [True, False] == [curve.is_mean for curve in curves(scenario, 80)[1]]
