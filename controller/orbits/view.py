"""The part of the world that a map shows, and where on the drawing its places are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from plctl.controller.orbits.tracks import MapFacts, Place

WIDTH, HEIGHT = 1080, 540
#: Around what is shown there is a third more.
_MARGIN = 1.35
_LEAST_DEGREES = 30.0

#: On the drawing: to the right and down.
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class View:
    """An equirectangular map: a degree is as long everywhere, so that places are read off it easily."""

    middle: float  #: longitude in the middle
    north: float  #: latitude of the upper edge
    degrees: float  #: how wide it is; half of that is its height

    @property
    def scale(self) -> float:
        """How long a degree is on the drawing."""
        return WIDTH / self.degrees

    @property
    def west(self) -> float:
        """Longitude of the left edge; it may lie beyond −180."""
        return self.middle - self.degrees / 2

    def near(self, longitude: float) -> float:
        """The longitude, a turn more or less, that is at most half a turn from the middle."""
        return (longitude - self.middle + 180) % 360 + self.middle - 180

    def point(self, place: Place) -> Point:
        """Where a place is drawn; the longitude is taken as it is, also beyond 180."""
        return (place[0] - self.west) * self.scale, (self.north - place[1]) * self.scale

    def points(self, way: Iterable[Place]) -> str:
        """As the coordinates of a line."""
        return " ".join(f"{x:.1f},{y:.1f}" for x, y in map(self.point, way))

    def shows(self, place: Place) -> bool:
        """Whether a place is on the drawing."""
        x, y = self.point(place)
        return 0 <= x <= WIDTH and 0 <= y <= HEIGHT

    def pieces(self, way: Iterable[Place]) -> Iterator[list[Place]]:
        """A line along the shorter ways between places, in pieces that end where a map of the whole world does."""
        whole = [(self.near(longitude), latitude) for longitude, latitude in way]
        piece = whole[:1]
        for (lon, lat), (next_lon, next_lat) in pairwise(whole):
            if abs(next_lon - lon) > 180:
                turn = 360 if lon > next_lon else -360
                edge = self.middle + turn / 2
                crossed = lat + (next_lat - lat) * (edge - lon) / (next_lon + turn - lon)
                yield [*piece, (edge, crossed)]
                piece = [(edge - turn, crossed)]
            piece.append((next_lon, next_lat))
        yield piece


def view_of(facts: MapFacts) -> View:
    """The part of the world in which the stations and all routes are."""
    start, goal = ((station.longitude, station.latitude) for station in facts.stations)
    longitudes: list[float] = []
    latitudes = [start[1], goal[1]]
    for route in facts.routes:
        longitudes += _unwound([start, *route.places, goal])
        latitudes += [latitude for _, latitude in route.places]
    wide, high = (max(each) - min(each) for each in (longitudes, latitudes))
    degrees = min(360.0, max(wide * _MARGIN, 2 * high * _MARGIN, _LEAST_DEGREES))
    middle = (max(latitudes) + min(latitudes)) / 2
    north = min(90.0, max(middle + degrees / 4, -90 + degrees / 2))
    return View((max(longitudes) + min(longitudes)) / 2, north, degrees)


def _unwound(way: Sequence[Place]) -> list[float]:
    """Longitudes along a way, in which no two neighbours are more than half a turn apart."""
    found = [way[0][0]]
    for longitude, _ in way[1:]:
        found.append(found[-1] + (longitude - found[-1] + 180) % 360 - 180)
    return found
