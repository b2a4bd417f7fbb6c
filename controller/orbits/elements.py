"""Reads orbital elements that others publish: two-line element sets, and OMM as CSV, XML or JSON.

Formats: Celestrak, "NORAD Two-Line Element Set Format" and "A New Way to Obtain GP Data"; CCSDS 502.0-B, Orbit Data
Messages. A first line of two numbers, planes and satellites a plane, as Hypatia writes it, makes a grid of a file of
two-line sets whose satellites stand plane by plane.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

from sgp4 import omm
from sgp4.api import WGS72, Satrec
from sgp4.io import compute_checksum

from plctl.common.base.errors import InputError, Problem
from plctl.common.base.problems import quote
from plctl.common.base.text_file import read_text
from plctl.controller.orbits.constellation import Constellation, Grid
from plctl.controller.orbits.shells import MOST_SATELLITES, USUAL_ELEVATION

_GRID = re.compile(r"\s*([0-9]{1,5})\s+([0-9]{1,5})\s*")
#: A line of a two-line set is so long, its checksum included.
_LINE = 69
_DEGREES = r" {0,2}[0-9]{1,3}\.[0-9]{4}"
_DECIMAL = r"[ +-][ 0-9]{5}[ +-][0-9]"
#: What a line must hold where, as the library takes anything for a number: line, name, place, what is legal.
_FIELDS = (
    ("1", "the epoch", slice(18, 32), r"[ 0-9]{4}[0-9]\.[0-9]{8}"),
    ("1", "the first derivative of the mean motion", slice(33, 43), r"[ +-][ 0]?\.[0-9]{8}"),
    ("1", "the second derivative of the mean motion", slice(44, 52), _DECIMAL),
    ("1", "the drag term", slice(53, 61), _DECIMAL),
    ("2", "the inclination", slice(8, 16), _DEGREES),
    ("2", "the ascending node", slice(17, 25), _DEGREES),
    ("2", "the eccentricity", slice(26, 33), r"[ 0-9]{6}[0-9]"),
    ("2", "the argument of perigee", slice(34, 42), _DEGREES),
    ("2", "the mean anomaly", slice(43, 51), _DEGREES),
    ("2", "the mean motion", slice(52, 63), r"[ 0-9][0-9]\.[0-9]{8}"),
)


def read_elements(path: Path) -> Constellation:
    """The satellites in the file at `path`, in its order.

    :raises InputError: it cannot be read, or what it says is wrong, with the place.
    """
    text = read_text(path, "orbital elements")
    begin = text.lstrip()[:1]
    if begin == "<":
        found = _messages(path, _xml(path, text))
    elif begin in ("[", "{"):
        found = _messages(path, _json(path, text))
    elif "," in text.lstrip().partition("\n")[0]:
        found = _messages(path, _csv(path, text))
    else:
        return _two_lines(path, text)
    satellites, names = [], []
    for name, satellite in found:
        satellites.append(satellite)
        names.append(name)
    return _constellation(path, satellites, names, None)


def _constellation(path: Path, satellites: list[Satrec], names: list[str], grid: Grid | None) -> Constellation:
    if not satellites:
        raise _refusal(path, 0, "has no orbital elements; it is read as two-line sets, or OMM in CSV, XML or JSON")
    if len(satellites) > MOST_SATELLITES:
        raise _refusal(path, 0, f"has {len(satellites)} satellites; at most {MOST_SATELLITES} are read")
    if grid and grid.planes * grid.per_plane != len(satellites):
        sizes = f"{grid.planes} planes of {grid.per_plane}, but there are {len(satellites)} satellites"
        raise _refusal(path, 1, f"the first line says {sizes}")
    return Constellation(satellites, names, [USUAL_ELEVATION] * len(satellites), [grid] if grid else [])


def _two_lines(path: Path, text: str) -> Constellation:
    satellites: list[Satrec] = []
    names: list[str] = []
    grid: Grid | None = None
    first, name = "", ""
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.rstrip()
        if number == 1 and (match := _GRID.fullmatch(line)):
            grid = Grid(int(match[1]), int(match[2]))
        elif first:
            _check(path, number, line, "2")
            satellites.append(_satellite(path, number, first, line))
            names.append(name or line[2:7].strip())
            first, name = "", ""
        elif line.startswith("1 ") and len(line) >= _LINE - 1:
            _check(path, number, line, "1")
            first = line
        elif line and not line.startswith("#"):
            name = line.removeprefix("0 ").strip()
    if first:
        raise _refusal(path, 0, "ends behind the first line of an element set")
    return _constellation(path, satellites, names, grid)


def _check(path: Path, number: int, line: str, digit: str) -> None:
    if not line.startswith(f"{digit} ") or len(line) < _LINE - 1:
        raise _refusal(path, number, f"{quote(line)} is not line {digit} of an element set, of {_LINE} characters")
    if not line.isascii():
        raise _refusal(path, number, "an element set has only ASCII characters")
    if len(line) >= _LINE and str(compute_checksum(line)) != line[_LINE - 1]:
        said = f"{line[_LINE - 1]!r}, and its digits make {compute_checksum(line)}"
        raise _refusal(path, number, f"the checksum is {said}; the line was changed or cut")

    for at, name, place, legal in _FIELDS:
        if at == digit and not re.fullmatch(legal, line[place]):
            raise _refusal(path, number, f"{name}, at characters {place.start + 1} to {place.stop}, is "
                           f"{quote(line[place])}, which is no number of the format")  # fmt: skip


def _satellite(path: Path, number: int, first: str, second: str) -> Satrec:
    if first[2:7] != second[2:7]:
        raise _refusal(path, number, f"this line is of satellite {second[2:7]}, the one before of {first[2:7]}")
    try:
        satellite = Satrec.twoline2rv(first, second, WGS72)
    except ValueError as error:
        raise _refusal(path, number, f"the element set cannot be read: {error}") from None
    return satellite


def _messages(path: Path, messages: Iterator[tuple[int, Any]]) -> Iterator[tuple[str, Satrec]]:
    for number, fields in messages:
        satellite = Satrec()
        try:
            omm.initialize(satellite, _plain(fields))
        except KeyError as error:
            raise _refusal(path, number, f"the message has no {error.args[0]}") from None
        except (ValueError, TypeError, AttributeError, OverflowError) as error:
            raise _refusal(path, number, f"the message cannot be read: {error}") from None
        yield str(fields.get("OBJECT_NAME") or fields["NORAD_CAT_ID"]), satellite


def _plain(fields: Any) -> Mapping[str, str]:
    """The fields as text, and an epoch with a fraction, without which the library does not read it."""
    if not isinstance(fields, Mapping):
        raise ValueError(f"{quote(str(fields))} is not a set of fields")
    found = {str(name): "" if value is None else str(value) for name, value in fields.items()}
    epoch = found["EPOCH"].removesuffix("Z")
    return {**found, "EPOCH": epoch if "." in epoch else f"{epoch}.0"}


def _xml(path: Path, text: str) -> Iterator[tuple[int, Any]]:
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise _refusal(path, 0, "declares a document type; an OMM has none")
    try:
        yield from ((0, fields) for fields in omm.parse_xml(io.StringIO(text)))
    except (ParseError, TypeError, AttributeError) as error:
        raise _refusal(path, 0, f"is not OMM in XML: {error}") from None


def _csv(path: Path, text: str) -> Iterator[tuple[int, Any]]:
    try:
        yield from enumerate(omm.parse_csv(text.splitlines()), 2)
    except csv.Error as error:
        raise _refusal(path, 0, f"is not OMM in CSV: {error}") from None


def _json(path: Path, text: str) -> Iterator[tuple[int, Any]]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _refusal(path, 0, f"is not JSON: {error}") from None
    yield from ((0, fields) for fields in (found if isinstance(found, list) else [found]))


def _refusal(path: Path, line: int, text: str) -> InputError:
    return InputError([Problem(str(path), line, 0, text)])
