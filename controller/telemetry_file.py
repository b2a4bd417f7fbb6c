"""Keeps telemetry on disk so that it can be read at any moment, also after a crash, and ends as one Parquet file.

A Parquet file has its index at the end and cannot be read before it is closed. So while a run goes on, batches are
appended to an Arrow IPC stream (`telemetry.arrows`), which is readable up to its last whole batch; at the end it is
rewritten as `telemetry.parquet` and removed. A folder of numbered Parquet parts would also do, but leaves hundreds of
small files behind a crash and makes every reader glue them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from plctl.common.errors import ProtocolError
from plctl.common.plan import DIRECTIONS
from plctl.common.telemetry import SAMPLE_COLUMNS, Samples
from plctl.common.units import NS_PER_S

STREAM_NAME = "telemetry.arrows"
PARQUET_NAME = "telemetry.parquet"
_ROWS_PER_GROUP = 131_072

_WORDS = ("link", "direction")
_STREAM_SCHEMA = pa.schema(
    [
        ("host", pa.string()),
        ("t_controller_ns", pa.int64()),
        *((name, pa.string() if name in _WORDS else pa.int64()) for name in SAMPLE_COLUMNS),
    ]
)
#: The columns of telemetry.parquet: a sample's, its host and run, its end on the controller's clock, and `t_s`, seconds
#: since T0 on its host's own clock, by which its scenario goes (null if never armed).
SCHEMA = pa.schema([("run", pa.string()), ("t_s", pa.float64()), *_STREAM_SCHEMA])
_DIRECTIONS = pa.array(DIRECTIONS, pa.string())


class TelemetryWriter:
    """The open stream of a run that goes on."""

    def __init__(self, folder: Path) -> None:
        """Begin `folder`/telemetry.arrows, which must not exist.

        :raises OSError: it cannot be created or written.
        """
        self._file = (folder / STREAM_NAME).open("xb", buffering=0)
        self._stream = pa.ipc.new_stream(self._file, _STREAM_SCHEMA)

    def append(self, host: str, samples: Samples, offset_ns: int) -> None:
        """Write samples of `host`, whose clock `offset_ns` translates to the controller's.

        :raises ProtocolError: a time is beyond 64 bits.
        :raises OSError: the disk refuses.
        """
        numbers = {name: _numbers(samples.columns[name]) for name in SAMPLE_COLUMNS}
        try:
            controller = pc.add_checked(numbers["t_ns"], pa.scalar(offset_ns, pa.int64()))
        except (pa.ArrowException, OverflowError) as error:
            raise ProtocolError(f"telemetry of {host}: {error}") from None
        numbers["link"] = pa.array(samples.links, pa.string()).take(numbers["link"])
        numbers["direction"] = _DIRECTIONS.take(numbers["direction"])
        hosts = pa.repeat(pa.scalar(host), len(samples))
        batch = pa.RecordBatch.from_arrays([hosts, controller, *numbers.values()], schema=_STREAM_SCHEMA)
        end = self._file.tell()
        try:
            self._stream.write_batch(batch)
        except OSError:  # half a batch would hide all that come after it
            self._file.truncate(end)
            self._file.seek(end)
            raise

    def close(self) -> None:
        """End the stream. Twice is harmless.

        :raises OSError: the disk refuses; the file is closed all the same, and readable.
        """
        with closing(self._file):
            if not self._file.closed:
                self._stream.close()


def finish(folder: Path, run: str, t0_by_host: Mapping[str, int]) -> Path:
    """Turn the closed stream in `folder` into telemetry.parquet, then remove the stream; return the Parquet file.

    `t0_by_host` holds T0 on each host's own clock.

    :raises OSError: the disk refuses; the stream is left as it was.
    """
    stream, target = folder / STREAM_NAME, folder / PARQUET_NAME
    draft = target.with_suffix(".parquet.tmp")
    with pq.ParquetWriter(draft, SCHEMA, compression="zstd") as writer:
        for table in _row_groups(stream):
            writer.write_table(_timed(table, run, t0_by_host), row_group_size=_ROWS_PER_GROUP)
    draft.replace(target)
    stream.unlink()
    return target


def read(folder: Path, run: str, t0_by_host: Mapping[str, int], *, links: Sequence[str] | None = None) -> pa.Table:
    """The telemetry in `folder`, of all links or only of `links`, whether its run is over, goes on or was cut off.

    :raises OSError: there is none, or it cannot be read.
    """
    target = folder / PARQUET_NAME
    if target.exists():
        tables = _parquet_groups(target)
    else:
        tables = (_timed(table, run, t0_by_host) for table in _row_groups(folder / STREAM_NAME))
    if links is not None:
        wanted = pa.array(links, pa.string())
        tables = (table.filter(pc.is_in(table["link"], wanted)) for table in tables)
    return pa.concat_tables([SCHEMA.empty_table(), *tables])


def _numbers(column: bytes) -> pa.Array:
    """`column` (see `plctl.common.columns`) where it lies: Arrow is little-endian, too."""
    return pa.Array.from_buffers(pa.int64(), len(column) // 8, [None, pa.py_buffer(column)])


def _parquet_groups(path: Path) -> Iterator[pa.Table]:
    """The contents of a Parquet file, part by part, without Arrow's pool of threads, which would outlive the call."""
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(_ROWS_PER_GROUP, use_threads=False):
            yield pa.Table.from_batches([batch]).cast(SCHEMA)


def _timed(table: pa.Table, run: str, t0_by_host: Mapping[str, int]) -> pa.Table:
    """`table` with its run and the time since T0 on the host that took each sample."""
    t0 = pa.array(t0_by_host.values(), pa.int64()).take(pc.index_in(table["host"], pa.array(t0_by_host, pa.string())))
    seconds = pc.divide(pc.cast(pc.subtract(table["t_ns"], t0), pa.float64()), float(NS_PER_S))
    runs = pa.repeat(pa.scalar(run), table.num_rows)
    return pa.table([runs, seconds, *table.columns], schema=SCHEMA)


def _row_groups(stream: Path) -> Iterator[pa.Table]:
    """The batches of `stream`, gathered so that each table is worth a row group."""
    gathered: list[pa.RecordBatch] = []
    rows = 0
    for batch in _batches(stream):
        gathered.append(batch)
        rows += batch.num_rows
        if rows >= _ROWS_PER_GROUP:
            yield pa.Table.from_batches(gathered)
            gathered, rows = [], 0
    if gathered:
        yield pa.Table.from_batches(gathered)


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
