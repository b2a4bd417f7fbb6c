"""Places are read as people write them, and lie on the ellipsoid of WGS 84."""

from __future__ import annotations

import math
import re

import pytest

from plctl.common.base.errors import UserError
from plctl.controller.orbits.cities import CITIES
from plctl.controller.orbits.stations import Station, parse_station


def test_places_are_read() -> None:
    """Cities without regard to case, accents and hyphens; coordinates with and without a height."""
    assert Station("Sao Paulo", *CITIES["Sao Paulo"]) == parse_station("são-paulo")
    assert Station("47.3769, 8.5417", 47.3769, 8.5417, 408) == parse_station("47.3769, 8.5417, 408m")
    assert Station("-33.9, 18.4", -33.9, 18.4) == parse_station("-33.9,+18.4")


def test_cities_are_on_earth_and_have_names_of_their_own() -> None:
    """A hundred of them and more."""
    assert len(CITIES) > 100
    assert all(abs(latitude) <= 90 and abs(longitude) <= 180 for latitude, longitude in CITIES.values())
    assert {parse_station(name).name for name in CITIES} == set(CITIES)


def test_stations_lie_on_the_ellipsoid() -> None:
    """The semi-axes of WGS 84, and a height along the zenith."""
    assert [6378.137, 0, 0] == pytest.approx(Station("", 0, 0).position_km, abs=1e-9)
    assert [0, 0, 6356.752314245] == pytest.approx(Station("", 90, 0).position_km, abs=1e-6)
    low, high = (Station("", 47, 8, height).position_km for height in (0, 1000))
    assert pytest.approx(1) == math.dist(low, high)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("Zurig", "'Zurig' is no city that plctl knows; did you mean Zurich"),
        ("Xyzzyx", "give coordinates, e.g. 14.6042,120.9822 or 47.37,8.54,408m"),
        ("91,0", "'91,0' is no place: latitudes are -90 to 90 degrees, longitudes -180 to 180"),
        ("0,181", "longitudes -180 to 180"),
        ("", "'' is no city"),
    ],
)
def test_what_is_no_place_is_said(text: str, sentence: str) -> None:
    """With what may have been meant."""
    with pytest.raises(UserError, match=re.escape(sentence)):
        parse_station(text)
