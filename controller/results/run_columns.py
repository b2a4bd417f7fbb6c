"""Writes what a run reports in numbers: telemetry, sockets, packets.

Apart from `run_folder`, which has all that is written before T0: a run's start does not wait for Arrow's import.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path

import pyarrow as pa

from plctl.common.scenario.schedule import Direction
from plctl.common.telemetry.samples import Samples
from plctl.common.telemetry.socket_stats import SocketSamples
from plctl.controller.results import column_file, packet_file, socket_stats_file, telemetry_file
from plctl.controller.results.column_file import ColumnWriter
from plctl.controller.results.column_parts import STREAM_SUFFIX, Columns, RunTable
from plctl.controller.results.disk_errors import explained
from plctl.controller.results.run_record import RunRecord

_COLUMNS = (telemetry_file.COLUMNS, socket_stats_file.COLUMNS)


class RunColumns:
    """The files of one run that grow with its reports. Each `append` returns their sizes in bytes, by path."""

    def __init__(self, folder: Path, t0_by_host: Mapping[str, int]) -> None:
        """`t0_by_host` holds T0 on each host's own clock, as far as it is known."""
        self._folder = folder
        self._t0_by_host = t0_by_host
        self._writers: dict[str, ColumnWriter] = {}  # by the name of their columns
        self._packet_ends: dict[Path, int] = {}

    @classmethod
    def reopen(cls, folder: Path, record: RunRecord) -> RunColumns:
        """Go on after a crash. What was written stays, but for what was cut off.

        :raises OSError: the disk refuses; nothing is left open.
        """
        packet_file.cut_torn_records(folder, record)
        columns = cls(folder, record.t0_by_host())
        with ExitStack() as undo:
            undo.callback(columns.close)
            for each in _COLUMNS:
                if column_file.parts_folder(folder, each).exists():
                    columns._writer(each)
            undo.pop_all()
        return columns

    def start(self, t0_by_host: Mapping[str, int]) -> None:
        """T0 is known."""
        self._t0_by_host = t0_by_host
        for writer in self._writers.values():
            writer.start(t0_by_host)

    def append_samples(self, host: str, samples: Samples, offset_ns: int) -> dict[Path, int]:
        """As `RunFolder` has it.

        :raises ProtocolError: a time is beyond 64 bits.
        :raises WorldError: the disk refuses.
        """
        return self._append(telemetry_file.COLUMNS, telemetry_file.batch_of(host, samples, offset_ns))

    def append_socket_stats(self, host: str, samples: SocketSamples, offset_ns: int) -> dict[Path, int]:
        """As `RunFolder` has it.

        :raises ProtocolError: a time or a socket's number is beyond 64 bits.
        :raises WorldError: the disk refuses.
        """
        return self._append(socket_stats_file.COLUMNS, socket_stats_file.batch_of(host, samples, offset_ns))

    def append_packets(
        self, link: str, direction: Direction, records: bytes, captured: bytes, *, capture_bytes: int
    ) -> dict[Path, int]:
        """As `RunFolder` has it; `link` is fit for a path, and `capture_bytes` of each frame were asked for.

        :raises ProtocolError: they are not records.
        :raises OSError: the disk refuses.
        """
        grown = packet_file.append(
            *(self._folder, link, direction, records),
            captured=captured,
            capture_bytes=capture_bytes,
            ends=self._packet_ends,
        )
        self._packet_ends |= grown
        return grown

    def close(self) -> None:
        """Release the open files. Twice is harmless."""
        with ExitStack() as stack:
            for writer in self._writers.values():
                stack.callback(writer.close)

    def _append(self, columns: Columns, batch: pa.RecordBatch) -> dict[Path, int]:
        with explained(f"write {columns.name} to {self._folder}"):
            writer = self._writer(columns)
            writer.append(batch)
        return dict([writer.end])

    def _writer(self, columns: Columns) -> ColumnWriter:
        if columns.name not in self._writers:
            self._writers[columns.name] = ColumnWriter.reopen(self._folder, columns, self._folder.name)
            self._writers[columns.name].start(self._t0_by_host)
        return self._writers[columns.name]


def streams(folder: Path) -> Iterable[Path]:
    """The files that grow, whatever is in them."""
    for columns in _COLUMNS:
        yield from column_file.parts_folder(folder, columns).glob("*" + STREAM_SUFFIX)
    yield from (folder / packet_file.FOLDER_NAME).glob("*")


def finish(folder: Path, record: RunRecord) -> None:
    """Make Parquet files of them.

    :raises WorldError: the disk refuses; what was written is left readable.
    """
    with explained(f"write the telemetry in {folder} as Parquet"):
        for columns in _COLUMNS:
            column_file.finish(folder, RunTable(columns, record.run, record.t0_by_host()))
    with explained(f"write the packet logs in {folder / packet_file.FOLDER_NAME}"):
        packet_file.finish(folder, record)
