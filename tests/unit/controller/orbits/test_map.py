"""A map shows the stations, the satellites and every route at its place, whatever meridian they lie about."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from itertools import pairwise
from xml.etree.ElementTree import Element, fromstring

import pytest

from plctl.common.base.units import NS_PER_S
from plctl.controller.orbits.constellation import constellation_of
from plctl.controller.orbits.leo import orbital_path
from plctl.controller.orbits.link_budget import constant_rate
from plctl.controller.orbits.map_page import page_text
from plctl.controller.orbits.map_svg import MOST_NAMED, svg_text
from plctl.controller.orbits.paths import PathFinder, Visibility
from plctl.controller.orbits.shells import SHELLS
from plctl.controller.orbits.stations import Station, parse_station
from plctl.controller.orbits.tracks import MapFacts, map_facts
from plctl.controller.orbits.view import HEIGHT, WIDTH, View, view_of

BEGIN = datetime(2000, 1, 1, tzinfo=UTC)
KUIPER = constellation_of([SHELLS["kuiper-630"]], BEGIN)
NAME = "</script><b>&"


def facts(start: Station, goal: Station, seconds: int = 120) -> MapFacts:
    """Of the path over Kuiper's grid."""
    finder = PathFinder(KUIPER, start, goal, Visibility(25), over_grid=True, hop_delay_ns=0)
    moments = list(finder.along(BEGIN, [second * NS_PER_S for second in range(seconds)]))
    return map_facts(orbital_path(moments, constant_rate(1), seconds * NS_PER_S), KUIPER, (start, goal), BEGIN)


PACIFIC = facts(parse_station("Auckland"), parse_station("Honolulu"))
ASIA = facts(parse_station("Manila"), Station(NAME, 38.9, 121.6))


def found(text: str, class_: str) -> list[Element]:
    """The elements of an SVG of this class."""
    return [each for each in fromstring(text).iter() if each.get("class") == class_]


@pytest.mark.parametrize("shown", [PACIFIC, ASIA])
def test_stations_and_routes_are_within_the_picture(shown: MapFacts) -> None:
    """Also across the date line; each route begins at one station and ends at the other."""
    view = view_of(shown)
    ends = [view.point((view.near(each.longitude), each.latitude)) for each in shown.stations]
    text = svg_text(shown, view)
    marks = [(float(mark.get("cx", "")), float(mark.get("cy", ""))) for mark in found(text, "station")]
    assert marks == [pytest.approx(end, abs=0.06) for end in ends]
    ways = found(text, "way")
    assert min(MOST_NAMED, len(shown.routes)) == len(ways)
    for way in ways:
        (line,) = [each for each in way if each.get("class") == "route"]  # one piece: it leaves the map nowhere
        points = [tuple(map(float, pair.split(","))) for pair in line.get("d", "")[1:].split()]
        assert pytest.approx(ends[0], abs=0.06) == points[0]
        assert pytest.approx(ends[1], abs=0.06) == points[-1]
        assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in points)


def test_facts_add_up_to_the_whole_time() -> None:
    """Each moment is some route's, or nobody's; delays are those of the routes."""
    assert PACIFIC.end_ns == sum(route.held_ns for route in PACIFIC.routes) + PACIFIC.outage_ns
    assert all(least <= most for least, most in (route.delays_ns for route in PACIFIC.routes))
    assert 1156 == PACIFIC.count == len(PACIFIC.satellites)
    used = {name for route in PACIFIC.routes for name in route.names}
    assert len(used) == len(PACIFIC.tracks)


def test_a_page_needs_nothing_else_and_no_name_becomes_markup() -> None:
    """No address but the names of XML, and the data for the script can be read."""
    text = page_text(ASIA, view_of(ASIA))
    assert [] == re.findall(r"(?:src|href)=|url\(|@import", text)
    assert {"http://www.w3.org/2000/svg"} == set(re.findall(r"https?://[^\"' ]+", text))
    assert NAME not in text
    assert "&lt;/script&gt;&lt;b&gt;&amp;" in text
    (data,) = re.findall(r'type="application/json">(.*?)</script>', text, re.DOTALL)
    frames = json.loads(data)["frames"]
    assert len(ASIA.frames) == len(frames)
    assert all(before[0] < after[0] for before, after in pairwise(frames))


def test_the_whole_world_is_cut_where_the_map_ends() -> None:
    """A line over the date line becomes two, which meet the edges at one latitude."""
    view = View(0, 90, 360)
    one, other = view.pieces([(170, 10), (-170, 20)])
    assert [(170, 10), (180, 15)] == one
    assert [(-180, 15), (-170, 20)] == other
    assert [[(10, 0), (-10, 0)]] == list(view.pieces([(10, 0), (-10, 0)]))


def test_a_view_turns_to_where_things_are() -> None:
    """Longitudes count from its middle, and it stays on the Earth."""
    view = view_of(PACIFIC)
    assert 170 < view.middle % 360 < 200
    assert pytest.approx(190) == view.near(-170) % 360
    polar = view_of(facts(Station("a", 55, 0), Station("b", 55, 170)))
    assert polar.north <= 90
    assert polar.north - polar.degrees / 2 >= -90 - 1e-9
