"""The shortest way between two ground stations at one instant: over one satellite, or over links between satellites.

A bent pipe takes the satellite over which the way is shortest. Over a grid the search is A* with the straight line to
the goal as the bound (Hart, Nilsson and Raphael, 1968), which finds what Dijkstra's finds and looks at far fewer
satellites.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush

import numpy as np
from numpy.typing import NDArray

from plctl.controller.orbits.constellation import RADIUS_KM
from plctl.controller.orbits.motion import Floats

#: A link between satellites stays so far above the ground, out of the weather (as in Hypatia).
GRAZING_KM = 80.0
_GOAL = -1
_START = -2

#: The numbers of the satellites that a path goes over, in order.
Path = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Sky:
    """What there is at one instant; the arrays have an entry for each satellite."""

    positions_km: Floats  #: [satellite, axis], Earth-fixed
    goal_km: Floats  #: position of the goal
    start_distance_km: Floats  #: from the start; infinite where the start does not use the satellite
    goal_distance_km: Floats  #: to the goal, likewise


class Mesh:
    """The links between satellites that there may be."""

    def __init__(self, links: Sequence[tuple[int, int]], count: int) -> None:
        self._ends = np.array(links, dtype=np.int64).reshape(-1, 2)
        self._neighbours: list[list[tuple[int, int]]] = [[] for _ in range(count)]
        for index, (one, other) in enumerate(links):
            self._neighbours[one].append((other, index))
            self._neighbours[other].append((one, index))

    def shortest(self, sky: Sky, hop_km: float = 0.0) -> Path | None:
        """The shortest way, in which every satellite counts `hop_km` more; None if there is no way."""
        lengths = self._lengths_km(sky.positions_km)
        bounds = _lengths(sky.positions_km - sky.goal_km).tolist()
        goal = sky.goal_distance_km.tolist()
        start = sky.start_distance_km.tolist()
        used = np.flatnonzero(np.isfinite(sky.start_distance_km)).tolist()
        so_far = {number: start[number] + hop_km for number in used}
        before = dict.fromkeys(used, _START)
        heap = [(length + bounds[number], number, length) for number, length in so_far.items()]
        heapify(heap)
        while heap:
            _, here, length = heappop(heap)
            if here == _GOAL:
                return _way(before)
            if length > so_far[here]:
                continue  # a shorter way to it was found since
            ways = [(other, lengths[link] + hop_km, bounds[other]) for other, link in self._neighbours[here]]
            for other, step, bound in (*ways, (_GOAL, goal[here], 0.0)):
                reached = length + step
                if reached < so_far.get(other, np.inf):
                    so_far[other], before[other] = reached, here
                    heappush(heap, (reached + bound, other, reached))
        return None

    def _lengths_km(self, positions_km: Floats) -> list[float]:
        """Of each link; infinite where it would come too close to the ground."""
        one, other = positions_km[self._ends[:, 0]], positions_km[self._ends[:, 1]]
        across = other - one
        squared = np.einsum("ij,ij->i", across, across)
        with np.errstate(invalid="ignore", divide="ignore"):
            share = np.clip(-np.einsum("ij,ij->i", one, across) / squared, 0, 1)
        lowest = _lengths(one + share[:, None] * across)
        lengths = np.where(lowest >= RADIUS_KM + GRAZING_KM, np.sqrt(squared), np.inf)
        found: list[float] = lengths.tolist()
        return found


def bent_pipe(sky: Sky) -> Path | None:
    """The way over one satellite that both stations use; None if there is none."""
    total = sky.start_distance_km + sky.goal_distance_km
    best = int(np.argmin(total))
    return (best,) if np.isfinite(total[best]) else None


def path_lengths_km(positions_km: Floats, start_km: Floats, goal_km: Floats) -> Floats:
    """How long a way is at several instants; `positions_km` [instant, satellite, axis] has its satellites in order."""
    up = _lengths(positions_km[:, 0] - start_km)
    down = _lengths(positions_km[:, -1] - goal_km)
    across = _lengths(np.diff(positions_km, axis=1)).sum(axis=1)
    found: Floats = up + across + down
    return found


def _way(before: dict[int, int]) -> Path:
    """From the start to the goal, which is what `before` ends in."""
    found = []
    here = before[_GOAL]
    while here != _START:
        found.append(here)
        here = before[here]
    return tuple(reversed(found))


def _lengths(vectors: Floats) -> Floats:
    found: NDArray[np.float64] = np.sqrt(np.einsum("...i,...i", vectors, vectors))
    return found
