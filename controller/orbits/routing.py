"""The shortest way between two ground stations at one instant: over one satellite, or over links between satellites.

A bent pipe takes the satellite over which the way is shortest. Over a grid the search is Dijkstra's, by scipy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from plctl.controller.orbits.constellation import RADIUS_KM
from plctl.controller.orbits.motion import Floats

#: A link between satellites stays so far above the ground, out of the weather (as in Hypatia).
GRAZING_KM = 80.0

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
        self._one, self._other = np.array(links, dtype=np.int64).reshape(-1, 2).T
        self._start, self._goal = count, count + 1  # the stations, as nodes behind the satellites

    def shortest(self, sky: Sky, hop_km: float = 0.0) -> Path | None:
        """The shortest way, in which every satellite counts `hop_km` more; None if there is no way."""
        link_km = self._lengths_km(sky.positions_km)
        linked, up, down = map(np.isfinite, (link_km, sky.start_distance_km, sky.goal_distance_km))
        used, reached = np.flatnonzero(up), np.flatnonzero(down)
        if not used.size or not reached.size:
            return None
        one = np.concatenate([self._one[linked], np.full(used.size, self._start), reached])
        other = np.concatenate([self._other[linked], used, np.full(reached.size, self._goal)])
        # Whatever ends at a satellite and begins nearer to the start carries what that satellite adds.
        long = np.concatenate([
            link_km[linked] + hop_km, sky.start_distance_km[used] + hop_km, sky.goal_distance_km[reached]
        ])  # fmt: skip
        graph = csr_array((long, (one, other)), shape=(self._goal + 1, self._goal + 1))
        _, before = dijkstra(graph, directed=False, indices=self._start, return_predecessors=True)
        return self._way(before)

    def _way(self, before: NDArray[np.int32]) -> Path | None:
        """From the start to the goal, by what comes before each node; none where it is negative."""
        found: list[int] = []
        here = int(before[self._goal])
        while here != self._start:
            if here < 0:
                return None
            found.append(here)
            here = int(before[here])
        return tuple(reversed(found))

    def _lengths_km(self, positions_km: Floats) -> Floats:
        """Of each link; infinite where it would come too close to the ground."""
        one, other = positions_km[self._one], positions_km[self._other]
        across = other - one
        squared = np.einsum("ij,ij->i", across, across)
        with np.errstate(invalid="ignore", divide="ignore"):
            share = np.clip(-np.einsum("ij,ij->i", one, across) / squared, 0, 1)
            lowest = _lengths(one + share[:, None] * across)
            found: Floats = np.where(lowest >= RADIUS_KM + GRAZING_KM, np.sqrt(squared), np.inf)
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


def _lengths(vectors: Floats) -> Floats:
    found: NDArray[np.float64] = np.sqrt(np.einsum("...i,...i", vectors, vectors))
    return found
