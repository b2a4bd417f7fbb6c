"""The way that is found is the shortest there is, whatever satellites and links there are."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from plctl.controller.orbits.constellation import RADIUS_KM, Grid
from plctl.controller.orbits.motion import Floats
from plctl.controller.orbits.routing import GRAZING_KM, Mesh, Sky, bent_pipe, path_lengths_km

START, GOAL = np.array([6378.0, 0, 0]), np.array([0, 6378.0, 0])


def sky(seed: int, count: int, seen: int) -> Sky:
    """Satellites at random places in low orbits above a part of the Earth, of which each station uses some."""
    random = np.random.default_rng(seed)
    directions = random.normal(size=(count, 3)) * 0.5 + [0.7, 0.7, 0]
    positions = directions / np.linalg.norm(directions, axis=1)[:, None] * random.uniform(6700, 8000, (count, 1))
    # No satellite is used by both, so that every way goes over some link.
    used = np.split(random.permutation(count)[: 2 * seen], 2)
    uses = [np.full(count, np.inf), np.full(count, np.inf)]
    for use, mine, end in zip(uses, used, (START, GOAL), strict=True):
        use[mine] = np.linalg.norm(positions[mine] - end, axis=1)
    return Sky(positions, GOAL, *uses)


def least_km(links: list[tuple[int, int]], there: Sky, hop_km: float) -> float:
    """How long the shortest way is, by relaxing every link again and again (Bellman and Ford), from the goal."""
    one, other = np.array([*links, *((end, start) for start, end in links)]).T
    long = lengths(there.positions_km[one], there.positions_km[other]) + hop_km
    left = there.goal_distance_km + hop_km
    for _ in there.positions_km:
        np.minimum.at(left, one, left[other] + long)
    return float((there.start_distance_km + left).min())


def lengths(one: Floats, other: Floats) -> Floats:
    """Of links, by their distance from the middle of the Earth at many places; infinite where they are too low."""
    shares = np.linspace(0, 1, 401)[:, None, None]
    lowest = np.linalg.norm(one + shares * (other - one), axis=-1).min(axis=0)
    # A place between two that are looked at is lower than both by less than this.
    assert np.abs(lowest - RADIUS_KM - GRAZING_KM).min() > 0.02
    return np.where(lowest > RADIUS_KM + GRAZING_KM, np.linalg.norm(other - one, axis=-1), np.inf)


@pytest.mark.parametrize(("seen", "hop_km"), [(1, 0), (1, 900), (3, 0), (3, 900)])
def test_it_is_the_shortest(seen: int, hop_km: float) -> None:
    """In 60 random skies; or there is none, exactly when an exhaustive search finds none."""
    links = list(Grid(6, 6).links())
    mesh, linked, ways = Mesh(links, 36), {frozenset(link) for link in links}, 0
    for seed in range(60):
        there = sky(seed, 36, seen)
        best = least_km(links, there, hop_km)
        found = mesh.shortest(there, hop_km)
        assert (found is None) == (best == np.inf)
        if found:
            ways += len(found) > 2
            assert all(frozenset(pair) in linked for pair in pairwise(found))
            ends = there.start_distance_km[found[0]] + there.goal_distance_km[found[-1]]
            place = there.positions_km[list(found)]
            across = lengths(place[:-1], place[1:]).sum()
            assert pytest.approx(best, abs=1e-6) == ends + across + hop_km * len(found)
    assert ways > 15


def test_a_bent_pipe_takes_the_satellite_with_the_shortest_way() -> None:
    """Of those that both use; without one there is none."""
    positions = np.zeros((4, 3))
    start, goal = np.array([1.0, 5, 6, np.inf]), np.array([np.inf, 5, 3, 1.0])
    assert (2,) == bent_pipe(Sky(positions, GOAL, start, goal))
    assert bent_pipe(Sky(positions, GOAL, start, np.full(4, np.inf))) is None


def test_a_decayed_satellite_is_on_no_way() -> None:
    """It is nowhere, and the way goes around it."""
    there = sky(1, 16, 1)
    there.positions_km[5] = np.nan
    there.start_distance_km[:] = np.inf
    there.goal_distance_km[:] = np.inf
    there.start_distance_km[4], there.goal_distance_km[6] = 1000, 1000
    angles = np.linspace(0, 1.2, 16)
    for number in range(16):
        if number != 5:
            there.positions_km[number] = 7500 * np.array([np.cos(angles[number]), np.sin(angles[number]), 0])
    found = Mesh(list(Grid(4, 4).links()), 16).shortest(there)
    assert found is not None
    assert 5 not in found


def test_lengths_add_up() -> None:
    """At each instant: up, across and down."""
    positions = np.array([[[7000.0, 0, 0], [7000, 1000, 0]], [[7000, 0, 0], [7000, 2000, 0]]])
    found = path_lengths_km(positions, np.array([6000.0, 0, 0]), np.array([7000, 1000, -500.0]))
    assert [1000 + 1000 + 500, 1000 + 2000 + (1000**2 + 500**2) ** 0.5] == pytest.approx(found.tolist())
