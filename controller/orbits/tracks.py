"""What a map of a path shows, in degrees: satellites, their tracks over the ground, and each route where it began."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

import numpy as np

from plctl.controller.orbits.constellation import Constellation
from plctl.controller.orbits.leo import OrbitalPath
from plctl.controller.orbits.motion import Floats, Motion
from plctl.controller.orbits.paths import Moment
from plctl.controller.orbits.stations import Station

#: Longitude and latitude; the latter from the centre of the Earth, at most 0.2° from that of a map.
Place = tuple[float, float]

_MOST_TRACKS = 60
_TRACK_POINTS = 120
_MOST_FRAMES = 300
_MOST_DOTS = 4000


@dataclass(frozen=True, slots=True)
class RouteFacts:
    """One route: when it held, how long it was, and where its satellites were when it began."""

    number: int  #: its RouteID
    names: tuple[str, ...]
    begin_ns: int
    held_ns: int
    delays_ns: tuple[int, int]  #: least and greatest
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class MapFrame:
    """What holds at an instant."""

    time_ns: int
    route: int  #: −1: none
    delay_ns: int
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class MapFacts:
    """All that is drawn."""

    title: str
    begin: datetime
    end_ns: int
    stations: tuple[Station, Station]
    count: int  #: of satellites
    satellites: tuple[Place, ...]  #: all of them, or a part of many, at the begin
    tracks: tuple[tuple[Place, ...], ...]  #: of those that some route goes over
    routes: tuple[RouteFacts, ...]
    frames: tuple[MapFrame, ...]
    outage_ns: int


def map_facts(
    found: OrbitalPath, constellation: Constellation, stations: tuple[Station, Station], begin: datetime
) -> MapFacts:
    """The facts of the path between these stations."""
    motion, end_ns = Motion(constellation.satellites, begin), found.scenario.end_ns
    ends = [*(moment.time_ns for moment in found.moments[1:]), end_ns]
    held = [end - moment.time_ns for moment, end in zip(found.moments, ends, strict=True)]
    everywhere = places(motion.at([0])[0])
    part = range(0, len(everywhere), -(-len(everywhere) // _MOST_DOTS))
    used = sorted({number for path in found.routes for number in path})[:_MOST_TRACKS]
    over = motion.at([end_ns * index // (_TRACK_POINTS - 1) for index in range(_TRACK_POINTS)], used)
    return MapFacts(
        title=f"{stations[0].name} → {stations[1].name}",
        begin=begin,
        end_ns=end_ns,
        stations=stations,
        count=len(everywhere),
        satellites=tuple(everywhere[index] for index in part),
        tracks=tuple(tuple(places(over[:, index])) for index in range(len(used))),
        routes=tuple(_routes(found, held, constellation, motion)),
        frames=tuple(_frames(found, motion)),
        outage_ns=sum(length for moment, length in zip(found.moments, held, strict=True) if moment.path is None),
    )


def places(positions_km: Floats) -> list[Place]:
    """Where on the ground positions [number, axis] are; those of satellites that have decayed are left out."""
    x, y, z = positions_km[~np.isnan(positions_km[:, 0])].T
    longitude, latitude = np.degrees(np.arctan2(y, x)), np.degrees(np.arctan2(z, np.hypot(x, y)))
    return [(round(lon, 2), round(lat, 2)) for lon, lat in zip(longitude.tolist(), latitude.tolist(), strict=True)]


def _routes(
    found: OrbitalPath, held_ns: Sequence[int], constellation: Constellation, motion: Motion
) -> list[RouteFacts]:
    of_route: dict[int, list[tuple[Moment, int]]] = {number: [] for number in range(len(found.routes))}
    numbers = {path: number for number, path in enumerate(found.routes)}
    for moment, length in zip(found.moments, held_ns, strict=True):
        if moment.path is not None:
            of_route[numbers[moment.path]].append((moment, length))
    facts = []
    for number, path in enumerate(found.routes):
        moments = of_route[number]
        delays = [moment.delay_ns for moment, _ in moments]
        facts.append(
            RouteFacts(
                number=number,
                names=tuple(constellation.names[each] for each in path),
                begin_ns=moments[0][0].time_ns,
                held_ns=sum(length for _, length in moments),
                delays_ns=(min(delays), max(delays)),
                places=tuple(places(motion.at([moments[0][0].time_ns], path)[0])),
            )
        )
    return facts


def _frames(found: OrbitalPath, motion: Motion) -> list[MapFrame]:
    """Instants evenly spread, and each change of the route."""
    step = -(-len(found.moments) // _MOST_FRAMES)
    numbers = {path: number for number, path in enumerate(found.routes)}
    chosen = list(range(0, len(found.moments), step))
    if step > 1:
        changes = (
            index + 1 for index, (before, after) in enumerate(pairwise(found.moments)) if before.path != after.path
        )
        chosen = sorted({*chosen, *list(changes)[:_MOST_FRAMES]})
    frames = []
    for moment in (found.moments[index] for index in chosen):
        if moment.path is None:
            frames.append(MapFrame(moment.time_ns, -1, 0, ()))
        else:
            where = tuple(places(motion.at([moment.time_ns], moment.path)[0]))
            frames.append(MapFrame(moment.time_ns, numbers[moment.path], moment.delay_ns, where))
    return frames
