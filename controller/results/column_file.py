"""Keeps rows of numbers on disk so that they can be read at any moment, and ends them as Parquet in closed row groups.

A Parquet file has its index at the end and cannot be read before it is closed. So rows are appended to an Arrow IPC
stream, which is readable up to its last whole batch, also after a crash. A stream with a million rows is turned into a
Parquet file in the background, and removed, while the next one takes what comes:

    NAME.parts/000001.parquet     closed
    NAME.parts/000002.arrows      full, on its way to Parquet
    NAME.parts/000003.arrows      open

In the end, what fits into one part becomes the file NAME.parquet; more becomes a folder of that name with the parts in
it, which pandas, Arrow and Spark read by that name as they read a file. So the end of a long run takes no longer than
that of a short one, and neither needs more memory than a row group.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from io import FileIO
from itertools import chain
from pathlib import Path
from typing import Self

import pyarrow as pa
import pyarrow.compute as pc

from plctl.controller.results import column_parts
from plctl.controller.results.column_parts import PARQUET_SUFFIX, STREAM_SUFFIX, Columns, RunTable
from plctl.controller.results.disk_errors import write_whole
from plctl.controller.results.part_closer import PartCloser

#: A part has about so many rows: a quarter of a gigabyte of telemetry as a stream, a fifth of that as Parquet.
PART_ROWS = 2**20
END_OF_STREAM = b"\xff\xff\xff\xff\0\0\0\0"


class ColumnWriter:
    """The open parts of a run that goes on. Made by `create` or `reopen`."""

    def __init__(self, folder: Path, columns: Columns, run: str, number: int) -> None:
        self._folder = folder
        self._columns = columns
        self._run = run
        self._t0_by_host: dict[str, int] = {}
        self._number, self._rows = number, 0
        self._path, self._file = self._open(number)
        self._closer = PartCloser(columns.name)

    @classmethod
    def create(cls, run_folder: Path, columns: Columns, run: str) -> Self:
        """Begin in `run_folder`, where nothing of that name may be.

        :raises OSError: it cannot be created or written.
        """
        folder = parts_folder(run_folder, columns)
        folder.mkdir()
        return cls(folder, columns, run, 1)

    @classmethod
    def reopen(cls, run_folder: Path, columns: Columns, run: str) -> Self:
        """Go on in `run_folder` after a crash. What was written stays, but for a batch that was cut off.

        :raises OSError: it cannot be read or written.
        """
        folder = parts_folder(run_folder, columns)
        folder.mkdir(exist_ok=True)
        for draft in folder.glob("*.tmp"):
            draft.unlink()
        return cls(folder, columns, run, 1 + max((int(part.stem) for part in column_parts.files(folder)), default=0))

    def start(self, t0_by_host: Mapping[str, int]) -> None:
        """T0 on each host's own clock is known: from now on parts may be closed."""
        self._t0_by_host = dict(t0_by_host)

    @property
    def end(self) -> tuple[Path, int]:
        """The open part's file, and how many bytes are in it."""
        return self._path, self._file.tell()

    def append(self, batch: pa.RecordBatch) -> None:
        """Add a batch of the columns' `stream`, whole or not at all.

        :raises OSError: the disk refuses.
        """
        if self._rows >= PART_ROWS and self._t0_by_host:
            self._next_part()
        write_whole(self._file, memoryview(batch.serialize()))  # half a batch would hide all that come after it
        self._rows += self._columns.count(batch)

    def close(self) -> None:
        """End the stream and wait for what happens in the background. Twice is harmless."""
        try:
            _end(self._file)
        finally:
            self._closer.close()

    def _open(self, number: int) -> tuple[Path, FileIO]:
        path = self._folder / f"{number:06}{STREAM_SUFFIX}"
        file = path.open("xb", buffering=0)
        try:
            write_whole(file, memoryview(self._columns.stream.serialize()))
        except OSError:
            file.close()
            path.unlink()
            raise
        return path, file

    def _next_part(self) -> None:
        if self._closer.busy:
            return  # one at a time: a slow disk makes larger parts, not a queue of them
        stream, full = self._path, self._file
        self._path, self._file = self._open(self._number + 1)
        self._number, self._rows = self._number + 1, 0
        _end(full)
        self._closer.put(stream, RunTable(self._columns, self._run, self._t0_by_host))


def parts_folder(run_folder: Path, columns: Columns) -> Path:
    """Where the parts are while a run goes on."""
    return run_folder / f"{columns.name}.parts"


def target(run_folder: Path, columns: Columns) -> Path:
    """What they become: a file, or a folder."""
    return run_folder / f"{columns.name}{PARQUET_SUFFIX}"


def finish(run_folder: Path, run_table: RunTable) -> Path:
    """Turn the closed parts in `run_folder` into their `target`, and return that. Once more is harmless.

    :raises OSError: the disk refuses; what was written is left readable.
    """
    folder, path = parts_folder(run_folder, run_table.columns), target(run_folder, run_table.columns)
    if not folder.exists():
        return path
    parts = column_parts.files(folder)
    if sum(column_parts.count(part, run_table.columns) for part in parts) <= PART_ROWS:
        draft = path.with_name(path.name + ".tmp")
        rows = chain.from_iterable(column_parts.tables(part, run_table) for part in parts)
        column_parts.write_parquet(draft, rows, run_table.columns)
        draft.replace(path)
        for leftover in folder.iterdir():
            leftover.unlink()
        folder.rmdir()
    else:
        for part in parts:
            if part.suffix == STREAM_SUFFIX:
                column_parts.to_parquet(part, run_table)
        folder.replace(path)
    return path


def read(run_folder: Path, run_table: RunTable, links: Sequence[str] | None = None) -> pa.Table:
    """What is in `run_folder`, of all links or only of `links`, whether its run is over, goes on or was cut off.

    :raises OSError: there is nothing, or it cannot be read.
    """
    path = target(run_folder, run_table.columns)
    folder = path if path.exists() else parts_folder(run_folder, run_table.columns)
    with column_parts.legible(path):
        parts = [path] if path.is_file() else column_parts.files(folder)
        tables: Iterator[pa.Table] = chain.from_iterable(column_parts.tables(part, run_table) for part in parts)
        if links is not None:
            wanted = pa.array(links, pa.string())
            tables = (table.filter(pc.is_in(table["link"], wanted)) for table in tables)
        return pa.concat_tables([run_table.columns.final.empty_table(), *column_parts.within_memory(tables)])


def _end(file: FileIO) -> None:
    """A stream without its end is read as one that goes on, so a disk that has no room for it takes nothing away."""
    if not file.closed:
        with file, suppress(OSError):
            write_whole(file, END_OF_STREAM)
