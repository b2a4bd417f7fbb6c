"""The report of a study: what is in it, what is not, and the files beside it."""

from __future__ import annotations

import csv
from pathlib import Path

import pyarrow as pa
import pytest
from support.studies.fonts import open_fonts
from support.studies.synthetic_study import FACTORS, REPETITIONS, make_study

from plctl.common.base.errors import UserError
from plctl.controller.study_report.effects import effects
from plctl.controller.study_report.layout import lay_out
from plctl.controller.study_report.page import write_study_report
from plctl.results import open_study


@pytest.fixture(scope="module", autouse=True)
def fonts() -> None:
    """Let matplotlib open its fonts, which it keeps open for the life of the process, before leaks are looked for."""
    open_fonts()


def rows_of(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file."""
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_page(tmp_path: Path) -> None:
    """A late run is named and in no figure; every picture has its files."""
    cell = open_study(make_study(tmp_path / "a")).record.cells[0].cell
    study = open_study(make_study(tmp_path / "b", late=[(cell, 2)], undone=[(cell, 3)]))
    path = write_study_report(study)
    text = path.read_text()
    assert study.path / "report.html" == path
    assert "11 ok, 1 not run" in text
    assert "Runs in no figure" in text
    assert "late</td>" in text
    assert "9000" not in text  # Mbit/s that the late run claims
    assert "<td>cubic → bbr</td><td>5</td><td>2 [2, 2] Mbit/s</td>" in text
    assert "<script" not in text
    names = {each.name for each in (path.parent / "figures").iterdir()}
    pictures = {"goodput_bps-boxes", "goodput_bps-cdf", "rate-up", "rate-down"}
    assert {f"{name}.{suffix}" for name in pictures for suffix in ("svg", "pdf", "csv")} <= names
    numbers = rows_of(path.parent / "figures" / "goodput_bps-boxes.csv")
    assert 11 == len(numbers)
    assert max(float(row["goodput_bps"]) for row in numbers) < 9e9


def test_bands_hold_all_repetitions(tmp_path: Path) -> None:
    """Three equal runs: the band has no width, and the median is what each carried."""
    path = write_study_report(open_study(make_study(tmp_path)), ["goodput_bps"])
    band = rows_of(path.parent / "figures" / "rate-up.csv")
    assert {str(REPETITIONS)} == {row["runs"] for row in band}
    assert all(row["low_mbps"] == row["median_mbps"] == row["high_mbps"] for row in band)
    assert 2 == pytest.approx(sum(float(row["median_mbps"]) for row in band) / len(band), rel=0.02)


def test_a_metric_that_is_none(tmp_path: Path) -> None:
    """Named, with those that there are."""
    with pytest.raises(UserError, match="cc-and-buffers has no metric 'link'; there are "):
        write_study_report(open_study(make_study(tmp_path)), ["link"])


def test_layout() -> None:
    """The first factor has colours, the longest of the others the axis; a factor of one level has no place."""
    layout = lay_out({"cc": ("cubic", "bbr"), "one": ("x",), "loss": ("0", "1"), "buffer": ("1", "2", "4")})
    assert ("cc", "buffer", ("loss",), ()) == (layout.colour, layout.axis, layout.panels, layout.pooled)
    assert [{"loss": 0}, {"loss": 1}] == list(layout.panel_keys())
    alone = lay_out({"cc": ("cubic", "bbr")})
    assert (None, "cc", [{}]) == (alone.colour, alone.axis, list(alone.panel_keys()))


def test_levels_of_which_one_is_no_number_are_text() -> None:
    """As the column is that holds them all: 64 and auto are drawn and compared by their words."""
    layout = lay_out({"cc": ("cubic", "bbr"), "buffer": ("64", "auto")})
    assert ["64", "auto"] == layout.levels_of("buffer")
    assert [0.5, 2] == lay_out({"cc": ("cubic", "bbr"), "loss": ("0.5", "2")}).levels_of("loss")


def test_more_panels_than_a_page_can_show_are_pooled() -> None:
    """And said."""
    layout = lay_out({"a": ("1", "2"), "b": "123", "c": "12345", "d": tuple("123456789"), "e": "12"})
    assert ("d", ("b",), ("c",)) == (layout.axis, layout.panels[:1], layout.pooled)
    assert 6 == len(list(layout.panel_keys()))


def test_a_study_with_mixed_levels(tmp_path: Path) -> None:
    """Its report has pictures of every level, and the effect of the one that is a number."""
    folder = make_study(tmp_path)
    path = folder / "study.json"
    path.write_text(path.read_text().replace("0.5bdp", "64"))
    text = write_study_report(open_study(folder), ["goodput_bps"]).read_text()
    assert "<td>64 → 1bdp</td><td>6</td><td>1 [1, 1] Mbit/s</td>" in text


def test_effects_of_a_study_that_has_only_begun(tmp_path: Path) -> None:
    """A level without runs has no effect yet, and stops nothing."""
    study = open_study(make_study(tmp_path))
    table = study.table()
    some = table.filter(pa.compute.equal(table["cc"], "cubic"))
    assert ["buffer"] == [each.factor for each in effects(some, "goodput_bps", FACTORS)]
