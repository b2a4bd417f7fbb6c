"""Follows the files of a run that another process writes: only what is new is read, however long the run is."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from plctl.common.base.columns import NUMBER_BYTES
from plctl.common.base.errors import ProtocolError
from plctl.common.scenario.schedule import DIRECTIONS
from plctl.common.telemetry.samples import SAMPLE_COLUMNS, Samples
from plctl.controller.lifecycle.run_events import RunPhase
from plctl.controller.results import column_file, event_log, telemetry_file
from plctl.controller.results.column_parts import PARQUET_SUFFIX, STREAM_SUFFIX, files, legible
from plctl.controller.results.run_reader import EVENTS_NAME
from plctl.controller.results.run_record import RunRecord
from plctl.controller.service.run_view import RunView

#: Bytes of the log that are read in one look.
_LOG_BYTES = 2**20


class FolderTail:
    """The live view of the run in `folder`, whose plan is `record`. Call `advance` from one thread at a time."""

    def __init__(self, folder: Path, record: RunRecord) -> None:
        self.view = RunView(record)
        self._links = {link.plan.name for link in record.links}
        self._folder = folder
        self._log_bytes = 0
        self._part: _OpenPart | None = None
        self._number = 0  #: of the last part that was begun

    def advance(self, record: RunRecord) -> None:
        """Take in what is new; `record` is what run.json says now."""
        if record.t0_ns:
            self.view.phase(RunPhase.RUNNING, record.t0_ns)
        self._read_log()
        with suppress(OSError):  # the parts have become one file: the run is over
            self._read_parts()

    def close(self) -> None:
        """Let go of the open file. Twice is harmless."""
        if self._part:
            self._part.close()
            self._part = None

    def _read_log(self) -> None:
        with suppress(OSError), (self._folder / EVENTS_NAME).open("rb") as log:
            log.seek(self._log_bytes)
            whole, end, _ = log.read(_LOG_BYTES).rpartition(b"\n")
            self._log_bytes += len(whole) + len(end)
            for event in event_log.from_lines(whole.decode(errors="replace").splitlines()):
                name, host, link = (str(event.get(key, "")) for key in ("event", "host", "link"))
                self.view.note(name, host, link, event)

    def _read_parts(self) -> None:
        parts = column_file.parts_folder(self._folder, telemetry_file.COLUMNS)
        while True:
            if self._part is None and not self._open_next(parts):
                return
            if self._part is not None:
                self._show(self._part.read())
                if not self._part.ended:
                    return
                self.close()

    def _open_next(self, parts: Path) -> bool:
        """Begin with the next part, if there is one; one that is Parquet already is taken in at once."""
        for path in files(parts):
            if int(path.stem) > self._number:
                self._number = int(path.stem)
                if path.suffix == STREAM_SUFFIX:
                    with suppress(FileNotFoundError):  # it has just become Parquet
                        self._part = _OpenPart(path)
                        return True
                self._show(_closed(path.with_suffix(PARQUET_SUFFIX)))
                return True
        return False

    def _show(self, found: list[tuple[str, Samples]]) -> None:
        """What is of links that the plan does not know was written by somebody else."""
        for host, samples in found:
            if self._links.issuperset(samples.links):
                self.view.samples(host, samples)


class _OpenPart:
    """A stream that grows: read message by message, and never beyond a whole one."""

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO = path.open("rb", buffering=0)
        self._schema: pa.Schema | None = None
        self.ended = False  #: nothing more will come

    def close(self) -> None:
        self._file.close()

    def read(self) -> list[tuple[str, Samples]]:
        """What has come since the last time."""
        found: list[tuple[str, Samples]] = []
        while (message := self._next()) is not None:
            if self._schema is None:
                self._schema = pa.ipc.read_schema(message)
            else:
                found += _messages(pa.ipc.read_record_batch(message, self._schema))
        return found

    def _next(self) -> pa.Message | None:
        begin = self._file.tell()
        head = self._file.read(8)
        if len(head) == 8 and head == column_file.END_OF_STREAM:
            self.ended = True
        if len(head) < 8 or self.ended:
            self._file.seek(begin)
            return None
        self._file.seek(begin)
        try:
            return pa.ipc.read_message(self._file)
        except (pa.ArrowInvalid, EOFError, OSError):  # only a part of it has been written yet
            self._file.seek(begin)
            return None


def _messages(batch: pa.RecordBatch) -> list[tuple[str, Samples]]:
    """The messages in a batch of the stream, as they came from agents."""
    found = []
    for host, links, numbers in zip(batch["host"], batch["links"], batch["numbers"], strict=True):
        data = numbers.as_py()
        size = len(data) // (NUMBER_BYTES * len(SAMPLE_COLUMNS)) * NUMBER_BYTES
        columns = {name: data[at * size : (at + 1) * size] for at, name in enumerate(SAMPLE_COLUMNS)}
        with suppress(ProtocolError):  # written by another version of plctl
            found.append((host.as_py(), Samples(tuple(links.as_py()), columns)))
    return found


def _closed(path: Path) -> list[tuple[str, Samples]]:
    """The samples of a part that is Parquet."""
    found = []
    with legible(path), pq.ParquetFile(path) as file:
        for batch in file.iter_batches(use_threads=False):
            words = batch["link"].dictionary_encode()
            columns = {name: _packed(batch[name]) for name in SAMPLE_COLUMNS if name not in ("link", "direction")}
            columns["link"] = words.indices.to_numpy().astype("<i8").tobytes()
            numbers = pc.index_in(batch["direction"], pa.array(DIRECTIONS, pa.string()))
            columns["direction"] = numbers.to_numpy().astype("<i8").tobytes()
            ordered = {name: columns[name] for name in SAMPLE_COLUMNS}
            found.append(("", Samples(tuple(words.dictionary.to_pylist()), ordered)))
    return found


def _packed(column: pa.Array) -> bytes:
    return np.asarray(column.fill_null(-1).to_numpy(), "<i8").tobytes()
