"""`plctl study table` and `report`: files, figures and mistakes."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result
from support.studies.fonts import open_fonts
from support.studies.synthetic_study import NAME, goodput_bps, make_study

from plctl.common.cli.root_command import root


@pytest.fixture(scope="module", autouse=True)
def fonts() -> None:
    """Let matplotlib open its fonts before leaks are looked for."""
    open_fonts()


def ask(*words: str | Path, at: Path) -> Result:
    """What `plctl study …` says about the studies in `at`."""
    return CliRunner().invoke(root, ["study", *map(str, words), "--studies", str(at)])


def test_table_and_summary(tmp_path: Path) -> None:
    """The file has every row; the summary is of the groups that were asked for."""
    make_study(tmp_path)
    out = tmp_path / "cells.parquet"
    done = ask("table", NAME, "-o", out, "--metric", "goodput_bps", "--by", "cc", "--json", at=tmp_path)
    assert 0 == done.exit_code, done.output
    assert 12 == pq.ParquetFile(out).read(use_threads=False).num_rows
    document = json.loads(done.output[done.output.index("{") :])
    cubic = document["groups"][0]
    assert ({"cc": "cubic"}, 6, 0) == (cubic["group"], cubic["n"], cubic["left_out"])
    values = [goodput_bps({"cc": "cubic", "buffer": b}, n) for b in ("0.5bdp", "1bdp") for n in (1, 2, 3)]
    assert sum(values) / 6 == pytest.approx(cubic["mean"]["value"])
    plain = ask("table", NAME, "--metric", "goodput_bps", at=tmp_path)
    assert "3.02e+06 [3.01e+06, 3.03e+06]" in plain.output


def test_report(tmp_path: Path) -> None:
    """Where it was asked for, with its figures beside it."""
    make_study(tmp_path)
    out = tmp_path / "paper" / "page.html"
    out.parent.mkdir()
    done = ask("report", NAME, "--metric", "goodput_bps", "--out", out, at=tmp_path)
    assert (0, [str(out)]) == (done.exit_code, done.output.split())
    assert (out.parent / "figures" / "goodput_bps-boxes.pdf").exists()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["table", NAME], "say what to make: -o cells.parquet"),
        (["table", NAME, "-o", "x.xlsx"], "x.xlsx should end in .parquet or .csv"),
        (["table", NAME, "--metric", "speed"], "the table has no column 'speed'"),
        (["table", NAME, "--metric", "x", "--read", "client"], "expected WORKLOAD=READER"),
        (["table", NAME, "--metric", "x", "--read", "client=iperf"], "no reader of metrics is called 'iperf'"),
        (["report", "nothing"], "no study that was run is called 'nothing'"),
    ],
)
def test_mistakes(words: list[str], says: str, tmp_path: Path) -> None:
    """In a sentence, and nothing is written."""
    make_study(tmp_path)
    done = ask(*words, at=tmp_path)
    assert 0 != done.exit_code
    assert says in str(done.exception) + done.output
    assert not Path("x.xlsx").exists()
