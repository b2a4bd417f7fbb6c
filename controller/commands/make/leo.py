"""`plctl scenario make leo`: the path between two ground stations over satellites in low Earth orbit."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from plctl.common.base.errors import KernelError, UserError
from plctl.common.cli.extra import needs_extra
from plctl.common.cli.options import FiniteRange, duration_ns
from plctl.common.cli.terminal import echo, warn
from plctl.common.host.caller import give_to_caller
from plctl.controller.commands.make.options import DURATION, STEP, MakerCommand, write_made
from plctl.controller.commands.make.values import instant, rate, shell, slot_grid, station
from plctl.controller.commands.scenario_convert import OUT
from plctl.controller.makers.made import Course
from plctl.controller.orbits.link_budget import LinkBudget, constant_rate, read_link_budget
from plctl.controller.orbits.shells import SHELLS, Shell
from plctl.controller.orbits.slots import SlotGrid
from plctl.controller.orbits.stations import Station

if TYPE_CHECKING:
    from plctl.controller.orbits.constellation import Constellation
    from plctl.controller.orbits.leo import OrbitalPath

#: When the satellites of a shell are at their places, unless it is said.
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_FILE = click.Path(path_type=Path)
_MAPS = (".svg", ".html")


# fmt: off
@click.command(cls=MakerCommand)
@click.option("--shell", "shells", type=shell, multiple=True, metavar="NAME",
              help=f"Satellites: {', '.join(SHELLS)}, or i:T/P/F@km in Walker's notation; may be given again.")
@click.option("--tle", type=_FILE, metavar="FILE",
              help="Satellites of a file: two-line sets, or OMM in CSV, XML or JSON.")
@click.option("--from", "start", type=station, required=True, metavar="PLACE",
              help="The client: a city, or latitude,longitude[,height m] in degrees.")
@click.option("--to", "goal", type=station, required=True, metavar="PLACE", help="The server, likewise.")
@click.option("--isl", type=click.Choice(["none", "grid"]), default="none", show_default=True,
              help="Over one satellite, or over links to the next in a plane and in both neighbouring planes.")
@click.option("--min-elevation", type=FiniteRange(-10, 90), metavar="DEGREES",
              help="From which a station uses a satellite; default: as the shell was filed, 25 for a file.")
@click.option("--max-range", type=FiniteRange(100, 10_000), metavar="KM",
              help="How far away it may be; alone, every elevation above the horizon will do.")
@click.option("--reallocate", type=slot_grid, metavar="TIME[@TIME]",
              help="Choose a path only so often, and when; Starlink: 15s@12s. Default: at every step.")
@click.option("--hop-delay", "hop_ns", type=duration_ns, default="0ms", show_default=True, metavar="TIME",
              help="What each satellite adds to the delay.")
@click.option("--rate", "rate_bps", type=rate, metavar="RATE", help="A constant rate, or else:")
@click.option("--link-budget", type=_FILE, metavar="FILE", help="Rates by elevation: Elevation[deg],Btldr[Mbps].")
@click.option("--tle-epoch", "epoch", type=instant, metavar="UTC",
              help="When a shell's satellites are at their places; default: 2000-01-01T00:00:00Z.")
@click.option("--start", "begin", type=instant, metavar="UTC",
              help="When the scenario begins; default: at the epoch of a shell. Needed with --tle.")
@DURATION
@STEP
@click.option("--map", "drawing", type=_FILE, metavar="FILE", help="Draw it on a map, as .svg or .html.")
@OUT
def leo(
    *, shells: tuple[Shell, ...], tle: Path | None, start: Station, goal: Station, isl: str,
    min_elevation: float | None, max_range: float | None, reallocate: SlotGrid | None, hop_ns: int,
    rate_bps: int | None, link_budget: Path | None, epoch: datetime | None, begin: datetime | None,
    length_ns: int, step_ns: int, drawing: Path | None, out: Path,
) -> None:
    """The delay between two places over satellites in low Earth orbit, with a RouteID for each path.

    SGP4 moves the satellites. The path is the shortest, over one satellite (a bent pipe) or over a grid of links
    between them; where there is none, the rate is 0. Comments say which satellites each RouteID stands for.

    \b
      plctl scenario make leo --shell kuiper-630 --isl grid --from Manila --to Dalian --rate 100Mbit/s --map path.html
      plctl scenario make leo --shell starlink-550 --reallocate 15s@12s --from Seattle --to 45.6,-121.2 --rate 200Mbit/s
      plctl scenario make leo --tle oneweb.csv --start 2026-11-28T12:00:00Z --from Oslo --to Vienna --rate 50Mbit/s
    """
    # fmt: on
    budget = _budget(rate_bps, link_budget)
    if drawing and drawing.suffix not in _MAPS:
        raise UserError(f"{drawing}: a map is drawn as {' or '.join(_MAPS)}")
    with needs_extra("a scenario of satellites"):
        from plctl.controller.orbits.leo import orbital_path
        from plctl.controller.orbits.paths import PathFinder, Visibility
    satellites, begin = _satellites(shells, tle, epoch, begin)
    if isl == "grid" and not satellites.grids:
        raise UserError(f"{tle} does not say which satellites are neighbours: for --isl grid its first line has two "
                        "numbers, planes and satellites a plane, and the satellites stand plane by plane")  # fmt: skip
    if max_range is not None and min_elevation is None:
        min_elevation = 0.0
    visibility = Visibility(min_elevation, math.inf if max_range is None else max_range)
    finder = PathFinder(satellites, start, goal, visibility, isl == "grid", hop_ns)
    times_ns = list(Course(length_ns, step_ns))
    moments = list(finder.along(begin, times_ns, reallocate))
    if all(moment.path is None for moment in moments):
        raise UserError(finder.why_never(begin, times_ns))
    found = orbital_path(moments, budget, length_ns)
    if drawing:
        _draw(found, satellites, (start, goal), begin, drawing)
    write_made(found.scenario, out, [
        f"route {number}: {' '.join(satellites.names[index] for index in path)}"
        for number, path in enumerate(found.routes)
    ])  # fmt: skip


def _budget(rate_bps: int | None, link_budget: Path | None) -> LinkBudget:
    if (rate_bps is None) == (link_budget is None):
        raise UserError("say the rate either by --rate or by --link-budget")
    return read_link_budget(link_budget) if link_budget else constant_rate(rate_bps or 0)


def _satellites(
    shells: tuple[Shell, ...], tle: Path | None, epoch: datetime | None, begin: datetime | None
) -> tuple[Constellation, datetime]:
    """The satellites, and when the scenario begins."""
    from plctl.controller.orbits.constellation import constellation_of
    from plctl.controller.orbits.elements import read_elements
    from plctl.controller.orbits.motion import caveats

    if bool(shells) == bool(tle):
        raise UserError("say the satellites either by --shell or by --tle")
    if not tle:
        epoch = epoch or _EPOCH
        return constellation_of(shells, epoch), begin or epoch
    if epoch:
        raise UserError("--tle-epoch is that of a shell; the elements of a file have their own")
    if not begin:
        raise UserError("--tle needs --start, e.g. 2026-11-28T12:00:00Z, near the epoch of the elements")
    found = read_elements(tle)
    for caveat in caveats(found.satellites, begin):
        warn(f"{tle}: {caveat}")
    return found, begin


def _draw(
    found: OrbitalPath, satellites: Constellation, stations: tuple[Station, Station], begin: datetime, path: Path
) -> None:
    from plctl.controller.orbits.map_page import page_text
    from plctl.controller.orbits.map_svg import svg_text
    from plctl.controller.orbits.tracks import map_facts
    from plctl.controller.orbits.view import view_of

    facts = map_facts(found, satellites, stations, begin)
    write = page_text if path.suffix == ".html" else svg_text
    try:
        path.write_text(write(facts, view_of(facts)), encoding="utf-8")
        give_to_caller(path)
    except OSError as error:
        raise KernelError.from_os(f"write {path}", error) from error
    echo(f"wrote {path}", err=True)
