"""What workloads write is read once, whole, and in order."""

from __future__ import annotations

from pathlib import Path

from plctl.agent.workload.artifact_stream import PIECE_BYTES, ArtifactStream


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
