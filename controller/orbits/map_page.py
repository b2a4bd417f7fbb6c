"""The map as a page on which one moves through time: complete in itself, without anything from elsewhere."""

from __future__ import annotations

import json
from importlib.resources import files
from xml.etree.ElementTree import Element, SubElement, tostring

from plctl.common.base.units import NS_PER_MS, NS_PER_S
from plctl.controller.orbits.map_svg import COLOURS, svg
from plctl.controller.orbits.tracks import MapFacts, MapFrame, RouteFacts
from plctl.controller.orbits.view import Point, View

_STYLE = """
body { margin: 0 auto; max-width: 68rem; padding: 1rem; background: #fff; color: #1a2026;
font: 15px/1.5 system-ui, "Segoe UI", Helvetica, Arial, sans-serif; }
svg { width: 100%; height: auto; } input[type=range] { width: 100%; } table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .2rem .6rem; border-bottom: 1px solid #dfe4e9; vertical-align: top; }
td.number { font-variant-numeric: tabular-nums; white-space: nowrap; } .chosen .way { opacity: .12; }
.chosen .way.shown { opacity: 1; } tr:hover { background: #f1f5f8; }
"""
_HEADER = ("route", "first at", "held for", "delay", "satellites")


def page_text(facts: MapFacts, view: View) -> str:
    """The whole page."""
    root = Element("html", lang="en")
    head = SubElement(root, "head")
    SubElement(head, "meta", charset="utf-8")
    SubElement(head, "meta", name="viewport", content="width=device-width, initial-scale=1")
    SubElement(head, "title").text = facts.title
    SubElement(head, "style").text = _STYLE
    body = SubElement(root, "body")
    body.append(svg(facts, view))
    label = SubElement(body, "label")
    SubElement(label, "span", id="said").text = "Move through time:"
    SubElement(label, "input", type="range", id="time", min="0", max=str(len(facts.frames) - 1), value="0")
    body.append(_table(facts))
    SubElement(body, "script", id="frames", type="application/json").text = _data(facts, view)
    SubElement(body, "script").text = files("plctl.controller.orbits").joinpath("map.js").read_text(encoding="utf-8")
    return f"<!doctype html>\n{tostring(root, encoding='unicode', method='html')}\n"


def _table(facts: MapFacts) -> Element:
    table = Element("table")
    head = SubElement(SubElement(table, "thead"), "tr")
    for name in _HEADER:
        SubElement(head, "th").text = name
    body = SubElement(table, "tbody")
    for route in facts.routes:
        row = SubElement(body, "tr", {"data-route": str(route.number)})
        for index, cell in enumerate(_cells(route)):
            SubElement(row, "td", {"class": "number"} if index < len(_HEADER) - 1 else {}).text = cell
    return table


def _cells(route: RouteFacts) -> tuple[str, ...]:
    least, most = (f"{delay / NS_PER_MS:.3f}" for delay in route.delays_ns)
    first, held = (f"{time / NS_PER_S:.1f} s" for time in (route.begin_ns, route.held_ns))
    return str(route.number), first, held, f"{least}–{most} ms", " ".join(route.names)


def _data(facts: MapFacts, view: View) -> str:
    """What the script reads; no text in it can end the element that it stands in."""
    document = {
        "begin": facts.begin.timestamp(),
        "colours": COLOURS,
        "turn": 360 * view.scale,
        "frames": [[frame.time_ns / NS_PER_S, frame.route, frame.delay_ns / NS_PER_MS, _way(frame, facts, view)]
                   for frame in facts.frames],
    }  # fmt: skip
    return json.dumps(document, separators=(",", ":")).replace("<", "\\u003c")


def _way(frame: MapFrame, facts: MapFacts, view: View) -> list[Point]:
    """Points on the map, from start to goal; none without a path."""
    if frame.route < 0:
        return []
    start, goal = ((station.longitude, station.latitude) for station in facts.stations)
    points = (view.point((view.near(longitude), latitude)) for longitude, latitude in (start, *frame.places, goal))
    return [(round(x, 1), round(y, 1)) for x, y in points]
