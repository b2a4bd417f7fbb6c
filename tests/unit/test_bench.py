"""A session of the bench has the machine to itself, keeps what it has measured, and ends in order."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest
from bench.conftest import end_as_by_a_user, hold_machine
from bench.table import RESULT, Table, row

from plctl.common.base.errors import BusyError


def test_two_sessions_at_once_refuse_each_other(tmp_path: Path) -> None:
    """In a sentence that names the other; once it is over the next may begin."""
    lock = tmp_path / "lock"
    for _ in range(2):
        with hold_machine(lock):
            with pytest.raises(BusyError, match=rf"another bench is running on this machine \(process {os.getpid()}\)"):
                hold_machine(lock)
            assert f"{os.getpid()}\n" == lock.read_text()


def test_every_row_is_written_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has to end a session in order to have what it measured until then."""
    monkeypatch.chdir(tmp_path)
    table = Table()
    for n in (1, 2):
        table.add(row(f"what {n}", "way", "s", [1.0]))
        assert [f"what {i + 1}" for i in range(n)] == [each["what"] for each in json.loads(RESULT.read_text())["rows"]]
    assert [RESULT.name] == [path.name for path in RESULT.parent.iterdir()]


def test_a_session_ends_by_sigterm_as_by_ctrl_c() -> None:
    """So that blocks that it is in are left."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        end_as_by_a_user()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)
