"""What socket_stats.parquet holds: a row for each TCP socket at an end of a link and each moment it was looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from plctl.common.base.columns import NUMBER_BYTES
from plctl.common.base.errors import ProtocolError
from plctl.common.telemetry.socket_stats import SOCKET_COLUMNS, STATES, Flow, SocketSamples
from plctl.controller.results import column_file
from plctl.controller.results.column_parts import Columns, RunTable

_STATES = pa.array([STATES.get(number, "") for number in range(max(STATES) + 1)], pa.string())
_FLOW = pa.schema(
    [
        *((name, pa.string()) for name in ("link", "end", "local")),
        *(("local_port", pa.int64()), ("remote", pa.string()), ("remote_port", pa.int64())),
        *(("congestion_control", pa.string()), ("socket", pa.int64())),
    ]
)
#: A flow's and a sample's columns, the host, and the moment on the controller's clock (`t_ns` is on the host's).
COLUMNS = Columns(
    "socket_stats",
    pa.schema(
        [
            *(("host", pa.string()), ("t_controller_ns", pa.int64())),
            *_FLOW,
            *((name, pa.string() if name == "state" else pa.int64()) for name in SOCKET_COLUMNS if name != "flow"),
        ]
    ),
)


def batch_of(host: str, samples: SocketSamples, offset_ns: int) -> pa.RecordBatch:
    """The rows of `samples` of `host`, whose clock `offset_ns` translates to the controller's.

    :raises ProtocolError: a time or a socket's number is beyond 64 bits.
    """
    columns = {name: _numbers(samples.columns[name]) for name in SOCKET_COLUMNS}
    controller = _controller_times(host, columns["t_ns"], offset_ns)
    columns["state"] = _STATES.take(columns["state"])
    flow = columns.pop("flow")
    flows = [_facts(host, samples.flows, field).take(flow) for field in _FLOW]
    hosts = pa.repeat(host, len(samples))
    return pa.RecordBatch.from_arrays([hosts, controller, *flows, *columns.values()], schema=COLUMNS.schema)


def _numbers(column: bytes) -> pa.Array:
    """`column` (see `plctl.common.base.columns`) where it lies: Arrow is little-endian, too."""
    return pa.Array.from_buffers(pa.int64(), len(column) // NUMBER_BYTES, [None, pa.py_buffer(column)])


def _controller_times(host: str, t_ns: pa.Array, offset_ns: int) -> pa.Array:
    """`t_ns` on the controller's clock.

    :raises ProtocolError: one is beyond 64 bits.
    """
    try:
        return pc.add_checked(t_ns, pa.scalar(offset_ns, pa.int64()))
    except (pa.ArrowException, OverflowError) as error:
        raise ProtocolError(f"socket statistics of {host}: {error}") from None


def _facts(host: str, flows: tuple[Flow, ...], field: pa.Field) -> pa.Array:
    try:
        return pa.array([getattr(flow, field.name) for flow in flows], field.type)
    except (pa.ArrowException, OverflowError) as error:
        raise ProtocolError(f"socket statistics of {host}: {error}") from None


def read(folder: Path, run: str, t0_by_host: Mapping[str, int], *, links: Sequence[str] | None = None) -> pa.Table:
    """What is known of sockets in `folder`, of all links or only of `links`; no rows if nobody looked at any.

    :raises OSError: it cannot be read.
    """
    if not (column_file.target(folder, COLUMNS).exists() or column_file.parts_folder(folder, COLUMNS).exists()):
        return COLUMNS.final.empty_table()
    return column_file.read(folder, RunTable(COLUMNS, run, t0_by_host), links)
