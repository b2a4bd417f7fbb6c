"""The sources of a run are read from its folder, and from nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from plctl.common.plan.run_request import SourceFile
from plctl.controller.results import source_files

SOURCES = (SourceFile.of("a/leo.csv", "one\r\n"), SourceFile.of("b/leo.csv", "two"))


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run's folder with two sources of the same name, beside a secret."""
    folder = tmp_path / "run"
    folder.mkdir()
    (tmp_path / "secret").write_text("secret")
    source_files.write(folder, source_files.source_names(each.path for each in SOURCES), SOURCES)
    return folder


def test_what_was_written_is_read(run: Path) -> None:
    """Byte for byte, or as much of it as is asked for; of what is gone nothing."""
    names = {"a/leo.csv": "leo.csv", "b/leo.csv": "2-leo.csv", "c.csv": "c.csv"}
    assert {"a/leo.csv": "one\r\n", "b/leo.csv": "two"} == source_files.read(run, names)
    assert {"a/leo.csv": "on", "b/leo.csv": "tw"} == source_files.read(run, names, most=2)


@pytest.mark.parametrize("name", ["../../secret", "/etc/passwd", "link", "."])
def test_a_name_that_leads_elsewhere_brings_nothing(run: Path, name: str) -> None:
    """The names are those of a run.json that others may have written."""
    (run / "sources" / "link").symlink_to(run.parent / "secret")
    assert {} == source_files.read(run, {"spec": name})
