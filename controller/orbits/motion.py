"""Where satellites are over time, in axes that turn with the Earth, and how a ground station sees them.

SGP4 gives positions in the true equator, mean equinox frame (TEME) of date. Turned by Greenwich mean sidereal time
(IAU 1982; Vallado, "Fundamentals of Astrodynamics and Applications", 4th ed., eq. 3-47) they are Earth-fixed. Left out
are the motion of the poles and UT1 − UTC, together below half a kilometre; SGP4 itself is hardly better.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray
from sgp4.api import Satrec, SatrecArray

from plctl.common.base.units import NS_PER_S
from plctl.controller.orbits.stations import Station

Floats = NDArray[np.float64]

_J2000 = datetime(2000, 1, 1, 12, tzinfo=UTC)
_J2000_JD = 2451545.0
_DAY_S = 86400
#: Elements of satellites in low orbits are good for so long.
OLD_DAYS = 14


def teme_km(satellites: Sequence[Satrec], whole: Floats, fraction: Floats) -> tuple[Floats, NDArray[np.uint8]]:
    """Positions [instant, satellite, axis] at Julian dates in two parts, and SGP4's errors [instant, satellite]."""
    errors, positions, _ = SatrecArray(satellites).sgp4(whole, fraction)
    return positions.transpose(1, 0, 2), errors.T


class Motion:
    """The satellites of a constellation at times since a start."""

    def __init__(self, satellites: Sequence[Satrec], start: datetime) -> None:
        self._satellites = list(satellites)
        days = (start - _J2000).total_seconds() / _DAY_S
        self._whole = math.floor(days) + _J2000_JD
        self._fraction = days - math.floor(days)

    def at(self, times_ns: Sequence[int], chosen: Sequence[int] | None = None) -> Floats:
        """Earth-fixed positions in km, [instant, satellite, axis]; NaN where a satellite has decayed.

        `chosen` are the numbers of the satellites; default: all.
        """
        satellites = self._satellites if chosen is None else [self._satellites[number] for number in chosen]
        fraction = self._fraction + np.asarray(times_ns, dtype=np.float64) / (NS_PER_S * _DAY_S)
        whole = np.full(len(fraction), self._whole)
        positions, errors = teme_km(satellites, whole, fraction)
        angle = sidereal_radians(whole, fraction)[:, None]
        cos, sin = np.cos(angle), np.sin(angle)
        x, y, z = positions[..., 0], positions[..., 1], positions[..., 2]
        found = np.stack([x * cos + y * sin, y * cos - x * sin, z], axis=-1)
        found[errors != 0] = np.nan
        return found


def caveats(satellites: Sequence[Satrec], begin: datetime) -> list[str]:
    """What a user should know of the elements at that time, each as a sentence."""
    found = []
    date = (begin - _J2000).total_seconds() / _DAY_S + _J2000_JD
    ages = sorted(abs(date - each.jdsatepoch - each.jdsatepochF) for each in satellites)
    if (middle := ages[len(ages) // 2]) > OLD_DAYS:
        found.append(
            f"the scenario begins {middle:.0f} days from the epoch of most elements; SGP4 is then off by many km"
        )
    if decayed := int(np.isnan(Motion(satellites, begin).at([0])[0, :, 0]).sum()):
        found.append(
            f"{decayed} of {len(satellites)} satellites have decayed by then, as SGP4 has it; they are left out"
        )
    return found


def sidereal_radians(whole: Floats, fraction: Floats) -> Floats:
    """Greenwich mean sidereal time at Julian dates (UT1) in two parts."""
    days = whole - _J2000_JD + fraction
    centuries = days / 36525
    # The part that turns once a day is taken of the fractions alone, so that no digits are lost in it.
    turned = (whole - _J2000_JD) % 1 * _DAY_S + fraction * _DAY_S
    seconds = 67310.54841 + turned + centuries * (8640184.812866 + centuries * (0.093104 - centuries * 6.2e-6))
    return np.radians(seconds / 240 % 360)


def seen_from(station: Station, positions_km: Floats) -> tuple[Floats, Floats]:
    """Distances in km, and sines of the elevation above the horizon of the ellipsoid, as arrays without the axes."""
    towards = positions_km - np.array(station.position_km)
    distance = np.sqrt(np.einsum("...i,...i", towards, towards))
    return distance, towards @ np.array(station.up) / distance
