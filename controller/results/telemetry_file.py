"""What telemetry.parquet holds: a row for each sample, in words and 64-bit numbers.

A controller of a thousand agents has less than a millisecond for each of their messages. So while a run goes on, its
stream keeps messages as they came, one a row; they become columns many at a time, beside that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from plctl.common.base.columns import NUMBER_BYTES
from plctl.common.base.errors import ProtocolError
from plctl.common.scenario.schedule import DIRECTIONS
from plctl.common.telemetry.samples import MEASURED_COLUMNS, SAMPLE_COLUMNS, Samples
from plctl.controller.results import column_file
from plctl.controller.results.column_parts import Columns, RunTable

_DIRECTIONS = pa.array(DIRECTIONS, pa.string())
_WORDS = ("link", "direction")
_INT64 = range(-(2**63), 2**63)
_ROW_BYTES = NUMBER_BYTES * len(SAMPLE_COLUMNS)
#: A message: the columns of `SAMPLE_COLUMNS`, one after the other, and what makes their rows a run's.
_MESSAGE = pa.schema(
    [("host", pa.string()), ("offset_ns", pa.int64()), ("links", pa.list_(pa.string())), ("numbers", pa.binary())]
)
_TYPES = tuple(_MESSAGE.types)  # asking a schema for them costs as much as making an array


class _Telemetry(Columns):
    """Columns whose open part holds messages."""

    @property
    def stream(self) -> pa.Schema:
        return _MESSAGE

    def count(self, batch: pa.RecordBatch) -> int:
        return int(sum(numbers.as_buffer().size for numbers in batch["numbers"])) // _ROW_BYTES

    def table(self, batches: Sequence[pa.RecordBatch]) -> pa.Table:
        messages = pa.Table.from_batches(batches, _MESSAGE).combine_chunks()
        parts = [
            np.frombuffer(numbers.as_buffer(), "<i8").reshape(len(SAMPLE_COLUMNS), -1)
            for numbers in messages["numbers"]
        ]
        columns = dict(zip(SAMPLE_COLUMNS, np.concatenate(parts, axis=1), strict=True))
        message = np.repeat(np.arange(len(parts)), [part.shape[1] for part in parts])
        links = messages["links"].combine_chunks()
        link = links.flatten().take(pa.array(columns["link"] + links.offsets.to_numpy()[message]))
        words = {"link": link, "direction": _DIRECTIONS.take(pa.array(columns["direction"]))}
        host = messages["host"].combine_chunks().take(pa.array(message))
        controller = columns["t_ns"] + messages["offset_ns"].to_numpy()[message]
        measured = {name: pa.array(columns[name], mask=columns[name] < 0) for name in MEASURED_COLUMNS}
        return pa.table([host, controller, *(columns | words | measured).values()], schema=self.schema)


#: A sample's columns, its host, and its end on the controller's clock (`t_ns` is on the host's). What no frame was
#: measured for is null, not −1 as it travels: a mean over the column would count it.
COLUMNS = _Telemetry(
    "telemetry",
    pa.schema(
        [
            ("host", pa.string()),
            ("t_controller_ns", pa.int64()),
            *((name, pa.string() if name in _WORDS else pa.int64()) for name in SAMPLE_COLUMNS),
        ]
    ),
)
SCHEMA = COLUMNS.final


def batch_of(host: str, samples: Samples, offset_ns: int) -> pa.RecordBatch:
    """`samples` of `host`, whose clock `offset_ns` translates to the controller's, for the stream.

    :raises ProtocolError: a time is beyond 64 bits.
    """
    t_ns = np.frombuffer(samples.columns["t_ns"], "<i8")
    ends = (int(t_ns.min()), int(t_ns.max())) if len(t_ns) else (0,)
    if any(end + offset_ns not in _INT64 for end in (0, *ends)):
        raise ProtocolError(f"telemetry of {host}: a time is beyond 64 bits")
    numbers = b"".join([samples.columns[name] for name in SAMPLE_COLUMNS])
    words = map(pa.array, ([host], [offset_ns], [samples.links]), _TYPES)
    return pa.RecordBatch.from_arrays([*words, _binary(numbers)], schema=_MESSAGE)


def _binary(value: bytes) -> pa.Array:
    """An array of the one `value` where it lies."""
    ends = np.array([0, len(value)], "<i4")
    return pa.Array.from_buffers(pa.binary(), 1, [None, pa.py_buffer(ends), pa.py_buffer(value)])


def read(folder: Path, run: str, t0_by_host: Mapping[str, int], *, links: Sequence[str] | None = None) -> pa.Table:
    """The telemetry in `folder`, of all links or only of `links`, whether its run is over, goes on or was cut off.

    `t0_by_host` holds T0 on each host's own clock.

    :raises OSError: there is none, or it cannot be read.
    """
    return column_file.read(folder, RunTable(COLUMNS, run, t0_by_host), links)
