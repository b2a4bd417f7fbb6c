"""Ground stations: cities by name, or coordinates, and where they are on the Earth's ellipsoid."""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass
from difflib import get_close_matches

from plctl.common.base.errors import UserError
from plctl.common.base.problems import quote
from plctl.controller.orbits.cities import CITIES

#: WGS 84 (NGA.STND.0036): the equatorial radius, and the flattening.
RADIUS_KM = 6378.137
FLATTENING = 1 / 298.257223563

_NUMBER = r"\s*([+-]?[0-9]{1,3}(?:\.[0-9]{1,9})?)\s*"
_PLACE = re.compile(rf"{_NUMBER},{_NUMBER}(?:,\s*([+-]?[0-9]{{1,4}}(?:\.[0-9]{{1,3}})?)\s*m\s*)?")


@dataclass(frozen=True, slots=True)
class Station:
    """A place on Earth."""

    name: str
    latitude: float  #: geodetic, in degrees, north positive
    longitude: float  #: in degrees, east positive
    height_m: float = 0.0  #: above the ellipsoid

    @property
    def up(self) -> tuple[float, float, float]:
        """The direction of the zenith, in axes that turn with the Earth (x: the Gulf of Guinea, z: the North Pole)."""
        latitude, longitude = math.radians(self.latitude), math.radians(self.longitude)
        return (
            math.cos(latitude) * math.cos(longitude), math.cos(latitude) * math.sin(longitude), math.sin(latitude)
        )  # fmt: skip

    @property
    def position_km(self) -> tuple[float, float, float]:
        """From the centre of the Earth, in the same axes."""
        squared = FLATTENING * (2 - FLATTENING)
        normal = RADIUS_KM / math.sqrt(1 - squared * self.up[2] ** 2)
        height_km = self.height_m / 1000
        x, y, z = self.up
        return ((normal + height_km) * x, (normal + height_km) * y, (normal * (1 - squared) + height_km) * z)


def parse_station(text: str) -> Station:
    """The city of this name, or the place with these coordinates: latitude,longitude[,height m].

    :raises UserError: there is none; the message names cities that are spelled alike.
    """
    if match := _PLACE.fullmatch(text):
        latitude, longitude = float(match[1]), float(match[2])
        if abs(latitude) > 90 or abs(longitude) > 180:
            raise UserError(f"{quote(text)} is no place: latitudes are -90 to 90 degrees, longitudes -180 to 180")
        return Station(f"{latitude:g}, {longitude:g}", latitude, longitude, float(match[3] or 0))
    names = {plain(name): name for name in CITIES}
    if name := names.get(plain(text)):
        return Station(name, *CITIES[name])
    alike = ", ".join(names[key] for key in get_close_matches(plain(text), names, 3))
    hint = f"did you mean {alike}?" if alike else "give coordinates, e.g. 14.6042,120.9822 or 47.37,8.54,408m"
    raise UserError(f"{quote(text)} is no city that plctl knows; {hint}")


def plain(name: str) -> str:
    """A name as it is compared: without case, accents, blanks and hyphens."""
    letters = unicodedata.normalize("NFKD", name).casefold()
    return "".join(letter for letter in letters if letter.isalnum())
