"""What a phone and a row of base stations hear of each other, and what rate that carries.

Sources, and what is taken from each:

- 3GPP TR 36.814, table A.2.1.1-1 (macro cells, 2 GHz): path loss 128.1 + 37.6 log10(R/km) dB, 20 dB through the wall of
  a car or house, shadowing of 8 dB that decorrelates over 50 m and is half the same for all stations, 46 dBm of the
  station, 23 dBm of the phone, no closer than 35 m.
- 3GPP TR 36.942: 15 dB gain of the station's antenna, noise figures of 9 dB (phone) and 5 dB (station), and, in annex
  A, the rate as an attenuated and truncated Shannon bound: 0.6 log2(1 + SINR) up to 4.4 bit/s/Hz down, 0.4 and 2.0 up,
  nothing below −10 dB.
- Gudmundson, "Correlation model for shadow fading in mobile radio systems", Electronics Letters 27(23), 1991: the
  correlation of shadowing falls exponentially with the distance driven.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from plctl.controller.makers.draws import Draws

STATION_DBM = 46.0
PHONE_DBM = 23.0
ANTENNA_DB = 15.0
WALL_DB = 20.0
NEAREST_M = 35.0
SHADOW_DB = 8.0
SHADOW_M = 50.0
SHARED = 0.5  #: the part of the shadowing's variance that all stations have in common: what surrounds the phone
LEAST_DB = -10.0
THERMAL_DBM_HZ = -174.0  #: thermal noise at 290 K


@dataclass(frozen=True, slots=True)
class LinkCurve:
    """How a rate follows from a signal-to-noise ratio in one direction."""

    efficiency: float
    most: float  #: bit/s/Hz
    noise_figure_db: float

    def bits_per_hz(self, sinr_db: float) -> float:
        """The rate that a carrier of 1 Hz has; 0 where nothing can be decoded."""
        if sinr_db < LEAST_DB:
            return 0.0
        return min(self.most, self.efficiency * math.log2(1 + decibels(sinr_db)))

    def noise_mw(self, bandwidth_hz: float) -> float:
        """What the receiver hears without any sender."""
        return decibels(THERMAL_DBM_HZ + 10 * math.log10(bandwidth_hz) + self.noise_figure_db)


DOWN = LinkCurve(0.6, 4.4, 9.0)
UP = LinkCurve(0.4, 2.0, 5.0)


def decibels(db: float) -> float:
    """The factor that is so many decibels."""
    return float(10 ** (db / 10))


def path_loss_db(distance_m: float) -> float:
    """Between station and phone, without shadowing."""
    return 128.1 + 37.6 * math.log10(max(NEAREST_M, distance_m) / 1000) + WALL_DB


class Shadowing:
    """What stands between a moving phone and each of many stations, in dB."""

    def __init__(self, stations: int, draws: Draws) -> None:
        self._draws = draws
        self._common, *self._own = [draws.normal() for _ in range(stations + 1)]

    def move(self, distance_m: float) -> None:
        """The phone is so much farther along."""
        keep = math.exp(-distance_m / SHADOW_M)
        rest = math.sqrt(1 - keep * keep)
        self._common, *self._own = [keep * value + rest * self._draws.normal() for value in (self._common, *self._own)]

    def towards(self, station: int) -> float:
        """In dB, of mean 0 and deviation `SHADOW_DB`."""
        common, own = math.sqrt(SHARED) * self._common, math.sqrt(1 - SHARED) * self._own[station]
        return SHADOW_DB * (common + own)
