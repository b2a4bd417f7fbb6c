"""Satellites are where Kepler and the turning Earth have them, and stations see them at the right angle."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from plctl.common.base.units import NS_PER_S
from plctl.controller.orbits.constellation import RADIUS_KM, constellation_of, mean_motion
from plctl.controller.orbits.motion import Motion, caveats, seen_from, sidereal_radians
from plctl.controller.orbits.shells import SHELLS
from plctl.controller.orbits.stations import Station

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
KUIPER = constellation_of([SHELLS["kuiper-630"]], EPOCH)


def test_sidereal_time_is_that_of_the_almanac() -> None:
    """At J2000.0, and Vallado's example 3-5: 1992-08-20, 12:14 UT1."""
    whole, fraction = np.array([2451545.0, 2448854.0]), np.array([0.0, 1.5 - 0.5 + 14 / 1440 + 0.0])
    found = np.degrees(sidereal_radians(whole, fraction))
    assert [280.46061837, 152.578787810] == pytest.approx(found.tolist(), abs=1e-6)


def test_mean_motion_is_keplers() -> None:
    """A geostationary satellite turns once in a sidereal day, one at 630 km some 14.80 times a day."""
    assert pytest.approx(86164.1, abs=1) == 2 * math.pi / mean_motion(35786.0) * 60
    assert pytest.approx(14.80, abs=0.005) == mean_motion(630) * 1440 / (2 * math.pi)


def test_a_shell_has_its_altitude_inclination_and_spacing() -> None:
    """SGP4 adds what the flattened Earth does: some kilometres."""
    positions = Motion(KUIPER.satellites, EPOCH).at([0, 3600 * NS_PER_S])
    altitude = np.linalg.norm(positions, axis=-1) - RADIUS_KM
    assert 615 < altitude.min() < altitude.max() < 645
    latitude = np.degrees(np.arcsin(positions[..., 2] / np.linalg.norm(positions, axis=-1)))
    assert pytest.approx(51.9, abs=0.2) == latitude.max()
    one, other = positions[0, 0], positions[0, 1]
    apart = math.degrees(math.acos(one @ other / np.linalg.norm(one) / np.linalg.norm(other)))
    assert pytest.approx(360 / 34, abs=0.02) == apart


def test_the_earth_turns_below() -> None:
    """After one revolution a satellite is where it was, and the ground below it a fifteenth of a turn to the east."""
    period_ns = round(2 * math.pi / mean_motion(630) * 60 * NS_PER_S)
    (before, after) = Motion(KUIPER.satellites, EPOCH).at([0, period_ns], [0])[:, 0]
    turned = math.degrees(math.atan2(before[1], before[0]) - math.atan2(after[1], after[0])) % 360
    assert pytest.approx(period_ns / NS_PER_S / 86164.1 * 360, abs=0.6) == turned


def test_chosen_satellites_are_the_same_as_among_all() -> None:
    """In the order in which they are chosen."""
    motion = Motion(KUIPER.satellites, EPOCH)
    assert np.array_equal(motion.at([NS_PER_S])[:, [7, 3]], motion.at([NS_PER_S], [7, 3]))


def test_a_station_sees_what_is_above_it_in_the_zenith() -> None:
    """And what is straight ahead on the horizon, at 0."""
    station = Station("here", 0, 0)
    distance, sine = seen_from(station, np.array([[6378.137 + 550, 0, 0], [6378.137, 1000, 0], [6378.137 - 10, 0, 0]]))
    assert [550, 1000, 10] == pytest.approx(distance.tolist())
    assert [1, 0, -1] == pytest.approx(sine.tolist())


def test_elements_have_caveats() -> None:
    """None at their epoch; later that they are old, and which satellites have decayed is left out."""
    assert [] == caveats(KUIPER.satellites, EPOCH + timedelta(days=13))
    (old,) = caveats(KUIPER.satellites, EPOCH + timedelta(days=30))
    assert "the scenario begins 30 days from the epoch of most elements; SGP4 is then off by many km" == old
