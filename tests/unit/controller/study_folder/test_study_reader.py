"""A study's folder says what the study asks for, to whoever opens it."""

from __future__ import annotations

from pathlib import Path

import pytest

from plctl.common.base.errors import UserError
from plctl.controller.study_folder.study_reader import STUDY_NAME, is_study, read_study
from plctl.controller.study_folder.study_record import CellRecord, RepetitionRecord, StudyRecord, to_json

RECORD = StudyRecord(
    study="cc",
    seed=1,
    factors={"cc": ("cubic", "bbr")},
    repetitions=2,
    cells=(CellRecord("0a", {"cc": "cubic"}, (RepetitionRecord(1, 2**62, "d1"), RepetitionRecord(2, 5, "d2"))),),
    retry={"late": 2},
)


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    """With every cell on a line of its own, so that people can read it, too."""
    (tmp_path / STUDY_NAME).write_text(to_json(RECORD))
    assert is_study(tmp_path)
    assert RECORD == read_study(tmp_path)
    assert 1 == sum('"cell": "0a"' in line for line in to_json(RECORD).splitlines())


def test_a_repetition_is_found_by_its_digest() -> None:
    """With the cell that it belongs to."""
    cell = RECORD.cells[0]
    assert {"d1": (cell, cell.repetitions[0]), "d2": (cell, cell.repetitions[1])} == RECORD.by_digest()


def test_another_folder_is_refused(tmp_path: Path) -> None:
    """With the file that it lacks, or what is wrong with it."""
    assert not is_study(tmp_path)
    with pytest.raises(UserError, match=r"is not a study's folder: cannot read .*study\.json: No such file"):
        read_study(tmp_path)
    (tmp_path / STUDY_NAME).write_text('{"study": 5}')
    with pytest.raises(UserError, match=r"study\.json is not a study's record: study\.json"):
        read_study(tmp_path)
