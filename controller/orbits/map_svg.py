"""Draws a path over satellites on a map, as an SVG that needs nothing else.

Links between satellites are drawn as straight lines on the map, along the shorter way around the Earth.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from xml.etree.ElementTree import Element, SubElement, tostring

from plctl.common.base.units import NS_PER_MS, format_duration
from plctl.controller.orbits.tracks import MapFacts, Place, RouteFacts
from plctl.controller.orbits.view import HEIGHT, WIDTH, View

_TOP = 58
_LEGEND_LINE = 19
#: Routes that are drawn and named below the map: those that held longest.
MOST_NAMED = 10
#: Colours that people with any kind of colour vision tell apart (Okabe and Ito, 2008), on a light ground.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#8c6d00", "#56b4e9", "#7a4fbf", "#444444")
_STYLE = """
text { font: 13px system-ui, "Segoe UI", Helvetica, Arial, sans-serif; fill: #1a2026; }
.title { font-size: 19px; font-weight: 600; } .note { fill: #5a6570; } .sea { fill: #eef4f8; } .land { fill: #d9dfd3; }
.line { stroke: #c9d5dd; stroke-width: .5; } .dot { fill: #8b98a3; } .track { fill: none; stroke: #7d93a5;
stroke-width: .8; stroke-dasharray: 2 3; } .route { fill: none; stroke-width: 2.2; stroke-linejoin: round; }
.station { fill: #c8322b; stroke: #fff; stroke-width: 1.5; } .name { font-weight: 600; paint-order: stroke;
stroke: #fff; stroke-width: 3px; stroke-linejoin: round; }
"""


def svg_text(facts: MapFacts, view: View) -> str:
    """The whole document."""
    return tostring(svg(facts, view), encoding="unicode") + "\n"


def svg(facts: MapFacts, view: View) -> Element:
    """The map with a title above and its routes below."""
    named = sorted(facts.routes, key=lambda route: (-route.held_ns, route.number))[:MOST_NAMED]
    height = _TOP + HEIGHT + 16 + _LEGEND_LINE * (1 + len(named))
    root = Element("svg", xmlns="http://www.w3.org/2000/svg", viewBox=f"0 0 {WIDTH} {height}", role="img")
    SubElement(root, "title").text = facts.title
    SubElement(root, "style").text = _STYLE
    _element(root, "rect", width=WIDTH, height=height, fill="#fff")
    _text(root, 12, 26, facts.title, "title")
    _text(root, 12, 46, _subtitle(facts), "note")
    world = _element(root, "svg", y=_TOP, width=WIDTH, height=HEIGHT)  # which cuts off what is not in the view
    _world(world, view)
    for track in facts.tracks:
        _lines(world, view, track, "track")
    for place in ((view.near(longitude), latitude) for longitude, latitude in facts.satellites):
        if view.shows(place):
            _circle(world, view, place, 1.3, class_="dot")
    for route in reversed(named):
        _route(world, view, facts, route)
    _element(world, "g", id="now")
    _stations(world, view, facts)
    _legend(root, facts, named)
    return root


def colour(route: int) -> str:
    """Of a RouteID."""
    return COLOURS[route % len(COLOURS)]


@cache
def _land() -> tuple[tuple[Place, ...], ...]:
    text = files("plctl.controller.orbits").joinpath("land.txt").read_text(encoding="utf-8")
    found = []
    for line in text.splitlines():
        if not line.startswith("#"):
            numbers = [float(word) for word in line.split()]
            found.append(tuple(zip(numbers[::2], numbers[1::2], strict=True)))
    return tuple(found)


def _world(parent: Element, view: View) -> None:
    _element(parent, "rect", class_="sea", width=WIDTH, height=HEIGHT)
    outlines = []
    for polygon in _land():
        west, east = (limit(longitude for longitude, _ in polygon) for limit in (min, max))
        for turn in (-720, -360, 0, 360, 720):
            if west + turn < view.west + view.degrees and east + turn > view.west:
                outlines.append(f"M{view.points((longitude + turn, latitude) for longitude, latitude in polygon)}Z")
    _element(parent, "path", class_="land", d=" ".join(outlines))
    step = next(step for step in (30, 10, 5) if step <= view.degrees / 6 or step == 5)
    first = int(view.west // step) * step
    for longitude in range(first, first + int(view.degrees) + 2 * step, step):
        x = f"{view.point((longitude, 0))[0]:.1f}"
        _element(parent, "line", class_="line", x1=x, x2=x, y1=0, y2=HEIGHT)
    for latitude in range(-90 + step, 90, step):
        y = f"{view.point((0, latitude))[1]:.1f}"
        _element(parent, "line", class_="line", x1=0, x2=WIDTH, y1=y, y2=y)


def _route(parent: Element, view: View, facts: MapFacts, route: RouteFacts) -> None:
    start, goal = ((station.longitude, station.latitude) for station in facts.stations)
    group = SubElement(parent, "g", {"class": "way", "data-route": str(route.number)})
    SubElement(group, "title").text = f"route {route.number}: {' '.join(route.names)}"
    _lines(group, view, (start, *route.places, goal), "route", colour(route.number))
    for longitude, latitude in route.places:
        _circle(group, view, (view.near(longitude), latitude), 3.4, fill=colour(route.number))


def _lines(parent: Element, view: View, way: Sequence[Place], class_: str, stroke: str | None = None) -> None:
    for piece in view.pieces(way):
        _element(parent, "path", class_=class_, d=f"M{view.points(piece)}", stroke=stroke)


def _stations(parent: Element, view: View, facts: MapFacts) -> None:
    """The northern one has its name above, the other below, so that neighbours do not cover each other's."""
    northern = max(facts.stations, key=lambda station: station.latitude)
    for station in facts.stations:
        place = view.near(station.longitude), station.latitude
        x, y = view.point(place)
        _circle(parent, view, place, 5.5, class_="station")
        left = x > WIDTH - 160
        label = _text(parent, x - 9 if left else x + 9, y - 8 if station is northern else y + 18, station.name, "name")
        label.set("text-anchor", "end" if left else "start")


def _legend(root: Element, facts: MapFacts, named: Sequence[RouteFacts]) -> None:
    y = _TOP + HEIGHT + 24
    for route in named:
        _element(root, "line", class_="route", x1=12, x2=40, y1=y - 4, y2=y - 4, stroke=colour(route.number))
        least, most = (f"{delay / NS_PER_MS:.2f}" for delay in route.delays_ns)
        share, count = f"{route.held_ns / facts.end_ns:.1%}", len(route.names)
        words = f"route {route.number}: {share} of the time, {least}–{most} ms, {count} satellite{'s'[: count > 1]}"
        _text(root, 48, y, words)
        y += _LEGEND_LINE
    without = (
        f"no path for {facts.outage_ns / facts.end_ns:.1%} of the time" if facts.outage_ns else "never without a path"
    )
    more = len(facts.routes) - len(named)
    _text(root, 12, y, f"{without}; {more} more routes are not drawn" if more else without, "note")


def _subtitle(facts: MapFacts) -> str:
    when = f"{facts.begin:%Y-%m-%d %H:%M:%S} UTC, {format_duration(facts.end_ns)}"
    return f"{when}; {facts.count} satellites at the begin, tracks of those in use, each route where it began"


def _circle(parent: Element, view: View, place: Place, radius: float, **attributes: str) -> None:
    x, y = view.point(place)
    _element(parent, "circle", cx=f"{x:.1f}", cy=f"{y:.1f}", r=radius, **attributes)


def _text(parent: Element, x: float, y: float, words: str, class_: str | None = None) -> Element:
    found = _element(parent, "text", x=f"{x:.1f}", y=f"{y:.1f}", class_=class_)
    found.text = words
    return found


def _element(parent: Element, tag: str, **attributes: str | float | None) -> Element:
    """A child with those attributes that are not None; `class_` is class."""
    named = {name.rstrip("_"): str(value) for name, value in attributes.items() if value is not None}
    return SubElement(parent, tag, named)
