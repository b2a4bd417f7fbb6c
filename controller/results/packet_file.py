"""Keeps packet logs on disk so that they can be read at any moment, and ends them as Parquet in the order of arrival.

While a run goes on, the records of a link's direction are appended to `packets/LINK-DIRECTION.records` just as they
came; a file that was cut off is readable up to its last whole record. An Arrow stream, as telemetry has, would cost an
open file for each direction of each link and the turning of every batch into columns while packets are still coming.

The Parquet file's schema carries a footer under the key `plctl`, JSON: run, link, direction, host, t0_ns (null if never
armed), overhead_bytes, records, and lost (null if the agent could not tell any more).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from plctl.common.base.errors import ProtocolError
from plctl.common.base.units import NS_PER_S
from plctl.common.plan.link_change import routes_of
from plctl.common.protocol.messages import MAX_PACKETS
from plctl.common.scenario.schedule import DIRECTIONS, Direction, Schedule
from plctl.common.telemetry.packet_log import COPY, CORRUPT, ECN, FIELDS, MARKED, RECORD, VERDICTS
from plctl.controller.results.run_record import LinkRecord, RunRecord

FOLDER_NAME = "packets"
FOOTER = b"plctl"
_ROWS_PER_GROUP = 131_072
_TYPES = {"Q": "<u8", "q": "<i8", "I": "<u4", "H": "<u2", "B": "u1"}
_DTYPE = np.dtype([(name, _TYPES[code]) for name, code in FIELDS.items()])
_CODES = np.array(list(VERDICTS), np.uint8)
_TIMES = ("start_ns", "end_ns", "due_ns", "sent_ns")
#: Column → its type, and what it says. A row for each packet. Times are CLOCK_MONOTONIC of the link's host, null where
#: there was no such moment.
COLUMNS: dict[str, tuple[pa.DataType, str]] = {
    "number": (pa.int64(), "of its arrival in its direction since the link was built, from 1"),
    "t_s": (pa.float64(), "arrival, since T0; null if the link was never armed"),
    "arrival_ns": (pa.int64(), "when it arrived, as the model saw it"),
    "moved_ns": (pa.int64(), "by how much that is later than the true arrival"),
    "length": (pa.int32(), "bytes of the Ethernet frame, without FCS and overhead"),
    "verdict": (pa.string(), "what became of it"),
    "ecn": (pa.int8(), "the ECN field as it arrived, 0 to 3; 0 where the queue's discipline does not look at it"),
    "marked": (pa.bool_(), "whether the emulated queue set CE"),
    "route": (pa.int64(), "RouteID; null if it was not admitted"),
    "start_ns": (pa.int64(), "when its service began"),
    "end_ns": (pa.int64(), "when its service ended"),
    "due_ns": (pa.int64(), "when it was to leave"),
    "sent_ns": (pa.int64(), "when it left"),
    "corrupt": (pa.bool_(), "the path flipped one of its bits"),
    "copy": (pa.bool_(), "the path made it of the frame with the same number"),
    "flow": (pa.int64(), "a hash of its flow under the run's seed; 0 where the queue's discipline does not look at it"),
    "bit": (pa.int64(), "which bit the path flipped, the first behind the Ethernet header being 0; null if none"),
}
SCHEMA = pa.schema([(name, kind) for name, (kind, _) in COLUMNS.items()])


def append(folder: Path, link: str, direction: Direction, records: bytes) -> tuple[Path, int]:
    """Add `records` to the stream of one direction of `link` in the run's `folder`, whole or not at all.

    Returns the stream's file, and how many bytes are in it now.

    :raises ProtocolError: they are no records, or too many.
    :raises OSError: the disk refuses.
    """
    if len(records) % RECORD.size or len(records) > MAX_PACKETS * RECORD.size:
        raise ProtocolError(f"{len(records)} bytes as a packet log of {link}: no whole number of records up to 4096")
    if not np.isin(np.frombuffer(records, _DTYPE)["verdict"], _CODES).all():
        raise ProtocolError(f"a packet log of {link} with a verdict that there is not")
    (folder / FOLDER_NAME).mkdir(exist_ok=True)
    stream = _stream(folder, link, direction)
    with stream.open("ab", buffering=0) as file:
        end, rest = file.tell(), memoryview(records)
        try:
            while rest:
                rest = rest[file.write(rest) :]
        except OSError:  # half a record would shift all that come after it
            file.truncate(end)
            raise
        return stream, file.tell()


def cut_torn_records(folder: Path) -> None:
    """After a crash, let every packet log that is being written in the run's `folder` end with a whole record.

    :raises OSError: one cannot be written.
    """
    for stream in (folder / FOLDER_NAME).glob("*.records"):
        size = stream.stat().st_size
        os.truncate(stream, size - size % RECORD.size)


def finish(folder: Path, record: RunRecord) -> None:
    """Turn every packet log that the run in `folder` asked for into Parquet, and remove the streams.

    :raises OSError: the disk refuses; what is not finished is left as it was.
    """
    for link in record.links:
        for direction in DIRECTIONS if link.plan.packets else ():
            (folder / FOLDER_NAME).mkdir(exist_ok=True)
            target = _parquet(folder, link.plan.name, direction)
            if target.exists() and not _stream(folder, link.plan.name, direction).exists():
                continue  # that was done before
            draft = target.with_suffix(".parquet.tmp")
            schema = _with_footer(folder, record, link, direction)
            with pq.ParquetWriter(draft, schema, compression="zstd") as writer:
                for table in _tables(folder, link, direction):
                    writer.write_table(table.replace_schema_metadata(schema.metadata), row_group_size=_ROWS_PER_GROUP)
            draft.replace(target)
            _stream(folder, link.plan.name, direction).unlink(missing_ok=True)


def read(folder: Path, record: RunRecord, link: LinkRecord, direction: Direction) -> pa.Table:
    """The packets of one direction in order of arrival, whether the run is over, goes on or was cut off.

    :raises OSError: the log cannot be read.
    """
    target = _parquet(folder, link.plan.name, direction)
    if not target.exists():
        schema = _with_footer(folder, record, link, direction)
        tables = [SCHEMA.empty_table(), *_tables(folder, link, direction)]
        return pa.concat_tables(tables).replace_schema_metadata(schema.metadata)
    with pq.ParquetFile(target) as file:  # without Arrow's pool of threads, which would outlive the call
        batches = list(file.iter_batches(_ROWS_PER_GROUP, use_threads=False))
        return pa.Table.from_batches(batches, file.schema_arrow)


def footer(table: pa.Table) -> dict[str, Any]:
    """What the footer of a packet log says."""
    found: dict[str, Any] = json.loads(table.schema.metadata[FOOTER])
    return found


def _stream(folder: Path, link: str, direction: Direction) -> Path:
    return folder / FOLDER_NAME / f"{link}-{direction}.records"


def _parquet(folder: Path, link: str, direction: Direction) -> Path:
    return folder / FOLDER_NAME / f"{link}-{direction}.parquet"


def _with_footer(folder: Path, record: RunRecord, link: LinkRecord, direction: Direction) -> pa.Schema:
    facts = {
        "run": record.run,
        "link": link.plan.name,
        "direction": direction,
        "host": link.host,
        "t0_ns": link.planned_ns,
        "overhead_bytes": link.plan.overhead_bytes,
        "records": len(_records(folder, link.plan.name, direction)),
        "lost": getattr(link.result, direction).packet_log_lost if link.result else None,
    }
    return SCHEMA.with_metadata({FOOTER: json.dumps(facts).encode()})


def _records(folder: Path, link: str, direction: Direction) -> NDArray[np.void]:
    """Every whole record of the stream, left on the disk until it is looked at."""
    path = _stream(folder, link, direction)
    count = path.stat().st_size // _DTYPE.itemsize if path.exists() else 0
    return np.memmap(path, _DTYPE, "r", shape=(count,)) if count else np.empty(0, _DTYPE)


def _tables(folder: Path, link: LinkRecord, direction: Direction) -> Iterator[pa.Table]:
    """The stream's records in the order of arrival, as row groups."""
    records = _records(folder, link.plan.name, direction)
    order = np.argsort(records["number"], kind="stable")
    schedule: Schedule = getattr(link.plan, direction)
    routes = np.array(routes_of(schedule, link.changes, direction), np.int64)
    for start in range(0, len(order), _ROWS_PER_GROUP):
        yield _table(records[order[start : start + _ROWS_PER_GROUP]], link.planned_ns, routes)


