"""The rate of a path by the elevation of its lower ground link: a table that the user has from a link budget."""

from __future__ import annotations

import csv
from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from plctl.common.base.errors import InputError, Problem
from plctl.common.base.problems import quote
from plctl.common.base.text_file import read_text

#: The columns that such a table has; a further one is the rate of the other direction.
HEADER = ("Elevation[deg]", "Btldr[Mbps]")
DIRECTED = ("Elevation[deg]", "Btldr[Mbps]:up", "Btldr[Mbps]:down")
_MOST_MBPS = 1e7


@dataclass(frozen=True, slots=True)
class LinkBudget:
    """Rates in bit/s at ascending elevations in degrees; between two of them a line, beyond them the nearest."""

    elevations: tuple[float, ...]
    up_bps: tuple[float, ...]
    down_bps: tuple[float, ...]

    def rates_bps(self, elevation: float) -> tuple[int, int]:
        """Up and down, where the lower of both ground links is at `elevation` degrees."""
        right = bisect_right(self.elevations, elevation)
        if right in (0, len(self.elevations)):
            nearest = min(right, len(self.elevations) - 1)
            return round(self.up_bps[nearest]), round(self.down_bps[nearest])
        left = right - 1
        low, high = self.elevations[left], self.elevations[right]
        share = (elevation - low) / (high - low)
        up, down = (rates[left] + share * (rates[right] - rates[left]) for rates in (self.up_bps, self.down_bps))
        return round(up), round(down)


def constant_rate(rate_bps: int) -> LinkBudget:
    """The same rate everywhere."""
    return LinkBudget((0.0,), (rate_bps,), (rate_bps,))


def read_link_budget(path: Path) -> LinkBudget:
    """The table at `path`: CSV with the columns of `HEADER`, or of `DIRECTED`.

    :raises InputError: it cannot be read, or is none.
    """
    try:
        rows = csv.reader(read_text(path, "a link budget").splitlines())
        lines = [(number, line) for number, line in enumerate(rows, 1) if line]
    except csv.Error as error:
        raise _refusal(path, 0, f"is not CSV: {error}") from None
    header = tuple(cell.strip() for cell in lines[0][1]) if lines else ()
    if header not in (HEADER, DIRECTED):
        raise _refusal(path, 1, f"the columns are {quote(','.join(header))}; legal are {','.join(HEADER)}, or "
                                f"{','.join(DIRECTED)}")  # fmt: skip
    table = [_row(path, number, line, len(header)) for number, line in lines[1:]]
    if not table:
        raise _refusal(path, 0, "has no row")
    elevations = tuple(row[0] for row in table)
    if any(after <= before for before, after in pairwise(elevations)):
        raise _refusal(path, 0, "its elevations do not rise from row to row")
    up, down = (tuple(row[place] * 1e6 for row in table) for place in (1, len(header) - 1))
    return LinkBudget(elevations, up, down)


def _row(path: Path, number: int, cells: list[str], width: int) -> list[float]:
    try:
        values = [float(cell) for cell in cells]
    except ValueError:
        values = []
    if len(values) != width or not (-90 <= values[0] <= 90 and all(0 <= rate <= _MOST_MBPS for rate in values[1:])):
        legal = "legal are degrees from -90 to 90, then Mbit/s from 0 to 10000000"
        raise _refusal(path, number, f"{quote(','.join(cells))} is no row of {width} numbers; {legal}")
    return values


def _refusal(path: Path, line: int, text: str) -> InputError:
    return InputError([Problem(str(path), line, 0, text)])
