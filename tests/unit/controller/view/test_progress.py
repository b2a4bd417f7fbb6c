"""Work that takes long says how far it is; work that does not says nothing."""

from __future__ import annotations

import pytest

from plctl.controller.view import progress


def test_short_work_is_not_talked_about(capsys: pytest.CaptureFixture[str]) -> None:
    """Not by an empty line either."""
    with progress.reading("cells") as tell:
        tell(1, 2)
        tell(2, 2)
    assert ("", "") == capsys.readouterr()


def test_long_work_is_told_of_in_lines_where_there_is_no_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Now and then."""
    clock = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock[0])
    with progress.reading("cells") as tell:
        for done in range(1, 14):
            clock[0] += 1.0
            tell(done, 13)
    assert ("", "reading cells: 2 of 13\nreading cells: 7 of 13\nreading cells: 12 of 13\n") == capsys.readouterr()
