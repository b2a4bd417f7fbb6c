"""Keeps what was read of runs: as long as a file has its time and size, a page that asks again costs no reading."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from plctl.common.base.errors import UserError
from plctl.controller.results.run_reader import RUN_NAME, read_record
from plctl.controller.results.run_record import RunRecord

T = TypeVar("T")

#: Runs whose records are kept; a record of a thousand links takes some megabytes.
_KEPT = 16

_Stamp = tuple[int, int, int]


class FileCache(Generic[T]):
    """What was made of files, the few that were asked for last, as long as they are the same."""

    def __init__(self, make: Callable[[Path], T], kept: int = _KEPT) -> None:
        self._make = make
        self._kept = kept
        self._found: OrderedDict[Path, tuple[_Stamp, T]] = OrderedDict()

    def get(self, path: Path) -> T:
        """What is made of the file `path` as it is now.

        :raises UserError: there is no such file.
        """
        stamp = _stamp(path)
        known = self._found.get(path)
        if known and known[0] == stamp:
            self._found.move_to_end(path)
            return known[1]
        made = self._make(path)
        self._found[path] = (stamp, made)
        while len(self._found) > self._kept:
            self._found.popitem(last=False)
        return made


class RecordCache:
    """The records of runs by their folders."""

    def __init__(self, kept: int = _KEPT) -> None:
        self._cache = FileCache[RunRecord](lambda path: read_record(path.parent), kept)

    def read(self, folder: Path) -> RunRecord:
        """The record in `folder`.

        :raises UserError: there is none, or it cannot be read.
        """
        return self._cache.get(folder / RUN_NAME)

    async def get(self, folder: Path) -> RunRecord:
        """As `read`, in a thread: a thousand links take a while."""
        return await asyncio.to_thread(self.read, folder)


def _stamp(path: Path) -> _Stamp:
    try:
        facts = path.stat()
    except OSError:
        raise UserError(f"there is no run {path.parent.name!r:.80} here") from None
    return facts.st_mtime_ns, facts.st_size, facts.st_ino
