"""Which run a user means, and where it is looked for."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.synthetic_run import RUN, make_run

from plctl.common.base.errors import UserError
from plctl.common.client.options import Reach
from plctl.controller.view.run_source import choose_run, look, open_source, read_events, read_record

KNOWN = ["20261124-080000-leo-00aa", "20261123-120000-leo-7f3a", "20261123-041530-cell-12bb"]


@pytest.mark.parametrize(
    ("word", "index"), [("last", 0), (KNOWN[1], 1), ("7f3a", 1), ("20261123-04", 2), ("20261124", 0)]
)
def test_a_run_has_many_names(word: str, index: int) -> None:
    """Its id, its beginning or its end as far as it is unique; last is the newest."""
    assert KNOWN[index] == choose_run(KNOWN, word, "runs")


def test_a_name_of_two_runs_is_refused() -> None:
    """Both are named, so that the user can say more."""
    with pytest.raises(UserError, match=f"can mean 2 runs: {KNOWN[1]}, {KNOWN[2]}"):
        choose_run(KNOWN, "20261123", "runs")


@pytest.mark.parametrize("word", ["nobody", "", "leo"])
def test_a_name_of_no_run_is_refused(word: str) -> None:
    """Also the middle of an id: it would mean too much."""
    with pytest.raises(UserError, match="no run in runs is called"):
        choose_run(KNOWN, word, "runs")


async def test_a_path_is_a_run_whatever_else_there_is(tmp_path: Path) -> None:
    """Not even a controller that cannot be reached is asked."""
    make_run(tmp_path).close()
    reach = Reach("tcp://nowhere:1", tmp_path / "no-keys")
    async with open_source(reach, tmp_path / "elsewhere", str(tmp_path / RUN)) as (source, run):
        assert (RUN, str(tmp_path)) == (run, source.place)
        assert "handover" == (await read_record(source, run)).name


def test_without_a_run_last_is_refused_with_a_sentence(tmp_path: Path) -> None:
    """Nothing has run yet, and the sentence says where that is."""
    with pytest.raises(UserError, match=f"there is no run in {tmp_path} yet"):
        look(Reach(), tmp_path, "last", read_events)


def test_a_record_that_is_none_is_named(tmp_path: Path) -> None:
    """What is no run.json is not taken for one."""
    make_run(tmp_path).close()
    (tmp_path / RUN / "run.json").write_text("{}")
    with pytest.raises(UserError, match=r"run\.json is not a run's record"):
        look(Reach(), tmp_path, RUN, read_record)
