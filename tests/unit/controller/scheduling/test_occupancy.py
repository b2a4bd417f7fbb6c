"""What runs have taken of hosts is the sum of their assignments, and nothing once they are over."""

from __future__ import annotations

from plctl.common.protocol.requests import Assignment
from plctl.controller.scheduling.occupancy import Occupancy
from plctl.controller.scheduling.placement import Need

FIRST = (Assignment("a", "h1", 10, 1), Assignment("b", "h1", 20, 2), Assignment("c", "h2", 40, 4))
SECOND = (Assignment("a", "h1", 80, 8),)


def test_what_runs_take_adds_up_by_host() -> None:
    """Links are counted for each run, needs over all."""
    occupancy = Occupancy()
    occupancy.add("r1", FIRST)
    occupancy.add("r2", SECOND)
    assert {"r1": 2, "r2": 1} == occupancy.links_on("h1")
    assert Need(110, 11) == occupancy.taken("h1")
    assert ({"r1": 1}, Need(40, 4)) == (occupancy.links_on("h2"), occupancy.taken("h2"))
    assert ({}, Need()) == (occupancy.links_on("h3"), occupancy.taken("h3"))


def test_a_run_that_is_over_takes_nothing() -> None:
    """What it had is free again, and taking it away twice is harmless."""
    occupancy = Occupancy()
    occupancy.add("r1", FIRST)
    occupancy.add("r2", SECOND)
    assert "r1" in occupancy
    occupancy.remove("r1")
    occupancy.remove("r1")
    assert "r1" not in occupancy
    assert ({"r2": 1}, Need(80, 8)) == (occupancy.links_on("h1"), occupancy.taken("h1"))
    assert Need() == occupancy.taken("h2")


def test_a_run_that_is_added_again_counts_once() -> None:
    """The newer assignments take the place of the older."""
    occupancy = Occupancy()
    occupancy.add("r1", FIRST)
    occupancy.add("r1", SECOND)
    assert ({"r1": 1}, Need(80, 8)) == (occupancy.links_on("h1"), occupancy.taken("h1"))
