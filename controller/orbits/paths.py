"""The path between two ground stations over time: which satellites it goes over, how long it is, how low it is seen."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from plctl.controller.orbits.constellation import Constellation
from plctl.controller.orbits.motion import Floats, Motion, seen_from
from plctl.controller.orbits.routing import Mesh, Path, Sky, bent_pipe, path_lengths_km
from plctl.controller.orbits.slots import SlotGrid
from plctl.controller.orbits.stations import Station

#: Exact, by the definition of the metre.
LIGHT_KM_S = 299_792.458
#: So often it is looked why there is no path.
_LOOKS = 50
#: So many positions are held at once: 24 bytes each.
_AT_ONCE = 400_000


@dataclass(frozen=True, slots=True)
class Visibility:
    """Which satellites a ground station uses: those that are high and near enough."""

    min_elevation: float | None = None  #: degrees; None: as each satellite's shell says
    max_range_km: float = math.inf

    def usable_km(self, station: Station, positions_km: Floats, shell_elevations: Sequence[float]) -> Floats:
        """Distances to those that are used, infinite for others; shaped as the positions without their axes."""
        distance, sine = seen_from(station, positions_km)
        elevations = shell_elevations if self.min_elevation is None else [self.min_elevation] * len(shell_elevations)
        least = np.sin(np.radians(np.array(elevations)))
        with np.errstate(invalid="ignore"):  # a satellite that has decayed is nowhere
            used = (sine >= least) & (distance <= self.max_range_km)
        found: Floats = np.where(used, distance, np.inf)
        return found


@dataclass(frozen=True, slots=True)
class Moment:
    """What holds from an instant on."""

    time_ns: int
    path: Path | None  #: None: the stations do not reach each other
    delay_ns: int = 0
    elevation: float = 0.0  #: degrees, of the lower of both ground links


@dataclass(frozen=True, slots=True)
class PathFinder:
    """Two stations and what is between them."""

    constellation: Constellation
    start: Station
    goal: Station
    visibility: Visibility
    over_grid: bool
    hop_delay_ns: int  #: what each satellite adds

    def along(self, begin: datetime, times_ns: Sequence[int], grid: SlotGrid | None = None) -> Iterator[Moment]:
        """What holds at each of these times since `begin`, and at the begin of each slot of `grid` if there is one."""
        motion = Motion(self.constellation.satellites, begin)
        if grid:
            yield from self._in_slots(motion, begin, times_ns, grid)
            return
        choose = self._chooser()
        chunk = max(1, _AT_ONCE // len(self.constellation.satellites))
        for first in range(0, len(times_ns), chunk):
            times = times_ns[first : first + chunk]
            positions = motion.at(times)
            start, goal = (self._usable(station, positions) for station in (self.start, self.goal))
            for index, at_ns in enumerate(times):
                path = choose(self._sky(positions[index], start[index], goal[index]))
                if path is None:
                    yield Moment(at_ns, None)
                else:
                    yield from self._moments((at_ns,), path, positions[index : index + 1, path])

    def why_never(self, begin: datetime, times_ns: Sequence[int]) -> str:
        """Why there was no path at any of these times: who uses a satellite for how much of them."""
        part = list(times_ns[:: -(-len(times_ns) // _LOOKS)])
        positions = Motion(self.constellation.satellites, begin).at(part)
        shares = [
            f"{station.name} has a satellite for {np.isfinite(self._usable(station, positions)).any(axis=1).mean():.0%}"
            for station in (self.start, self.goal)
        ]
        advice = "allow lower elevations" if self.over_grid else "allow lower elevations, or links between satellites"
        return f"there is no path at any time: {' of it, '.join(shares)}; {advice}"

    def _in_slots(self, motion: Motion, begin: datetime, times_ns: Sequence[int], grid: SlotGrid) -> Iterator[Moment]:
        """Each slot has the path that is best at its begin, of ground links that hold until its end."""
        choose = self._chooser()
        rest = iter(times_ns)
        ahead = next(rest, None)
        for begin_ns, end_ns in grid.slots(begin, times_ns[-1] + 1):
            positions = motion.at((begin_ns, end_ns))
            start, goal = (self._usable(station, positions).max(axis=0) for station in (self.start, self.goal))
            times = [begin_ns]
            while ahead is not None and ahead < end_ns:
                times += [ahead] if ahead > begin_ns else []
                ahead = next(rest, None)
            path = choose(self._sky(positions[0], start, goal))
            if path is None:
                yield Moment(begin_ns, None)
            else:
                yield from self._moments(times, path, motion.at(times, path))

    def _chooser(self) -> Callable[[Sky], Path | None]:
        if not self.over_grid:
            return bent_pipe
        mesh = Mesh(self.constellation.links(), len(self.constellation.satellites))
        hop_km = self.hop_delay_ns * LIGHT_KM_S / 1e9
        return lambda sky: mesh.shortest(sky, hop_km)

    def _usable(self, station: Station, positions_km: Floats) -> Floats:
        return self.visibility.usable_km(station, positions_km, self.constellation.min_elevations)

    def _sky(self, positions_km: Floats, start_km: Floats, goal_km: Floats) -> Sky:
        return Sky(positions_km, np.array(self.goal.position_km), start_km, goal_km)

    def _moments(self, times_ns: Sequence[int], path: Path, positions_km: Floats) -> Iterator[Moment]:
        """Of a path whose satellites are at `positions_km` [instant, satellite of the path, axis]."""
        ends = np.array(self.start.position_km), np.array(self.goal.position_km)
        lengths = path_lengths_km(positions_km, *ends).tolist()
        sines = np.minimum(seen_from(self.start, positions_km[:, 0])[1], seen_from(self.goal, positions_km[:, -1])[1])
        elevations = np.degrees(np.arcsin(sines)).tolist()
        for at_ns, length_km, elevation in zip(times_ns, lengths, elevations, strict=True):
            delay_ns = round(length_km / LIGHT_KM_S * 1e9) + len(path) * self.hop_delay_ns
            yield Moment(at_ns, path, delay_ns, elevation)
