"""Pictures of scenarios show the curves, their units and what the signs mean, in the terminal and as SVG."""

from xml.etree import ElementTree

import pytest

from plctl.common.base.errors import UserError
from plctl.common.base.units import RATE_UNLIMITED
from plctl.common.scenario.opportunities import Opportunities
from plctl.common.scenario.schedule import Row, Scenario, Schedule
from plctl.controller.scenarios.picture import picture, plot_svg
from plctl.controller.scenarios.plot import plot_text, plots_text
from plctl.controller.scenarios.steps import Window

S = 10**9
UP = Schedule((Row(0, 0, 41_000_000, 80_000_000), Row(23 * S, 1, 37_000_000, 0), Row(25 * S, 1, 37_000_000, 10**8)))
DOWN = Schedule((Row(0, 0, 30_000_000, RATE_UNLIMITED), Row(9 * S, 0, 30_000_000, 10**7)))


@pytest.fixture(scope="module", autouse=True)
def _fonts_are_open() -> None:
    """Draw once before anything is watched: matplotlib keeps the font files that it opened, a cache and no leak."""
    plot_svg(Scenario(UP, DOWN), "any")


def test_text_has_titles_units_and_signs() -> None:
    """The plot in the terminal explains itself and has the size that was asked for."""
    text = plot_text(Scenario(UP, DOWN), "drive.csv", width=72, colour=False)
    for words in ("drive.csv: one-way delay [ms]", "drive.csv: bottleneck rate [Mbit/s]", "time [s]", "┊ route change",
                  "up (client → server)", "down (server → client)", "no line: unlimited rate"):  # fmt: skip
        assert words in text
    assert {72} == {len(line) for line in text.splitlines()[:30]}


def test_text_draws_the_steps() -> None:
    """The delay's step stands at the right column: what is high before it is empty after it."""
    rows = (Row(0, 0, 40_000_000, 10**6), Row(10 * S, 0, 20_000_000, 10**6), Row(20 * S, 0, 20_000_000, 10**6))
    lines = plot_text(Scenario(Schedule(rows), Schedule(rows)), "a", colour=False).splitlines()[2:12]
    high = next(line for line in lines if "▀▀▀" in line or "▄▄▄" in line)
    assert 0.4 < len(high.rstrip("│ ")) / len(high) < 0.56


def test_colour_is_only_used_when_asked_for() -> None:
    """A pipe gets no escape sequences, a terminal does."""
    scenario = Scenario(UP, UP)
    assert [False, True] == ["\x1b" in plot_text(scenario, "a", colour=colour) for colour in (False, True)]


def test_plots_do_not_disturb_each_other() -> None:
    """The plotting library keeps one figure for all; nothing of an earlier plot remains."""
    before = plot_text(Scenario(UP, UP), "a", colour=False)
    plot_text(Scenario(UP, DOWN), "b", colour=False)
    assert before == plot_text(Scenario(UP, UP), "a", colour=False)


@pytest.mark.parametrize("down", [UP, DOWN], ids=["alike", "different"])
def test_svg_is_self_contained_and_reproducible(down: Schedule) -> None:
    """The SVG is well-formed, refers to nothing outside itself, and is the same every time."""
    text = plot_svg(Scenario(UP, down), "a $x$ & b.csv")
    root = ElementTree.fromstring(text)
    links = [value for element in root.iter() for name, value in element.attrib.items() if name.endswith("href")]
    assert [] == [link for link in links if not link.startswith("#")]
    assert text == plot_svg(Scenario(UP, down), "a $x$ & b.csv")


def test_svg_of_a_single_row_and_of_only_unlimited_rates() -> None:
    """The plainest scenarios have a picture too."""
    flat = Schedule((Row(0, 0, 0, RATE_UNLIMITED),))
    assert plot_svg(Scenario(flat, flat), "flat").startswith("<?xml")
    assert "unlimited" in plot_text(Scenario(flat, flat), "flat")


def test_means_of_opportunities_are_called_so() -> None:
    """In the terminal and in the SVG, the rate is not taken for what serves."""
    traced = Scenario(UP.served_by(Opportunities.of_instants([5], 9)), DOWN)
    for drawn in (plot_text(traced, "a", colour=False), plot_svg(traced, "a")):
        assert "mean rate of delivery opportunities" in drawn
        assert "bottleneck rate" not in drawn


LOSSY = Schedule((Row(0, 0, 41_000_000, 80_000_000, loss_ppb=10**7), Row(9 * S, 0, 41_000_000, 80_000_000)))


def test_several_are_drawn_side_by_side_where_there_is_room() -> None:
    """Their titles share a line, and a plot that only one has leaves room beside it; else they are below each other."""
    scenarios = {"a.csv": Scenario(UP, UP), "b.csv": Scenario(LOSSY, LOSSY)}
    wide = plots_text(scenarios, width=120, colour=False).splitlines()
    assert [1] == [sum("a.csv: one-way delay" in line and "b.csv: one-way delay" in line for line in wide)]
    (loss,) = [line for line in wide if "loss [%]" in line]
    assert 60 < loss.index("b.csv: loss [%]")
    assert max(map(len, wide)) <= 120
    narrow = plots_text(scenarios, width=80, colour=False).splitlines()
    assert ["a", "a", "b", "b", "b"] == [line.split(".csv:")[0].strip() for line in narrow if ".csv:" in line]


def test_the_text_of_a_window_has_its_times() -> None:
    """The axis begins and ends where the window does."""
    text = plot_text(Scenario(UP, UP), "a", colour=False, window=Window(20 * S, 24 * S))
    ends = [line.split() for line in text.splitlines() if line.split()[:1] == ["20"]]
    assert [("20", "24")] * 2 == [(words[0], words[-1]) for words in ends]


def test_a_picture_of_several_has_all_of_them() -> None:
    """As SVG, the same every time, and as PNG."""
    scenarios = {"a.csv": Scenario(UP, UP), "b.csv": Scenario(LOSSY, LOSSY)}
    svg = picture(scenarios, "svg", Window(1 * S, 20 * S))
    assert svg == picture(scenarios, "svg", Window(1 * S, 20 * S))
    assert b"a.csv, b.csv" in svg
    assert picture(scenarios, "png").startswith(b"\x89PNG")
    with pytest.raises(UserError, match="a picture has room for 6 scenarios side by side, and these are 7"):
        picture({str(number): Scenario(UP, UP) for number in range(7)}, "svg")
