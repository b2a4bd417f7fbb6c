"""Shells of constellations: their published parameters, and Walker's notation for any other.

The filings give the number of planes and satellites, the inclination, the altitude and the least elevation. They do
not say in a sentence how the planes are phased; here every second plane of a named shell is half a slot ahead, as
Hypatia has it (Kassing et al., "Exploring the 'Internet from space' with Hypatia", IMC '20). In Walker's notation the
phasing is given (Walker, "Satellite constellations", Journal of the British Interplanetary Society 37, 1984).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from plctl.common.base.errors import UserError
from plctl.common.base.problems import quote

#: Where neither filing nor user says from which elevation on a satellite is used.
USUAL_ELEVATION = 25.0
MOST_SATELLITES = 50_000


@dataclass(frozen=True, slots=True)
class Shell:
    """Circular orbits of one altitude and inclination, in planes that are evenly spread."""

    name: str
    planes: int
    per_plane: int
    inclination: float  #: degrees
    altitude_km: float  #: above the equator
    min_elevation: float = USUAL_ELEVATION  #: degrees, from which ground stations use a satellite
    star: bool = False  #: planes over 180°, so that the last and the first are counter-rotating neighbours
    phasing: int | None = None  #: Walker's F, or every second plane half a slot ahead
    source: str = ""

    @property
    def count(self) -> int:
        """How many satellites there are."""
        return self.planes * self.per_plane

    def node_degrees(self, plane: int) -> float:
        """Right ascension of the ascending node."""
        return plane * (180 if self.star else 360) / self.planes

    def anomaly_degrees(self, plane: int, slot: int) -> float:
        """How far along its orbit a satellite is at the epoch, from the ascending node."""
        turn = slot * 360 / self.per_plane
        if self.phasing is None:
            return turn + plane % 2 * 180 / self.per_plane
        return (turn + plane * self.phasing * 360 / self.count) % 360


_GEN1 = "FCC SAT-MOD-20200417-00037"
_KUIPER = "FCC SAT-LOA-20190704-00057"
_TELESAT = "FCC SAT-MPL-20200526-00053"
_ONEWEB = "FCC SAT-LOI-20160428-00041; elevation: del Portillo et al., Acta Astronautica 159, 2019"

#: By name.
SHELLS: Mapping[str, Shell] = {
    shell.name: shell
    for shell in (
        Shell("starlink-550", 72, 22, 53.0, 550, 25, source="FCC SAT-MOD-20190830-00087, SAT-MOD-20181108-00083"),
        Shell("starlink-540", 72, 22, 53.2, 540, 25, source=_GEN1),
        Shell("starlink-570", 36, 20, 70.0, 570, 25, source=_GEN1),
        Shell("kuiper-630", 34, 34, 51.9, 630, 35, source=_KUIPER),
        Shell("kuiper-610", 36, 36, 42.0, 610, 35, source=_KUIPER),
        Shell("kuiper-590", 28, 28, 33.0, 590, 35, source=_KUIPER),
        Shell("oneweb-1200", 18, 40, 87.9, 1200, 55, star=True, source=_ONEWEB),
        Shell("telesat-1015", 27, 13, 98.98, 1015, 10, star=True, source=_TELESAT),
        Shell("telesat-1325", 40, 33, 50.88, 1325, 10, source=_TELESAT),
    )
}

_NUMBER = r"([0-9]{1,4}(?:\.[0-9]{1,6})?)"
_WALKER = re.compile(rf"{_NUMBER}:([0-9]{{1,5}})/([0-9]{{1,4}})/([0-9]{{1,4}})@{_NUMBER}")


def parse_shell(text: str) -> Shell:
    """The shell of this name, or i:T/P/F@h in Walker's notation (degrees, satellites, planes, phasing) and kilometres.

    :raises UserError: there is none, or it makes no sense.
    """
    if text in SHELLS:
        return SHELLS[text]
    if not (match := _WALKER.fullmatch(text)):
        known = ", ".join(SHELLS)
        raise UserError(f"{quote(text)} is no shell; there are {known}, and Walker's notation, e.g. 53:1584/72/39@550")
    count, planes, phasing = (int(match[index]) for index in (2, 3, 4))
    inclination, altitude_km = float(match[1]), float(match[5])
    if not (0 < count <= MOST_SATELLITES and planes > 0 and count % planes == 0):
        raise UserError(f"{text}: {count} satellites cannot be spread evenly over {planes} planes")
    if phasing >= planes:
        raise UserError(f"{text}: a phasing of {phasing} is not below the number of planes, {planes}")
    if not (inclination <= 180 and 160 <= altitude_km <= 2000):
        raise UserError(f"{text}: legal are up to 180° and 160 to 2000 km above the ground, a low Earth orbit")
    return Shell(text, planes, count // planes, inclination, altitude_km, phasing=phasing)
