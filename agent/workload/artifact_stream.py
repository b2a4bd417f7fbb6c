"""Follows the files that workloads write, so that their output reaches the controller while they still run."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

#: The most that one message carries of a file.
PIECE_BYTES = 256 * 1024


class ArtifactStream:
    """The files below `folder`/<link>/, each read once from its beginning to wherever it has grown."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._read: dict[Path, int] = {}

    def read_new(self) -> Iterator[tuple[str, str, bytes]]:
        """(link, file name, bytes) of everything that was written since the last call, in pieces and in order."""
        for path in sorted(self.folder.glob("*/*")):
            with path.open("rb") as file:
                file.seek(self._read.get(path, 0))
                while piece := file.read(PIECE_BYTES):
                    self._read[path] = file.tell()
                    yield path.parent.name, path.name, piece

    def remove(self) -> None:
        """Delete the folder; idempotent."""
        shutil.rmtree(self.folder, ignore_errors=True)
