"""What workloads write is read once, whole, and in order."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from plctl.agent.workload.artifact_stream import FILES, PIECE_BYTES, ArtifactStream


def test_growth_is_read_once_in_pieces(tmp_path: Path) -> None:
    """Concatenating the pieces of a file gives the file, whenever it grew."""
    (tmp_path / "leo-0").mkdir()
    path = tmp_path / "leo-0" / "client.stdout"
    stream = ArtifactStream(tmp_path)
    first, second = b"a" * (PIECE_BYTES + 1), b"b"
    path.write_bytes(first)
    pieces = list(stream.read_new())
    assert [PIECE_BYTES, 1] == [len(data) for _, _, data in pieces]
    assert [] == list(stream.read_new())
    path.write_bytes(first + second)
    assert [("leo-0", "client.stdout", second)] == list(stream.read_new())


def test_removal_is_idempotent(tmp_path: Path) -> None:
    """Removing twice leaves nothing and complains of nothing."""
    stream = ArtifactStream(tmp_path / "run")
    stream.folder.mkdir()
    stream.remove()
    stream.remove()
    assert not stream.folder.exists()


def test_what_was_handed_on_takes_no_disk(tmp_path: Path) -> None:
    """But for the last of it, where a program's last words are looked for."""
    (tmp_path / "leo-0").mkdir()
    path = tmp_path / "leo-0" / "client.stderr"
    stream = ArtifactStream(tmp_path)
    path.write_bytes(b"x" * 8_000_000 + b"last words")

    assert sum(len(data) for _, _, data in stream.read_new()) == 8_000_010

    assert path.stat().st_blocks * 512 < 200_000
    assert path.read_bytes().endswith(b"last words")


def test_an_output_is_bounded_and_what_is_missing_is_told(tmp_path: Path) -> None:
    """The first bytes are kept, whatever else is printed takes no disk, and the neighbour's is not touched."""
    (tmp_path / "leo-0").mkdir()
    chatty, quiet = tmp_path / "leo-0" / "chatty.stdout", tmp_path / "leo-0" / "quiet.stdout"
    stream = ArtifactStream(tmp_path, bound_bytes=1_000_000)
    quiet.write_bytes(b"ping")
    kept = {"chatty.stdout": b"", "quiet.stdout": b""}
    for _ in range(4):
        with chatty.open("ab") as file:
            file.write(os.urandom(600_000))
        for _, name, data in stream.read_new():
            kept[name] += data

    assert (len(kept["chatty.stdout"]), kept["quiet.stdout"]) == (1_000_000, b"ping")
    assert chatty.stat().st_blocks * 512 < 200_000
    ((link, missing),) = stream.left_out()
    assert link == "leo-0"
    assert missing.startswith("of 2.4 MB in chatty.stdout only the first 1 MB were kept")


@pytest.mark.parametrize(("when", "kept"), [("before it was read", "0 B"), ("later", "4 B")])
def test_an_output_that_somebody_deletes_is_named(tmp_path: Path, when: str, kept: str) -> None:
    """With how much of it was kept; an empty file in its place would be believed."""
    (tmp_path / "leo").mkdir()
    stream = ArtifactStream(tmp_path)
    for kind in ("stdout", "stderr"):
        (tmp_path / "leo" / f"ping.{kind}").write_bytes(b"ping" if kind == "stdout" else b"")
    stream.expect("leo", "ping")
    if when == "later":
        assert [("leo", "ping.stdout", b"ping")] == list(stream.read_new())
    (tmp_path / "leo" / "ping.stdout").unlink()
    assert [] == list(stream.read_new())
    ((link, missing),) = stream.left_out()
    assert ("leo", True, True) == (link, missing.startswith("ping.stdout was deleted"), missing.endswith(kept))


def test_an_output_that_its_program_empties_is_read_anew(tmp_path: Path) -> None:
    """As `> /dev/stdout` in a shell does."""
    (tmp_path / "leo-0").mkdir()
    path = tmp_path / "leo-0" / "client.stdout"
    stream = ArtifactStream(tmp_path)
    path.write_bytes(b"first")
    read = [data for _, _, data in stream.read_new()]
    path.write_bytes(b"new")

    assert read + [data for _, _, data in stream.read_new()] == [b"first", b"new"]


def test_what_programs_leave_is_read_once_they_have_ended(tmp_path: Path) -> None:
    """Not while they may write it again, and never in the place of plctl's own files."""
    files = tmp_path / "leo-0" / FILES
    (files / "qlog").mkdir(parents=True)
    (files / "qlog" / "c.qlog").write_text("trace")
    (files / "w.stdout").write_text("not what w printed")
    (tmp_path / "leo-0" / "w.stdout").write_text("printed")
    stream = ArtifactStream(tmp_path)
    remarks: list[tuple[str, str]] = []

    assert list(stream.read_new()) == [("leo-0", "w.stdout", b"printed")]
    assert list(stream.read_files(remarks)) == [("leo-0", "qlog/c.qlog", b"trace")]
    assert remarks == [("leo-0", "left out of what programs wrote: 1 whose names cannot be used (w.stdout)")]
