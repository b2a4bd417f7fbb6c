"""A constellation: satellites as SGP4 propagates them, and the grid of those that have links to each other.

Named shells become elements of circular orbits without drag, propagated with WGS 72's constants as every published
element set is (Vallado et al., "Revisiting Spacetrack Report #3", AIAA 2006-6753).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sgp4.api import WGS72, Satrec

from plctl.controller.orbits.shells import Shell

#: WGS 72, as in SGP4: km³/s², and the equatorial radius in km.
MU = 398600.8
RADIUS_KM = 6378.135
_SGP4_EPOCH = datetime(1949, 12, 31, tzinfo=UTC)
#: SGP4 divides by it.
_ALMOST_CIRCULAR = 1e-7


@dataclass(frozen=True, slots=True)
class Grid:
    """Satellites in planes: the first of a plane behind the last of the one before, in the order of their numbers."""

    planes: int
    per_plane: int
    first: int = 0  #: number of the first satellite
    closed: bool = True  #: the last plane has the first for its neighbour
    shift: int = 0  #: how many slots farther on the neighbour over that seam is

    def links(self) -> Iterator[tuple[int, int]]:
        """Pairs of satellites: each has a link to the next in its plane, and to the same slot in the next plane."""
        for plane in range(self.planes):
            for slot in range(self.per_plane):
                here = self._number(plane, slot)
                if self.per_plane > 1 and not (self.per_plane == 2 and slot):
                    yield here, self._number(plane, slot + 1)
                if plane + 1 < self.planes:
                    yield here, self._number(plane + 1, slot)
                elif self.closed and self.planes > 2:
                    yield here, self._number(0, slot + self.shift)

    def _number(self, plane: int, slot: int) -> int:
        return self.first + plane * self.per_plane + slot % self.per_plane


@dataclass(frozen=True, slots=True)
class Constellation:
    """Satellites, numbered from 0."""

    satellites: Sequence[Satrec]
    names: Sequence[str]
    min_elevations: Sequence[float]  #: degrees, for each satellite
    grids: Sequence[Grid]  #: none where nothing says which satellites are neighbours

    def links(self) -> list[tuple[int, int]]:
        """All links between satellites, each once."""
        return [link for grid in self.grids for link in grid.links()]


def constellation_of(shells: Sequence[Shell], epoch: datetime) -> Constellation:
    """The satellites of these shells, which are at their places at `epoch`."""
    satellites: list[Satrec] = []
    names: list[str] = []
    elevations: list[float] = []
    grids: list[Grid] = []
    for shell in shells:
        grids.append(
            Grid(shell.planes, shell.per_plane, len(satellites), closed=not shell.star, shift=shell.phasing or 0)
        )
        for plane in range(shell.planes):
            for slot in range(shell.per_plane):
                satellites.append(_satellite(shell, plane, slot, epoch, len(satellites) + 1))
                names.append(f"{shell.name}/{plane}-{slot}")
        elevations += [shell.min_elevation] * shell.count
    return Constellation(satellites, names, elevations, grids)


def mean_motion(altitude_km: float) -> float:
    """Of a circular orbit, in radians a minute, by Kepler's third law."""
    return 60 * math.sqrt(MU / (RADIUS_KM + altitude_km) ** 3)


def _satellite(shell: Shell, plane: int, slot: int, epoch: datetime, number: int) -> Satrec:
    satellite = Satrec()
    satellite.sgp4init(
        WGS72, "i", number, (epoch - _SGP4_EPOCH).total_seconds() / 86400,
        0.0, 0.0, 0.0,  # no drag
        _ALMOST_CIRCULAR, 0.0, math.radians(shell.inclination),
        math.radians(shell.anomaly_degrees(plane, slot)), mean_motion(shell.altitude_km),
        math.radians(shell.node_degrees(plane)),
    )  # fmt: skip
    return satellite
