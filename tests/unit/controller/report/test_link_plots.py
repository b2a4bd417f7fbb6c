"""Plots can be read: scales are told, names of routes stand where no curve runs, words are no dots on a phone."""

from __future__ import annotations

import re
from dataclasses import replace
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

import pytest
from support.html_reader import read
from support.synthetic_run import handover_plan, make_run

from plctl.common.scenario.schedule import DIRECTIONS, Row, Schedule
from plctl.controller.report import link_plots
from plctl.controller.report.figure_style import SIZE_INCHES
from plctl.controller.report.link_plots import LinkCurves
from plctl.controller.report.markup import Markup
from plctl.controller.report.series import asked, measured
from plctl.controller.results import telemetry_file
from plctl.controller.results.run_reader import read_record

UNTIL_S = 14.0


def curves_of(folder: Path, schedule: Schedule | None = None, *, slower: int = 1) -> LinkCurves:
    """What is drawn of a synthetic run's only link; packets took `slower` times as long as they did."""
    record = read_record(folder)
    plan = record.links[0].plan
    plan = replace(plan, up=schedule, down=schedule) if schedule else plan
    table = telemetry_file.read(folder, record.run, record.t0_by_host())
    seen = {direction: measured(table, direction) for direction in DIRECTIONS}
    seen = {way: replace(each, transit_p99_ns=each.transit_p99_ns * slower) for way, each in seen.items()}
    wanted = {direction: asked(getattr(plan, direction), UNTIL_S) for direction in DIRECTIONS}
    return LinkCurves(plan, wanted, seen, UNTIL_S, 10**6)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A synthetic run."""
    with make_run(tmp_path, (handover_plan(),)) as made:
        made.close()
    return made.path


def words(plot: Markup) -> str:
    return read(plot).text


@pytest.mark.parametrize(("slower", "announced"), [(1, False), (100, True)])
def test_a_logarithmic_scale_is_told(folder: Path, slower: int, announced: bool) -> None:
    """Where queueing would flatten the steps asked for, the axis says that it is logarithmic, and else it is not."""
    assert announced == ("delay, ms (logarithmic)" in words(link_plots.delay(curves_of(folder, slower=slower))))
    assert "logarithmic" in words(link_plots.lateness(curves_of(folder)))


def test_routes_are_named_above_the_panels(folder: Path) -> None:
    """The names are at the height of T0's, above every tick of the axis, and apart from each other."""
    plot = link_plots.delay(curves_of(folder))
    places = {text: (x, y) for x, y, text in _texts(plot)[::-1]}
    assert "route 2" in places
    up = [(x, y, text) for x, y, text in _texts(plot) if text.startswith(("T0", "route")) and y == places["T0"][1]]
    assert len(up) >= 3
    below = [y for _, y, text in _texts(plot) if re.fullmatch(r"[0-9.]+", text)]
    assert places["T0"][1] < min(below)


def test_of_many_routes_only_as_many_are_named_as_can_be_read(folder: Path) -> None:
    """A hundred handovers in 14 s are all marked; their names do not lie over one another."""
    flapping = Schedule(tuple(Row(140_000_000 * n, n, 40_000_000, 10**7) for n in range(100)))
    plot = link_plots.delay(curves_of(folder, flapping))
    named = sorted(x for x, y, text in _texts(plot) if text.startswith(("T0", "route")) and y < 30)
    assert 3 <= len(named) <= 8
    assert all(right - left > 40 for left, right in pairwise(named))


def test_words_in_plots_are_larger_on_a_phone() -> None:
    """A plot of 382 units is 358 pixels wide on a phone: 11.5 units are more than ten pixels."""
    css = files("plctl.controller.report").joinpath("report.css").read_text(encoding="utf-8")
    phone = css[css.index("@media (max-width") :]
    (size,) = re.findall(r"svg text \{ font-size: ([0-9.]+)px !important; \}", phone)
    assert float(size) * 358 / (72 * SIZE_INCHES[0]) > 10


def _texts(plot: Markup) -> list[tuple[float, float, str]]:
    """Every text of the plot that stands upright, and where."""
    found = re.findall(r'<text [^>]*?x="([0-9.-]+)" y="([0-9.-]+)"[^>]*>([^<]*)</text>', plot)
    return [(float(x), float(y), text) for x, y, text in found]