def _table(records: NDArray[np.void], t0_ns: int | None, routes: NDArray[np.int64]) -> pa.Table:
    off_route = records["route"] >= len(routes)
    columns = {
        "number": records["number"].astype(np.int64),
        "t_s": pa.nulls(len(records), pa.float64()) if t0_ns is None else (records["arrival_ns"] - t0_ns) / NS_PER_S,
        "arrival_ns": records["arrival_ns"],
        "moved_ns": records["moved_ns"],
        "length": records["length"].astype(np.int32),
        "verdict": np.array([VERDICTS[code] for code in records["verdict"].tolist()], object),
        "ecn": (records["flags"] & ECN).astype(np.int8),
        "marked": (records["flags"] & MARKED) != 0,
        "route": pa.array(routes[np.where(off_route, 0, records["route"])], mask=off_route),
        "corrupt": (records["flags"] & CORRUPT) != 0,
        "copy": (records["flags"] & COPY) != 0,
        "flow": records["flow"].astype(np.int64),
        "bit": pa.array(records["bit"].astype(np.int64), mask=(records["flags"] & CORRUPT) == 0),
        **{name: pa.array(records[name], mask=records[name] == 0) for name in _TIMES},
    }
    return pa.table([columns[name] for name in SCHEMA.names], schema=SCHEMA)
