"""What telemetry.parquet holds: a row for each sample, in words and 64-bit numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from plctl.common.columns import NUMBER_BYTES
from plctl.common.errors import ProtocolError
from plctl.common.plan import DIRECTIONS
from plctl.common.telemetry import SAMPLE_COLUMNS, Samples
from plctl.controller import column_file
from plctl.controller.column_parts import Columns, Story

_DIRECTIONS = pa.array(DIRECTIONS, pa.string())
_WORDS = ("link", "direction")
#: A sample's columns, its host, and its end on the controller's clock (`t_ns` is on the host's).
COLUMNS = Columns(
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
    """The rows of `samples` of `host`, whose clock `offset_ns` translates to the controller's.

    :raises ProtocolError: a time is beyond 64 bits.
    """
    columns = {name: numbers(samples.columns[name]) for name in SAMPLE_COLUMNS}
    controller = controller_times(host, columns["t_ns"], offset_ns)
    columns["link"] = pa.array(samples.links, pa.string()).take(columns["link"])
    columns["direction"] = _DIRECTIONS.take(columns["direction"])
    hosts = pa.repeat(host, len(samples))
    return pa.RecordBatch.from_arrays([hosts, controller, *columns.values()], schema=COLUMNS.schema)


def numbers(column: bytes) -> pa.Array:
    """`column` (see `plctl.common.columns`) where it lies: Arrow is little-endian, too."""
    return pa.Array.from_buffers(pa.int64(), len(column) // NUMBER_BYTES, [None, pa.py_buffer(column)])


def controller_times(host: str, t_ns: pa.Array, offset_ns: int) -> pa.Array:
    """`t_ns` on the controller's clock.

    :raises ProtocolError: one is beyond 64 bits.
    """
    try:
        return pc.add_checked(t_ns, pa.scalar(offset_ns, pa.int64()))
    except (pa.ArrowException, OverflowError) as error:
        raise ProtocolError(f"telemetry of {host}: {error}") from None


def read(folder: Path, run: str, t0_by_host: Mapping[str, int], *, links: Sequence[str] | None = None) -> pa.Table:
    """The telemetry in `folder`, of all links or only of `links`, whether its run is over, goes on or was cut off.

    `t0_by_host` holds T0 on each host's own clock.

    :raises OSError: there is none, or it cannot be read.
    """
    return column_file.read(folder, Story(COLUMNS, run, t0_by_host), links)
