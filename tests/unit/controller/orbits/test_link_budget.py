"""A table of rates by elevation is read, and what lies between its rows is on a line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from plctl.common.base.errors import InputError
from plctl.controller.orbits.link_budget import constant_rate, read_link_budget

HEADER = "Elevation[deg],Btldr[Mbps]"


def test_rates_lie_on_a_line_between_rows_and_stay_beyond(tmp_path: Path) -> None:
    """For both directions, or for each."""
    path = tmp_path / "budget.csv"
    path.write_text(f"{HEADER}\n25,50\n45,150\n90,240\n")
    budget = read_link_budget(path)
    assert [50, 50, 100, 150, 195, 240] == [
        budget.rates_bps(elevation)[0] / 1e6 for elevation in (10, 25, 35, 45, 67.5, 90)
    ]
    path.write_text("Elevation[deg],Btldr[Mbps]:up,Btldr[Mbps]:down\n25,5,50\n45,15,150\n")
    assert (10_000_000, 100_000_000) == read_link_budget(path).rates_bps(35)


def test_a_constant_rate_is_the_same_everywhere() -> None:
    """Exactly, also where no float would be."""
    assert {(2**63 - 1, 2**63 - 1)} == {constant_rate(2**63 - 1).rates_bps(elevation) for elevation in (-5, 0, 60)}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", ":1: the columns are ''; legal are Elevation[deg],Btldr[Mbps], or"),
        ("a,b\n1,2\n", ":1: the columns are 'a,b'"),
        (f"{HEADER}\n", "has no row"),
        (f"{HEADER}\n25\n", ":2: '25' is no row of 2 numbers"),
        (f"{HEADER}\n\n25,fast\n", ":3: '25,fast' is no row"),
        (f"{HEADER}\n25,-1\n", "legal are degrees from -90 to 90, then Mbit/s from 0 to 10000000"),
        (f"{HEADER}\n25,nan\n", ":2: '25,nan' is no row"),
        (f"{HEADER}\n95,1\n", ":2: '95,1' is no row"),
        (f"{HEADER}\n25,1\n25,2\n", "its elevations do not rise from row to row"),
    ],
)
def test_what_is_no_link_budget_is_told_with_its_place(tmp_path: Path, text: str, sentence: str) -> None:
    """In a sentence."""
    path = tmp_path / "budget.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=re.escape(sentence)):
        read_link_budget(path)
