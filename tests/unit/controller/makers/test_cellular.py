"""A drive has the rates, shadows and handovers of its sources."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest

from plctl.common.base.units import NS_PER_MS, NS_PER_S
from plctl.controller.makers.cellular import INTERRUPTION_NS, Cells, cellular
from plctl.controller.makers.draws import Draws
from plctl.controller.makers.made import Course
from plctl.controller.makers.radio import DOWN, UP, Shadowing, path_loss_db

COURSE = Course(600 * NS_PER_S, 100 * NS_PER_MS)


def test_rates_are_those_of_the_truncated_shannon_bound() -> None:
    """TR 36.942, annex A: 0.6 log2(1 + SINR) to 4.4 bit/s/Hz down, 0.4 and 2.0 up, nothing below −10 dB."""
    assert [0, 0.6, 4.4] == pytest.approx([DOWN.bits_per_hz(db) for db in (-10.1, 0, 40)])
    assert [0, 0.4, 2.0] == pytest.approx([UP.bits_per_hz(db) for db in (-10.1, 0, 40)])


def test_path_loss_is_that_of_a_macro_cell_through_a_wall() -> None:
    """TR 36.814: 128.1 dB at 1 km and 20 dB; no phone is closer than 35 m."""
    assert pytest.approx(148.1) == path_loss_db(1000)
    assert path_loss_db(35) == path_loss_db(1)


def test_shadowing_has_its_deviation_and_decorrelates_with_distance() -> None:
    """8 dB; e^-1 of the correlation is left after 50 m; two stations share half of the variance."""
    shadowing = Shadowing(2, Draws(1, "shadow"))
    here, there = [], []
    for _ in range(40_000):
        here.append(shadowing.towards(0))
        there.append(shadowing.towards(1))
        shadowing.move(50)
    variance = sum(db * db for db in here) / len(here)
    assert pytest.approx(8, rel=0.03) == math.sqrt(variance)
    lagged = sum(before * after for before, after in pairwise(here)) / (len(here) - 1)
    assert pytest.approx(math.exp(-1), abs=0.03) == lagged / variance
    assert pytest.approx(0.5, abs=0.03) == sum(a * b for a, b in zip(here, there, strict=True)) / len(here) / variance


def test_a_drive_hands_over_and_is_interrupted() -> None:
    """Each RouteID begins with 49.5 ms without service in both directions; there is one a station or more."""
    found = cellular(Cells(), 20 * NS_PER_MS, COURSE, seed=1)
    passed = int(600 * 50 / 3.6 / 500)
    for way in (found.up, found.down):
        rows = list(way.rows)
        begins = [index for index in range(1, len(rows)) if rows[index].route != rows[index - 1].route]
        assert passed <= len(begins) < 6 * passed
        assert all(0 == rows[index].rate_bps for index in begins)
        lasted = {rows[index + 1].time_ns - rows[index].time_ns for index in begins}
        assert {INTERRUPTION_NS} == lasted


def test_rates_are_within_what_the_carrier_has_left() -> None:
    """And a loaded network carries less than an idle one, by more than the share, as its neighbours interfere."""
    means = []
    for load in (0.0, 0.5):
        found = cellular(Cells(load=load), 20 * NS_PER_MS, COURSE, seed=1)
        assert max(found.down.column("rate_bps")) <= 4.4 * 10e6 * (1 - load)
        assert max(found.up.column("rate_bps")) <= 2.0 * 10e6 * (1 - load)
        means.append(sum(found.down.column("rate_bps")) / len(found.down))
    assert means[1] < 0.5 * means[0]


def test_a_parked_phone_stays_where_it_is() -> None:
    """Nothing changes."""
    assert 1 == len(cellular(Cells(speed_m_s=0), 20 * NS_PER_MS, COURSE, seed=1).down)
