"""Whoever asks for a run's files gets those, and nothing else of the machine."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plctl.common.base.errors import PlctlError, UserError
from plctl.common.protocol.requests import MAX_FILE_PART, FileInfo, FilePart
from plctl.controller.results.run_files import list_files, read_file


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run's folder with a secret beside it, links to that, a pipe, and a draft."""
    (tmp_path / "secret").write_text("secret")
    folder = tmp_path / "run"
    (folder / "artifacts" / "x").mkdir(parents=True)
    (folder / "run.json").write_text("{}")
    (folder / "run.json.tmp").write_text("{")
    (folder / "artifacts" / "x" / "out").write_text("0123456789")
    (folder / "link").symlink_to(tmp_path / "secret")
    (folder / "up").symlink_to(tmp_path)
    os.mkfifo(folder / "pipe")
    return folder


def test_a_list_has_the_regular_files_in_order(run: Path) -> None:
    """With their sizes; links, pipes and drafts are no files of a run."""
    assert (FileInfo("artifacts/x/out", 10), FileInfo("run.json", 2)) == list_files(run).files


@pytest.mark.parametrize(
    ("offset", "length", "expected"),
    [(0, 4, (0, b"0123")), (8, 4, (8, b"89")), (-3, 9, (7, b"789")), (-99, 2, (0, b"01")), (99, 4, (10, b"")),
     (2, -1, (2, b"")), (0, 2**62, (0, b"0123456789"))],
)  # fmt: skip
def test_a_part_is_what_is_there(run: Path, offset: int, length: int, expected: tuple[int, bytes]) -> None:
    """From either end, never more than there is, and with the place where it begins."""
    part = read_file(run, "artifacts/x/out", offset, length, over=True)
    assert FilePart(expected[1], expected[0], 10, over=True) == part


def test_no_answer_is_larger_than_the_limit(run: Path) -> None:
    """However much is asked for."""
    (run / "large").write_bytes(bytes(MAX_FILE_PART + 1))
    assert MAX_FILE_PART == len(read_file(run, "large", 0, 2 * MAX_FILE_PART, over=False).data)


@pytest.mark.parametrize(
    "path",
    ["../secret", "link", "up/secret", "artifacts/../../secret", "/etc/passwd", "", ".", "artifacts", "pipe", "a\0b",
     "artifacts//x/out", "artifacts/x/out/", "none", "run.json/none", "x" * 5000, "up"],
)  # fmt: skip
def test_nothing_else_can_be_read(run: Path, path: str) -> None:
    """Neither what is outside, however the path gets there, nor what is no regular file."""
    with pytest.raises(UserError):
        read_file(run, path, 0, 100, over=True)


@given(st.lists(st.sampled_from(["..", ".", "", "link", "up", "run", "secret", "run.json", "artifacts", "x", "out"])))
def test_no_path_leads_to_the_secret(tmp_path_factory: pytest.TempPathFactory, parts: list[str]) -> None:
    """Whatever components a path is made of."""
    base = tmp_path_factory.getbasetemp() / "secrets"
    (base / "run" / "artifacts" / "x").mkdir(parents=True, exist_ok=True)
    (base / "secret").write_text("secret")
    (base / "run" / "run.json").write_text("{}")
    for name, target in (("link", base / "secret"), ("up", base)):
        if not (base / "run" / name).is_symlink():
            (base / "run" / name).symlink_to(target)
    with contextlib.suppress(PlctlError):
        assert b"secret" != read_file(base / "run", "/".join(parts), 0, 100, over=True).data
