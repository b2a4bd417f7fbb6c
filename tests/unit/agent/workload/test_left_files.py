"""What programs leave is read if it is a regular file, counted and named if it is anything else, and never blocks."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from plctl.agent.workload import left_files
from plctl.agent.workload.left_files import LeftFiles


def read(folder: Path, bound_bytes: int = 10**6) -> tuple[dict[str, bytes], str]:
    """What is kept, by path, and what is said of the rest."""
    left = LeftFiles(folder, {"own.stdout"}, bound_bytes)
    kept: dict[str, bytes] = {}
    for path, data in left.read(piece_bytes=3):
        kept[path] = kept.get(path, b"") + data
    return kept, left.remark


def test_files_in_folders_are_read_whole(tmp_path: Path) -> None:
    """In pieces, also empty ones; a folder without files leaves nothing."""
    (tmp_path / "qlog" / "a").mkdir(parents=True)
    (tmp_path / "nothing").mkdir()
    (tmp_path / "qlog" / "a" / "c.qlog").write_bytes(b"trace of c")
    (tmp_path / "empty").touch()

    assert read(tmp_path) == ({"empty": b"", "qlog/a/c.qlog": b"trace of c"}, "")


def test_what_is_no_regular_file_is_not_opened(tmp_path: Path) -> None:
    """A FIFO has nobody at its other end, so opening it would never end; a link may lead anywhere."""
    os.mkfifo(tmp_path / "ctl")
    (tmp_path / "latest").symlink_to("/nonexistent")
    (tmp_path / "passwords").symlink_to("/etc/passwd")
    (tmp_path / "root").symlink_to("/")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(tmp_path / "socket"))
    (tmp_path / "kept").write_bytes(b"kept")

    kept, remark = read(tmp_path)

    assert kept == {"kept": b"kept"}
    assert remark == "left out of what programs wrote: 5 that are no regular files (ctl, latest, passwords, …)"


def test_size_bounds_what_is_read(tmp_path: Path) -> None:
    """A file that does not fit is left out as a whole, as half of it would mislead; a smaller one still fits."""
    for name, size in {"a": 60, "b": 50, "c": 40}.items():
        (tmp_path / name).write_bytes(b"x" * size)

    kept, remark = read(tmp_path, bound_bytes=100)

    assert kept == {"a": b"x" * 60, "c": b"x" * 40}
    assert remark == "left out of what programs wrote: 1 beyond 100 B in all (b)"


def test_number_and_depth_bound_what_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files, folders in folders, and entries that are looked at."""
    monkeypatch.setattr(left_files, "FILES_MAX", 2)
    monkeypatch.setattr(left_files, "DEPTH_MAX", 1)
    (tmp_path / "z" / "deep").mkdir(parents=True)
    for name in "abcd":
        (tmp_path / name).write_bytes(b"1")

    kept, remark = read(tmp_path)

    assert sorted(kept) == ["a", "b"]
    assert remark == "left out of what programs wrote: 2 beyond the first 2 (c, d); 1 deeper than 1 folders (z/deep)"
    monkeypatch.setattr(left_files, "ENTRIES_MAX", 1)
    assert "1 from the entry after the first 1 on (b)" in read(tmp_path)[1]


def test_names_that_no_other_host_could_use(tmp_path: Path) -> None:
    """Bytes that are no text, characters that steer a terminal, and the names of plctl's own files."""
    (tmp_path / os.fsdecode(b"\xff\xfe")).touch()
    (tmp_path / "red\x1b[31m").touch()
    (tmp_path / "own.stdout").touch()

    kept, remark = read(tmp_path)

    assert kept == {}
    assert "3 whose names cannot be used (own.stdout, red\\x1b[31m, \\udcff\\udcfe)" in remark
