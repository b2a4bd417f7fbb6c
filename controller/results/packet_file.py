"""Keeps packet logs on disk so that they can be read at any moment, and ends them as Parquet in the order of arrival.

While a run goes on, the records of a link's direction are appended to `packets/LINK-DIRECTION.records` just as they
came, and what was kept of their frames to a file beside it (`captured_frames.py`); a file that was cut off is readable
up to its last whole record. An Arrow stream, as telemetry has, would cost an open file for each direction of each link
and the turning of every batch into columns while packets are still coming.

The Parquet file's schema carries a footer under the key `plctl`, JSON: run, link, direction, host, t0_ns (null if never
armed), overhead_bytes, records, lost, capture_bytes, and capture_lost (these two null if the agent could not tell any
more).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from plctl.common.base.errors import ProtocolError
from plctl.common.base.json_text import read_json
from plctl.common.base.units import NS_PER_S
from plctl.common.plan.link_change import routes_of
from plctl.common.protocol.messages import MAX_PACKETS
from plctl.common.scenario.schedule import DIRECTIONS, Direction, Schedule
from plctl.common.telemetry.packet_log import COPY, CORRUPT, ECN, FIELDS, MARKED, RECORD, VERDICTS
from plctl.controller.results import captured_frames
from plctl.controller.results.captured_frames import CapturedFrames
from plctl.controller.results.column_parts import fitted, legible, within_memory
from plctl.controller.results.run_record import LinkRecord, RunRecord

FOLDER_NAME = "packets"
FOOTER = b"plctl"
_ROWS_PER_GROUP = 131_072
_BYTES_PER_GROUP = 2**26  #: of frames
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
    "captured": (pa.binary(), "its first bytes as it arrived, with `packets: {capture: …}`; null if none were kept"),
}
#: The column that is as large as was asked for.
CAPTURED_COLUMN = "captured"
SCHEMA = pa.schema([(name, kind) for name, (kind, _) in COLUMNS.items()])
#: What each packet has.
_ALWAYS = ("number", "arrival_ns", "moved_ns", "length", "verdict")


def append(
    folder: Path,
    link: str,
    direction: Direction,
    records: bytes,
    *,
    captured: bytes = b"",
    capture_bytes: int = 0,
    ends: Mapping[Path, int] = MappingProxyType({}),
) -> dict[Path, int]:
    """Add `records` to the stream of one direction of `link` in the run's `folder`, whole or not at all.

    :param captured: the first bytes of these frames, of which `capture_bytes` each were asked for.
    :param ends: where files end that this wrote before, if what is behind that was written half.

    Returns the files that have grown, and how many bytes are in each now.

    :raises ProtocolError: they are no records, or too many, or the bytes are not theirs.
    :raises OSError: the disk refuses.
    """
    if len(records) % RECORD.size or len(records) > MAX_PACKETS * RECORD.size:
        raise ProtocolError(f"{len(records)} bytes as a packet log of {link}: no whole number of records up to 4096")
    found = np.frombuffer(records, _DTYPE)
    if not np.isin(found["verdict"], _CODES).all():
        raise ProtocolError(f"a packet log of {link} with a verdict that there is not")
    captured_frames.check(link, captured, found, capture_bytes)
    (folder / FOLDER_NAME).mkdir(exist_ok=True)
    pieces = {_frames(folder, link, direction): captured, _stream(folder, link, direction): records}
    return _append_all({path: piece for path, piece in pieces.items() if piece}, ends)


def cut_torn_records(folder: Path, record: RunRecord) -> None:
    """After a crash, let every packet log that is being written in the run's `folder` end with a whole record.

    :raises OSError: one cannot be written.
    """
    for link in record.links:
        for direction in DIRECTIONS:
            stream, frames = (make(folder, link.plan.name, direction) for make in (_stream, _frames))
            if stream.exists() or frames.exists():
                records = _records(folder, link.plan.name, direction)
                whole = captured_frames.cut(frames, records, link.plan.capture_bytes)
                if stream.exists():
                    os.truncate(stream, whole * RECORD.size)


def finish(folder: Path, record: RunRecord) -> None:
    """Turn every packet log that the run in `folder` asked for into Parquet, and remove the streams.

    :raises OSError: the disk refuses; what is not finished is left as it was.
    """
    for link in record.links:
        for direction in DIRECTIONS if link.plan.packets else ():
            (folder / FOLDER_NAME).mkdir(exist_ok=True)
            target, stream = (make(folder, link.plan.name, direction) for make in (_parquet, _stream))
            if stream.exists() or not target.exists():  # else that was done before
                _write_parquet(target, _with_footer(folder, record, link, direction), _tables(folder, link, direction))
                stream.unlink(missing_ok=True)
            _frames(folder, link.plan.name, direction).unlink(missing_ok=True)


def read(folder: Path, record: RunRecord, link: LinkRecord, direction: Direction, *, captured: bool = True) -> pa.Table:
    """The packets of one direction in order of arrival, whether the run is over, goes on or was cut off.

    :param captured: with the first bytes of frames; else that column is left out.

    :raises OSError: the log cannot be read.
    """
    tables = list(within_memory(read_parts(folder, record, link, direction, captured=captured)))
    return pa.concat_tables(tables).replace_schema_metadata(tables[0].schema.metadata)


def read_parts(
    folder: Path, record: RunRecord, link: LinkRecord, direction: Direction, *, captured: bool = True
) -> Iterator[pa.Table]:
    """As `read`, in tables of a bounded size; the first of them may be empty.

    :raises OSError: the log cannot be read.
    """
    target = _parquet(folder, link.plan.name, direction)
    if not target.exists():
        schema = _with_footer(folder, record, link, direction)
        for table in (SCHEMA.empty_table(), *_tables(folder, link, direction)):
            kept = table if captured else table.drop_columns([CAPTURED_COLUMN])
            yield kept.replace_schema_metadata(schema.metadata)
        return
    with legible(target), pq.ParquetFile(target) as file:
        yield from _closed_tables(file, captured=captured)


def tables_in(file: BinaryIO) -> Iterator[pa.Table]:
    """The tables of a log that lies in `file` as Parquet.

    :raises OSError: it is none.
    """
    with legible(Path("it")), pq.ParquetFile(file) as log:
        yield from _closed_tables(log, captured=True)


def _closed_tables(file: pq.ParquetFile, *, captured: bool) -> Iterator[pa.Table]:
    """The first one is empty. In the columns of today: null is what an older plctl did not write."""
    metadata = file.schema_arrow.metadata or {}
    _check_footer(metadata)
    kept = [field for field in SCHEMA if captured or field.name != CAPTURED_COLUMN]
    names = [field.name for field in kept if field.name in file.schema_arrow.names]
    schema = pa.schema(kept, metadata)
    yield schema.empty_table()
    for batch in file.iter_batches(_ROWS_PER_GROUP, columns=names, use_threads=False):  # no thread outlives the call
        table = fitted(pa.Table.from_batches([batch]), schema)
        if missing := [name for name in _ALWAYS if table[name].null_count]:
            raise ValueError(f"a packet without {missing[0]}")
        yield table


def _check_footer(metadata: Mapping[bytes, bytes]) -> None:
    facts = read_json(metadata.get(FOOTER, b""))
    numbers = [facts.get(name) for name in ("t0_ns", "lost")] if isinstance(facts, dict) else ["none"]
    if not all(number is None or type(number) is int for number in numbers) or facts.get("direction") not in DIRECTIONS:
        raise ValueError("its footer is not that of a packet log")


def whole_records(records: bytes, captured: bytes, capture_bytes: int) -> tuple[bytes, bytes]:
    """Of pieces of both streams, which begin with the same frame, the records that are whole with their bytes."""
    found = np.frombuffer(records[: len(records) - len(records) % RECORD.size], _DTYPE)
    ends = np.cumsum(captured_frames.sizes(found, capture_bytes))
    whole = int(np.searchsorted(ends, len(captured), "right"))
    return records[: whole * RECORD.size], captured[: int(ends[whole - 1]) if whole else 0]


def captured_size(records: bytes, capture_bytes: int) -> int:
    """How many first bytes belong to records, the last of which may be cut off."""
    found = np.frombuffer(records[: len(records) - len(records) % RECORD.size], _DTYPE)
    return int(captured_frames.sizes(found, capture_bytes).sum())


def table_of(records: bytes, captured: bytes, link: LinkRecord, direction: Direction) -> pa.Table:
    """The rows of whole records and of the first bytes that belong to them, in the order in which they were written."""
    found = np.frombuffer(records, _DTYPE)
    frames = CapturedFrames(np.frombuffer(captured, np.uint8), link.plan.capture_bytes, found)
    return _table(found, frames.of(np.arange(len(found))), link.planned_ns, _routes(link, direction))


def _append_all(pieces: Mapping[Path, bytes], known: Mapping[Path, int]) -> dict[Path, int]:
    """Append each piece to its file, all or none: half a record would shift all that come after it."""
    with ExitStack() as stack:
        files = {stack.enter_context(path.open("ab", buffering=0)): piece for path, piece in pieces.items()}
        ends = {file: known.get(path, file.tell()) for path, file in zip(pieces, files, strict=True)}
        for file, end in ends.items():
            if file.tell() > end:  # a disk that refused a write refused to cut it off, too
                file.truncate(end)
        try:
            for file, piece in files.items():
                rest = memoryview(piece)
                while rest:
                    rest = rest[file.write(rest) :]
        except OSError:
            for file, end in ends.items():
                with suppress(OSError):
                    file.truncate(end)
            raise
        return {path: file.tell() for path, file in zip(pieces, files, strict=True)}


def _write_parquet(target: Path, schema: pa.Schema, tables: Iterable[pa.Table]) -> None:
    draft = target.with_suffix(".parquet.tmp")
    with pq.ParquetWriter(draft, schema, compression="zstd") as writer:
        for table in tables:
            writer.write_table(table.replace_schema_metadata(schema.metadata), row_group_size=_ROWS_PER_GROUP)
    draft.replace(target)


def footer(table: pa.Table) -> dict[str, Any]:
    """What the footer of a packet log says."""
    found: dict[str, Any] = read_json(table.schema.metadata[FOOTER])
    return found


def stream_name(link: str, direction: Direction) -> str:
    """Where, within a run's folder, the records are while it goes on."""
    return f"{FOLDER_NAME}/{link}-{direction}.records"


