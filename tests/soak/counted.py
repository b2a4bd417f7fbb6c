"""Counts what a process and a host have between runs: descriptors, threads, memory, files, as numbers by name."""

from __future__ import annotations

import os
from pathlib import Path

#: Of smaps_rollup, in KiB there: everything in memory, what nobody else has, and what is locked. What several processes
#: have is shared out among them in the PSS, which therefore changes when another process of the machine ends.
_MEMORY = {
    "Rss": "RSS KiB",
    "Private_Clean": "private KiB",
    "Private_Dirty": "private KiB",
    "Locked": "locked KiB",
}


def of_process(pid: int) -> dict[str, float]:
    """Descriptors, threads and memory of a process.

    :raises OSError: there is none.
    """
    folder = Path(f"/proc/{pid}")
    found = {
        "descriptors": float(len(os.listdir(folder / "fd"))),  # noqa: PTH208  (only how many)
        "threads": float(len(os.listdir(folder / "task"))),  # noqa: PTH208  (as above)
    }
    for line in (folder / "smaps_rollup").read_text().splitlines():
        name, _, rest = line.partition(":")
        if name in _MEMORY:
            found[_MEMORY[name]] = found.get(_MEMORY[name], 0.0) + float(rest.split()[0])
    return found


def of_folder(folder: Path) -> float:
    """KiB that the files below take on their disk."""
    total = 0
    for path in folder.rglob("*"):
        try:
            if path.is_file():
                total += path.stat().st_blocks * 512
        except OSError:  # it went just now
            continue
    return total / 1024
