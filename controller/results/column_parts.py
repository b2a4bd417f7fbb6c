"""The parts in which rows of numbers lie on disk: Arrow streams while they are open, Parquet files once closed."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from plctl.common.base.units import NS_PER_S, format_size

STREAM_SUFFIX = ".arrows"
PARQUET_SUFFIX = ".parquet"
_ROWS_PER_GROUP = 131_072


#: What every row has beside what its agent reported: column → its type, and what it says.
ADDED: dict[str, tuple[pa.DataType, str]] = {
    "run": (pa.string(), "id of the run"),
    "t_s": (pa.float64(), "time of the row since T0, on the host's own clock; null if the run was never armed"),
    "host": (pa.string(), "whose agent reported it"),
    "t_controller_ns": (pa.int64(), "time of the row on the controller's CLOCK_MONOTONIC"),
}


@dataclass(frozen=True)
class Columns:
    """What is in a file: its name and its columns, among them `host` and `t_ns`, the host's monotonic clock."""

    name: str
    schema: pa.Schema

    @property
    def final(self) -> pa.Schema:
        """The Parquet file's: also `run`, and `t_s`, seconds since T0 on the host's own clock (null if never armed)."""
        return pa.schema([*((name, ADDED[name][0]) for name in ("run", "t_s")), *self.schema])

    @property
    def stream(self) -> pa.Schema:
        """That of an open part, where it is another than `schema`: whatever is quickest to write."""
        return self.schema

    def count(self, batch: pa.RecordBatch) -> int:
        """How many rows there are in a batch of an open part."""
        return int(batch.num_rows)

    def table(self, batches: Sequence[pa.RecordBatch]) -> pa.Table:
        """The rows in batches of an open part, in the columns of `schema`."""
        return pa.Table.from_batches(batches, self.schema)


@dataclass(frozen=True, slots=True)
class RunTable:
    """What turns rows into those of one run: its id, and T0 on each host's own clock, as far as that is known."""

    columns: Columns
    run: str
    t0_by_host: Mapping[str, int]

    def timed(self, table: pa.Table) -> pa.Table:
        """`table` with its run and the time since T0 on the host that each row is of."""
        hosts, t0 = pa.array(self.t0_by_host, pa.string()), pa.array(self.t0_by_host.values(), pa.int64())
        since = pc.subtract(table["t_ns"], t0.take(pc.index_in(table["host"], hosts)))
        seconds = pc.divide(pc.cast(since, pa.float64()), float(NS_PER_S))
        return pa.table([pa.repeat(self.run, table.num_rows), seconds, *table.columns], schema=self.columns.final)


@contextmanager
def legible(path: Path) -> Iterator[None]:
    """Turn whatever Arrow says of a file that anybody may have written into an OSError."""
    try:
        yield
    except OSError:
        raise
    except (pa.ArrowException, ArithmeticError, LookupError, MemoryError, TypeError, ValueError) as error:
        raise OSError(f"{path.name} is damaged: {error}") from error


def within_memory(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """`tables`, as long as all together fit into memory: a file of some kilobytes may hold a billion rows.

    :raises OSError: they do not.
    """
    size = 0
    for table in tables:
        size += table.nbytes
        require_memory(size)
        yield table


def require_memory(size: int) -> None:
    """Return if `size` bytes of rows may be held: half of this machine's memory.

    :raises OSError: they may not.
    """
    most = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    if size > most:
        raise OSError(f"its rows take more memory than the {format_size(most)} that they may take here")


def files(folder: Path) -> list[Path]:
    """The parts in `folder` in order, each once: for a moment, a stream and its Parquet file both exist."""
    kinds = (STREAM_SUFFIX, PARQUET_SUFFIX)
    found = sorted(path for path in folder.iterdir() if path.suffix in kinds and path.stem.isdecimal())
    return [path for path in found if path.suffix == PARQUET_SUFFIX or path.with_suffix(PARQUET_SUFFIX) not in found]


def count(part: Path, columns: Columns) -> int:
    """How many rows `part` has."""
    if part.suffix == PARQUET_SUFFIX:
        return int(pq.read_metadata(part).num_rows)
    return sum(map(columns.count, _batches(part)))


def tables(part: Path, run_table: RunTable) -> Iterator[pa.Table]:
    """What is in `part`, a row group at a time.

    :raises OSError: it cannot be read.
    """
    if part.suffix == PARQUET_SUFFIX or not part.exists():  # meanwhile it became Parquet
        return _parquet_tables(part.with_suffix(PARQUET_SUFFIX), run_table)
    return (run_table.timed(run_table.columns.table(group)) for group in _groups(_batches(part), run_table.columns))


def to_parquet(stream: Path, run_table: RunTable) -> None:
    """Put a Parquet file in the place of `stream`.

    :raises OSError: the disk refuses; the stream is left as it was.
    """
    draft = stream.with_suffix(".tmp")
    write_parquet(draft, tables(stream, run_table), run_table.columns)
    draft.replace(stream.with_suffix(PARQUET_SUFFIX))
    stream.unlink()


def write_parquet(path: Path, rows: Iterator[pa.Table], columns: Columns) -> None:
    """Write `rows` as a Parquet file: words by number, and numbers by how they differ from those before.

    :raises OSError: the disk refuses.
    """
    schema = columns.final
    words = [field.name for field in schema if pa.types.is_string(field.type)]
    deltas = {field.name: "DELTA_BINARY_PACKED" for field in schema if pa.types.is_int64(field.type)}
    with pq.ParquetWriter(path, schema, compression="zstd", use_dictionary=words, column_encoding=deltas) as writer:
        for table in rows:
            writer.write_table(table, row_group_size=_ROWS_PER_GROUP)


def _parquet_tables(path: Path, run_table: RunTable) -> Iterator[pa.Table]:
    """The contents of a Parquet file without Arrow's pool of threads, which would outlive the call."""
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(_ROWS_PER_GROUP, use_threads=False):
            yield fitted(pa.Table.from_batches([batch]), run_table.columns.final)


def fitted(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """`table` of another version of plctl in the columns of this one: null is what that one did not write."""
    rows = table.num_rows
    return pa.table(
        [
            table[field.name].cast(field.type) if field.name in table.column_names else pa.nulls(rows, field.type)
            for field in schema
        ],
        schema=schema,
    )


def _groups(batches: Iterator[pa.RecordBatch], columns: Columns) -> Iterator[list[pa.RecordBatch]]:
    """`batches`, gathered so that each list is worth a row group."""
    gathered: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        gathered.append(batch)
        rows += columns.count(batch)
        if rows >= _ROWS_PER_GROUP:
            yield gathered
            gathered, rows = [], 0
    if gathered:
        yield gathered


def _batches(stream: Path) -> Iterator[pa.RecordBatch]:
    """Every whole batch of `stream`; one that was cut off ends it."""
    with stream.open("rb") as file:
        try:
            yield from pa.ipc.open_stream(file)
        except (pa.ArrowInvalid, EOFError):
            return
        except OSError as error:
            if error.errno is not None:  # Arrow reports a cut-off message as an OSError without a number
                raise
