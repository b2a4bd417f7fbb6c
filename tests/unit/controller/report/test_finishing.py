"""A controller completes a small folder itself, and leaves what takes long to another process."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from support.synthetic_run import make_run

from plctl.common.base.errors import WorldError
from plctl.controller.report import finishing
from plctl.controller.report.finishing import Finisher


async def test_a_small_folder_without_a_report_needs_no_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a report, or when it is larger, it does."""
    with make_run(tmp_path) as folder:
        path = folder.path
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(WorldError, match="status 1"):
        await Finisher().finish(path)
    monkeypatch.setattr(finishing, "SMALL_BYTES", 0)
    with pytest.raises(WorldError, match="status 1"):
        await Finisher().finish(path, report=False)
    assert not (path / "telemetry.parquet").exists()
    monkeypatch.undo()
    monkeypatch.setattr(sys, "executable", "/bin/false")
    await Finisher().finish(path, report=False)
    assert (path / "telemetry.parquet").exists()
