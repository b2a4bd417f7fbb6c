"""Scenarios of a phone that drives past base stations: rates from the signal, handovers with an interruption.

What is heard and what rate that carries, `radio` says with its sources. The stations stand in a row beside a straight
road, one each `spacing_m`; all of them send on one carrier with the load of the network, which is interference. The
phone hands over when another station is 3 dB stronger for 256 ms (event A3 with hysteresis and time to trigger, 3GPP TS
36.331, 5.5.4.4); the interruption is 49.5 ms (3GPP TR 36.881, latency of a handover in LTE), and a RouteID begins.

The phone gets of the carrier what the load leaves. The delay is that of an idle path and does not change: what a cell
adds to it is queueing, which the link does. Not modelled: fast fading, retransmissions, other phones that come and go.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from plctl.common.base.units import NS_PER_MS, NS_PER_S
from plctl.common.scenario.schedule import Row, Scenario
from plctl.controller.makers.draws import Draws
from plctl.controller.makers.made import Course, made_of_both
from plctl.controller.makers.radio import (
    ANTENNA_DB,
    DOWN,
    PHONE_DBM,
    STATION_DBM,
    UP,
    Shadowing,
    decibels,
    path_loss_db,
)

HYSTERESIS_DB = 3.0
TRIGGER_NS = 256 * NS_PER_MS
INTERRUPTION_NS = 49_500_000
#: How far the stations are beside the road.
ASIDE_M = 50.0
#: So many stations before and behind the phone count; those farther away are below the noise.
_HEARD = 4
#: Rates are whole kbit/s: finer ones would say more than the model knows.
GRAIN_BPS = 1000


@dataclass(frozen=True, slots=True)
class Cells:
    """Where the phone drives."""

    spacing_m: float = 500.0
    speed_m_s: float = 50 / 3.6
    bandwidth_hz: float = 10e6
    load: float = 0.5  #: share of the carrier that others have, in this cell and in its neighbours


def cellular(cells: Cells, delay_ns: int, course: Course, seed: int) -> Scenario:
    """Rates for up and down, from the same signal; the delay is the same in both."""
    return made_of_both(_rows(Drive(cells, course, seed), delay_ns, course), course.duration_ns)


def _rows(drive: Drive, delay_ns: int, course: Course) -> Iterator[tuple[Row, Row]]:
    route, open_ns = 0, 0
    for at_ns in course:
        if at_ns:
            drive.advance(course.step_ns)
        if drive.hand_over(course.step_ns):
            route, open_ns = route + 1, at_ns + INTERRUPTION_NS
            yield Row(at_ns, route, delay_ns, 0), Row(at_ns, route, delay_ns, 0)
        # Within a long step service resumes between two steps; with short ones several pass without.
        begin_ns = max(at_ns, open_ns)
        if begin_ns < at_ns + course.step_ns and begin_ns < course.duration_ns:
            up, down = drive.rates_bps()
            yield Row(begin_ns, route, delay_ns, up), Row(begin_ns, route, delay_ns, down)


@dataclass(slots=True)
class Drive:
    """The phone and what it hears, step by step."""

    cells: Cells
    course: Course
    seed: int
    position_m: float = 0.0
    serving: int = 0
    better_ns: int = 0  #: since how long another station has been clearly stronger
    stations_m: list[float] = field(init=False)
    shadowing: Shadowing = field(init=False)

    def __post_init__(self) -> None:
        draws = Draws(self.seed, "cellular")
        length_m = self.cells.speed_m_s * self.course.duration_ns / NS_PER_S
        first_m = (draws.uniform() - 0.5) * self.cells.spacing_m  # where between two stations the drive begins
        count = 2 * _HEARD + 2 + int(length_m / self.cells.spacing_m)
        self.stations_m = [first_m + (index - _HEARD) * self.cells.spacing_m for index in range(count)]
        self.shadowing = Shadowing(count, draws)
        self.serving = self._strongest()

    def advance(self, step_ns: int) -> None:
        """So much later."""
        moved_m = self.cells.speed_m_s * step_ns / NS_PER_S
        self.position_m += moved_m
        self.shadowing.move(moved_m)

    def hand_over(self, step_ns: int) -> bool:
        """Whether the phone changes to another station now, as that was stronger for long enough."""
        best = self._strongest()
        if self.gain_db(best) < self.gain_db(self.serving) + HYSTERESIS_DB:
            self.better_ns = 0
            return False
        self.better_ns += step_ns
        if self.better_ns < TRIGGER_NS:
            return False
        self.serving, self.better_ns = best, 0
        return True

    def gain_db(self, station: int) -> float:
        """How much stronger than sent a signal arrives between phone and station, in either direction; negative."""
        distance_m = math.hypot(self.stations_m[station] - self.position_m, ASIDE_M)
        return ANTENNA_DB - path_loss_db(distance_m) - self.shadowing.towards(station)

    def rates_bps(self) -> tuple[int, int]:
        """What the phone gets, up and down."""
        width, free = self.cells.bandwidth_hz, 1 - self.cells.load
        others = [station for station in self._near() if station != self.serving]
        heard_mw = sum(decibels(STATION_DBM + self.gain_db(station)) for station in others) * self.cells.load
        # Phones of other cells are taken to be as far from this station as this phone is from theirs.
        sent_mw = sum(decibels(PHONE_DBM + self.gain_db(station)) for station in others) * self.cells.load
        signal_db = self.gain_db(self.serving)
        up = PHONE_DBM + signal_db - 10 * math.log10(sent_mw + UP.noise_mw(width))
        down = STATION_DBM + signal_db - 10 * math.log10(heard_mw + DOWN.noise_mw(width))
        return _whole(UP.bits_per_hz(up) * width * free), _whole(DOWN.bits_per_hz(down) * width * free)

    def _strongest(self) -> int:
        return max(self._near(), key=self.gain_db)

    def _near(self) -> range:
        """The stations that are heard at all."""
        here = round((self.position_m - self.stations_m[0]) / self.cells.spacing_m)
        return range(max(0, here - _HEARD), min(len(self.stations_m), here + _HEARD + 1))


def _whole(rate_bps: float) -> int:
    return round(rate_bps / GRAIN_BPS) * GRAIN_BPS