def frames_name(link: str, direction: Direction) -> str:
    """Where the first bytes of frames are meanwhile."""
    return f"{FOLDER_NAME}/{link}-{direction}.frames"


def parquet_name(link: str, direction: Direction) -> str:
    """Where the log is once the run is over."""
    return f"{FOLDER_NAME}/{link}-{direction}.parquet"


def _stream(folder: Path, link: str, direction: Direction) -> Path:
    return folder / stream_name(link, direction)


def _frames(folder: Path, link: str, direction: Direction) -> Path:
    return folder / frames_name(link, direction)


def _parquet(folder: Path, link: str, direction: Direction) -> Path:
    return folder / parquet_name(link, direction)


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
        "capture_bytes": link.plan.capture_bytes,
        "capture_lost": getattr(link.result, direction).capture_lost if link.result else None,
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
    routes = _routes(link, direction)
    stored = captured_frames.stored(_frames(folder, link.plan.name, direction))
    frames = CapturedFrames(stored, link.plan.capture_bytes, records)
    rows = min(_ROWS_PER_GROUP, _BYTES_PER_GROUP // max(1, link.plan.capture_bytes))
    for start in range(0, len(order), rows):
        chosen = order[start : start + rows]
        yield _table(records[chosen], frames.of(chosen), link.planned_ns, routes)


def _routes(link: LinkRecord, direction: Direction) -> NDArray[np.int64]:
    schedule: Schedule = getattr(link.plan, direction)
    return np.array(routes_of(schedule, link.changes, direction), np.int64)


def _table(records: NDArray[np.void], captured: pa.Array, t0_ns: int | None, routes: NDArray[np.int64]) -> pa.Table:
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
        CAPTURED_COLUMN: captured,
        **{name: pa.array(records[name], mask=records[name] == 0) for name in _TIMES},
    }
    return pa.table([columns[name] for name in SCHEMA.names], schema=SCHEMA)
