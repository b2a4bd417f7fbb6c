"""Paths are chosen when they may be, hold while they may, and have the delay of light plus what satellites add."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from plctl.common.base.errors import UserError
from plctl.common.base.units import NS_PER_MS, NS_PER_S
from plctl.common.scenario.schedule import Row
from plctl.controller.orbits.constellation import constellation_of
from plctl.controller.orbits.leo import orbital_path
from plctl.controller.orbits.link_budget import LinkBudget, constant_rate
from plctl.controller.orbits.motion import Motion, seen_from
from plctl.controller.orbits.paths import LIGHT_KM_S, Moment, PathFinder, Visibility
from plctl.controller.orbits.shells import SHELLS
from plctl.controller.orbits.slots import SlotGrid, parse_slot_grid
from plctl.controller.orbits.stations import parse_station

BEGIN = datetime(2026, 11, 28, 12, 0, 5, tzinfo=UTC)
SEATTLE, DENVER, LISBON = (parse_station(name) for name in ("Seattle", "Denver", "Lisbon"))
STARLINK = constellation_of([SHELLS["starlink-550"]], BEGIN)
SECONDS = [second * NS_PER_S for second in range(120)]
PIPE = PathFinder(STARLINK, SEATTLE, SEATTLE, Visibility(), over_grid=False, hop_delay_ns=0)
GRID = PathFinder(STARLINK, SEATTLE, LISBON, Visibility(), over_grid=True, hop_delay_ns=0)


def test_a_bent_pipe_is_over_the_nearest_satellite() -> None:
    """From a place to itself: twice the way to the satellite, at the speed of light, above the elevation."""
    motion = Motion(STARLINK.satellites, BEGIN)
    for moment in PIPE.along(BEGIN, SECONDS[::10]):
        assert moment.path is not None
        distance, sine = seen_from(SEATTLE, motion.at([moment.time_ns])[0])
        nearest = distance.argmin()
        assert (nearest,) == moment.path
        assert pytest.approx(2 * distance[nearest] / LIGHT_KM_S * NS_PER_S, abs=1) == moment.delay_ns
        assert sine[nearest] > 0.43


def test_least_elevation_and_greatest_range_limit_what_is_used() -> None:
    """Only a satellite in the zenith, or none."""
    high = replace(PIPE, visibility=Visibility(min_elevation=80))
    seen = [moment for moment in high.along(BEGIN, SECONDS) if moment.path]
    assert 0 < len(seen) < len(SECONDS)
    assert all(moment.elevation >= 80 for moment in seen)
    near = replace(PIPE, visibility=Visibility(min_elevation=0, max_range_km=600))
    limit_ns = 2 * 600 / LIGHT_KM_S * NS_PER_S
    assert all(moment.delay_ns <= limit_ns for moment in near.along(BEGIN, SECONDS) if moment.path)


def test_over_the_grid_one_reaches_what_no_satellite_sees_together() -> None:
    """Seattle and Lisbon: over several satellites, and slower than light along the ground but not by half."""
    (alone,) = replace(GRID, over_grid=False).along(BEGIN, [0])
    (over,) = GRID.along(BEGIN, [0])
    assert alone.path is None
    assert over.path is not None
    assert len(over.path) > 3
    straight_ns = 7840 / LIGHT_KM_S * NS_PER_S
    assert straight_ns < over.delay_ns < 1.5 * straight_ns


def test_each_satellite_adds_its_delay_and_fewer_are_then_better() -> None:
    """100 ms a satellite: the path has as few as can be."""
    (plain,) = GRID.along(BEGIN, [0])
    (slow,) = replace(GRID, hop_delay_ns=100 * NS_PER_MS).along(BEGIN, [0])
    assert plain.path
    assert slow.path
    assert len(slow.path) <= len(plain.path)
    assert slow.delay_ns >= len(slow.path) * 100 * NS_PER_MS + plain.delay_ns


def test_on_a_grid_of_slots_a_path_holds_for_all_of_one() -> None:
    """It is chosen at 12, 27, 42 and 57 s, of satellites that stay high enough until the slot ends."""
    grid = parse_slot_grid("15s@12s")
    found = list(PIPE.along(BEGIN, SECONDS, grid))
    assert [moment.time_ns for moment in found] == SECONDS  # begins of slots are whole seconds here
    changes = [after.time_ns // NS_PER_S for before, after in pairwise(found) if before.path != after.path]
    assert changes
    assert {(BEGIN.second + change) % 15 for change in changes} == {12}
    assert all(moment.elevation >= 25 for moment in found)
    free = [moment.delay_ns for moment in PIPE.along(BEGIN, SECONDS)]
    assert all(moment.delay_ns >= best for moment, best in zip(found, free, strict=True))


def test_a_slot_begins_between_two_steps() -> None:
    """With a row of its own."""
    times = [
        moment.time_ns for moment in PIPE.along(BEGIN, [0, 5 * NS_PER_S, 10 * NS_PER_S], parse_slot_grid("15s@12s"))
    ]
    assert [0, 5 * NS_PER_S, 7 * NS_PER_S, 10 * NS_PER_S] == times


def test_slots_are_those_of_the_clock() -> None:
    """Begin and end since the start; the first is cut short."""
    found = list(SlotGrid(15 * NS_PER_S, 12 * NS_PER_S).slots(BEGIN, 30 * NS_PER_S))
    assert [(0, 7), (7, 22), (22, 37)] == [(begin // NS_PER_S, end // NS_PER_S) for begin, end in found]
    whole = BEGIN.replace(second=12)
    assert (0, 15 * NS_PER_S) == next(SlotGrid(15 * NS_PER_S, 12 * NS_PER_S).slots(whole, NS_PER_S))


@pytest.mark.parametrize("text", ["", "15", "15s@", "@12s", "15s@12s@1s", "1ms"])
def test_what_is_no_grid_of_slots_is_refused(text: str) -> None:
    """In a sentence."""
    with pytest.raises(UserError):
        parse_slot_grid(text)


def test_it_is_said_why_there_is_never_a_path() -> None:
    """Who sees nothing, and what to do."""
    finder = replace(GRID, goal=parse_station("McMurdo"))
    assert (
        "there is no path at any time: Seattle has a satellite for 100% of it, McMurdo has a satellite for 0%; "
        "allow lower elevations"
    ) == finder.why_never(BEGIN, SECONDS)


def test_moments_become_rows() -> None:
    """A RouteID for each path, which it has again later; in an outage the delay and route before it, or behind."""
    moments = [
        Moment(0, None), Moment(1, (7, 8), 50, 30.0), Moment(2, (7,), 40, 30.0), Moment(3, None),
        Moment(4, (7, 8), 55, 30.0), Moment(5, (7, 8), 55, 30.0),
    ]  # fmt: skip
    found = orbital_path(moments, constant_rate(9), 6)
    assert ((7, 8), (7,)) == found.routes
    assert [
        Row(0, 0, 50, 0), Row(1, 0, 50, 9), Row(2, 1, 40, 9), Row(3, 1, 40, 0), Row(4, 0, 55, 9)
    ] == found.scenario.up.rows  # fmt: skip
    assert found.scenario.up is found.scenario.down


def test_a_link_budget_gives_each_direction_its_rate() -> None:
    """By the elevation of the moment."""
    budget = LinkBudget((20.0, 60.0), (10.0, 30.0), (100.0, 300.0))
    found = orbital_path([Moment(0, (1,), 5, 40.0)], budget, 1).scenario
    assert (20, 200) == (found.up.rows[0].rate_bps, found.down.rows[0].rate_bps)
