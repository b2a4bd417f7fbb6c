"""Scenarios of a path over satellites in low Earth orbit: its delay over time, a RouteID for each path, and outages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from plctl.common.scenario.schedule import Row, Scenario
from plctl.controller.makers.made import made_of_both
from plctl.controller.orbits.link_budget import LinkBudget
from plctl.controller.orbits.paths import Moment
from plctl.controller.orbits.routing import Path


@dataclass(frozen=True, slots=True)
class OrbitalPath:
    """What was made: the scenario, and which path each RouteID is."""

    scenario: Scenario
    routes: tuple[Path, ...]  #: by RouteID, in the order in which they first appear
    moments: tuple[Moment, ...]


def orbital_path(moments: Sequence[Moment], budget: LinkBudget, duration_ns: int) -> OrbitalPath:
    """The scenario with a row for each of these moments.

    While there is no path the rate is 0, and delay and route stay those of the path that was last, or will be first:
    what is still on its way keeps its delay. One of the moments at least has a path.

    :raises UserError: the rows are more than a scenario may have.
    """
    routes: dict[Path, int] = {}
    for moment in moments:
        if moment.path is not None:
            routes.setdefault(moment.path, len(routes))
    first = next(moment for moment in moments if moment.path is not None)
    scenario = made_of_both(_rows(moments, routes, budget, first.delay_ns), duration_ns)
    return OrbitalPath(scenario, tuple(routes), tuple(moments))


def _rows(
    moments: Sequence[Moment], routes: dict[Path, int], budget: LinkBudget, delay_ns: int
) -> Iterator[tuple[Row, Row]]:
    route = 0
    for moment in moments:
        up, down = 0, 0
        if moment.path is not None:
            route, delay_ns = routes[moment.path], moment.delay_ns
            up, down = budget.rates_bps(moment.elevation)
        yield Row(moment.time_ns, route, delay_ns, up), Row(moment.time_ns, route, delay_ns, down)
