"""A study's folder as one tidy table: every run is in it, only those that count and are ok enter a summary."""

from __future__ import annotations

from pathlib import Path
from statistics import fmean

import pyarrow.compute as pc
import pytest
from support.studies.synthetic_study import FACTORS, NAME, REPETITIONS, goodput_bps, make_study

from plctl.common.base.errors import UserError
from plctl.results import compare, open_study, summarise


def test_a_row_for_each_run_link_and_flow(tmp_path: Path) -> None:
    """Factors first; numbers as the program printed them."""
    study = open_study(make_study(tmp_path))
    table = study.table()
    assert ["cc", "buffer", "cell", "repetition", "counts"] == table.column_names[:5]
    assert 2 * 2 * REPETITIONS == table.num_rows == len(study.runs())
    for row in table.to_pylist():
        assert goodput_bps(row, row["repetition"]) == row["goodput_bps"]
        assert ("leo", "client", "ok", "ok") == (row["link"], row["workload"], row["verdict"], row["link_verdict"])
    assert (NAME, FACTORS) == (study.name, study.factors)


def test_a_late_run_is_in_the_table_and_in_no_figure(tmp_path: Path) -> None:
    """It was retried: the second run stands for the repetition."""
    plain = open_study(make_study(tmp_path / "a"))
    cell = plain.record.cells[0].cell
    study = open_study(make_study(tmp_path / "b", late=[(cell, 2)], undone=[(cell, 3)]))
    table = study.table()
    late = table.filter(pc.equal(table["verdict"], "late"))
    assert [(9e9, False)] == list(zip(late["goodput_bps"].to_pylist(), late["counts"].to_pylist(), strict=True))
    first, *others = summarise(table, "goodput_bps", ["cc", "buffer"])
    values = [goodput_bps(plain.record.cells[0].values, n) for n in (1, 2)]
    assert (2, 1, fmean(values)) == (first.n, first.left_out, first.mean.value)
    assert first.mean.low is None
    assert [3, 3, 3] == [each.n for each in others]
    assert 11 == len(study.runs())
    assert 12 == len(study.runs(all_attempts=True))
    states = study.repetitions().to_pylist()[:3]
    assert [("ok", 1), ("ok", 2), (None, 0)] == [(each["verdict"], each["attempts"]) for each in states]


def test_a_late_run_without_a_better_one_is_left_out(tmp_path: Path) -> None:
    """It stands for its repetition, and still enters nothing."""
    cell = open_study(make_study(tmp_path / "a")).record.cells[0].cell
    table = open_study(make_study(tmp_path / "b", late=[(cell, 2)], undone=[(cell, 2)])).table()
    assert [True] == table.filter(pc.equal(table["verdict"], "late"))["counts"].to_pylist()
    first = summarise(table, "goodput_bps", ["cc", "buffer"])[0]
    assert (2, 1) == (first.n, first.left_out)


def test_pairs(tmp_path: Path) -> None:
    """BBR claims 2 Mbit/s more in each pair, so the interval has no width."""
    table = open_study(make_study(tmp_path)).table()
    for found in compare(table, "goodput_bps", "cc", "cubic", "bbr", pair_by=["buffer", "repetition"], by=["buffer"]):
        assert (3, 0) == (found.pairs, found.unpaired)
        assert (2e6, 2e6, 2e6) == (found.difference.value, found.difference.low, found.difference.high)


def test_pairs_that_are_not_clear(tmp_path: Path) -> None:
    """Repetitions that are not told apart are no pairs."""
    table = open_study(make_study(tmp_path)).table()
    with pytest.raises(UserError, match="several rows are alike in buffer"):
        compare(table, "goodput_bps", "cc", "cubic", "bbr", pair_by=["buffer"])
    with pytest.raises(UserError, match="cc has no level 'reno'; it has bbr, cubic"):
        compare(table, "goodput_bps", "cc", "cubic", "reno", pair_by=["buffer", "repetition"])


def test_output_that_cannot_be_read_is_told_of(tmp_path: Path) -> None:
    """The row stays, with the reason."""
    row = open_study(make_study(tmp_path)).table({"client": "ping"}).to_pylist()[0]
    assert row["flow"] is None
    assert "ping cannot read the output of client: no line in it begins with PING" in row["problem"]


def test_output_that_cannot_be_read_is_left_out_by_number(tmp_path: Path) -> None:
    """An ok run whose program was cut off is in no mean, and is counted where the mean stands."""
    folder = make_study(tmp_path)
    first = open_study(folder).runs()[0]
    (first.path / "artifacts" / "leo" / "client.stdout").write_text("cut off")
    table = open_study(folder).table()
    found = summarise(table, "goodput_bps", ["cc", "buffer"])[0]
    assert (2, 1) == (found.n, found.left_out)


def test_nothing_was_run(tmp_path: Path) -> None:
    """A sentence in place of an empty table."""
    folder = make_study(tmp_path)
    (folder / "journal.jsonl").unlink()
    with pytest.raises(UserError, match="no run of this study is over yet"):
        open_study(folder).table()
    with pytest.raises(UserError, match="is not a study's folder"):
        open_study(tmp_path)
