"""The folder that a run leaves behind, complete enough at every moment to be read after a crash.

    runs/20261123-041530-handover-7f3a/
        run.json            what was asked, on what it ran, how true it was   (rewritten atomically at each stage)
        schedules/…         the rows of each schedule that links follow, once
        sources/…           the files that were read: the run spec, the scenarios
        events.jsonl        one log of all parts, in controller time
        telemetry.parquet   per link, direction and interval                  (telemetry.parts/ until the run is over)
        socket_stats.parquet  TCP sockets at the links' ends where asked for  (likewise)
        packets/…           per-packet logs of links that ask for them        (….records, ….frames while it goes on)
    artifacts/LINK/…    what the workloads printed
        report.html         all of it as one page

A session uses it so:

    folder = RunFolder.create(Path("runs"), new_run_id("handover", clock.wall_ns()))
    folder.record_plan(RunRecord(run=folder.run, name="handover", seed=1, links=…, versions=software_versions()))
    folder.append_events([{"ts": …, "t_ns": …, "event": "link.ready", "link": "leo-0"}], host="edge-1")
    folder.record_start(t0_ns, t0_wall_ns, starts, hosts)
    folder.append_samples("edge-1", samples, offset_ns)           # any number of times
    folder.append_artifact("leo-0", "client.stdout", b"…")
    folder.record_result(results, failures={}, cancelled=False, finished_wall_ns=clock.wall_ns())
    folder.close()
    report = finish(folder.path)                # of finishing.py: …/telemetry.parquet, …/report.html

Every method that writes raises `WorldError` with a sentence when the disk is full or says no.
"""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING

from plctl.common.base.errors import BusyError, ProtocolError
from plctl.common.base.names import is_file_name
from plctl.common.base.units import NS_PER_S
from plctl.common.plan.failure_policy import Setback
from plctl.common.plan.run_request import SourceFile
from plctl.common.protocol.messages import LinkReadiness, LinkResult, LinkStart
from plctl.common.scenario.schedule import Direction
from plctl.common.telemetry.samples import Samples
from plctl.common.telemetry.socket_stats import SocketSamples
from plctl.controller.results import digests, event_log, run_record, schedule_files, source_files
from plctl.controller.results.changes import changes_by_link
from plctl.controller.results.disk_errors import explained, write_whole
from plctl.controller.results.event_log import Event
from plctl.controller.results.limits import limits_by_host
from plctl.controller.results.run_reader import (
    ARTIFACTS_NAME,
    EVENTS_NAME,
    REPORT_NAME,
    RUN_NAME,
    TELEMETRY_PARTS_NAME,
    read_record,
)
from plctl.controller.results.run_record import HostRecord, RunRecord

if TYPE_CHECKING:
    from plctl.controller.results.run_columns import RunColumns

#: So long another process may take to complete a folder that this one would complete; and how often it is looked.
ALONE_S = 600.0
_LOOK_S = 0.05

#: How long whoever writes run.json leaves the interpreter to others, after every millisecond of work.
_REST_S = 0.002


def new_run_id(name: str, wall_ns: int) -> str:
    """A name for a run's folder: UTC time, the run's name as far as it is fit for a path, four random hex digits."""
    stamp = datetime.fromtimestamp(wall_ns // NS_PER_S, UTC).strftime("%Y%m%d-%H%M%S")
    plain = re.sub(r"[^A-Za-z0-9]+", "-", name)[:40].strip("-").lower() or "run"
    return f"{stamp}-{plain}-{secrets.token_hex(2)}"


class RunFolder:
    """The results of one run while it goes on. Make one with `create`; `record` is what run.json says now."""

    def __init__(
        self, path: Path, log: FileIO, record: RunRecord | None = None, columns: RunColumns | None = None
    ) -> None:
        self.path = path
        self.record = record
        self._events = log
        self._opened_columns = columns
        self._grown: dict[Path, int] = {}
        self._capture_bytes = _capture_bytes(record)
        with suppress(OSError):  # a file system without locks; its runs never look broken off
            fcntl.flock(log, fcntl.LOCK_SH)  # whoever else has it, has it for no longer than `is_open` takes

    @classmethod
    def create(cls, base: Path, run: str) -> RunFolder:
        """Make `base`/`run`, which must not exist yet; `base` may.

        :raises BusyError: it exists.
        :raises WorldError: it cannot be made.
        """
        path = base / run
        with explained(f"make the folder {base} for results"):
            base.mkdir(parents=True, exist_ok=True)
        with explained(f"create the results folder {path}"):
            try:
                path.mkdir()
            except FileExistsError:
                raise BusyError(f"the results folder {path} exists already") from None
            (path / ARTIFACTS_NAME).mkdir()
            (path / TELEMETRY_PARTS_NAME).mkdir()
            return cls(path, (path / EVENTS_NAME).open("xb", buffering=0))

    @classmethod
    def reopen(cls, path: Path, sizes: Mapping[str, int] | None = None) -> RunFolder:
        """Go on with the folder of a run whose controller has died. Of what was being written then, only whole lines,
        batches and records are kept.

        :param sizes: what `grown` has said so far: whatever was written beyond that is cut off, too.
        :raises UserError: that is no folder of a run, or one without a plan.
        :raises WorldError: it cannot be written.
        """
        from plctl.controller.results.run_columns import RunColumns  # noqa: PLC0415  # Arrow, for which no start waits

        record = read_record(path)
        with explained(f"go on writing to {path}"):
            if sizes is not None:
                _cut(path, sizes)
            event_log.cut_torn_line(path / EVENTS_NAME)
            with ExitStack() as undo:  # a disk that says no half way leaves nothing open
                columns = RunColumns.reopen(path, record)
                undo.callback(columns.close)
                log = (path / EVENTS_NAME).open("ab", buffering=0)
                undo.pop_all()
            return cls(path, log, record, columns)

    def grown(self) -> dict[str, int]:
        """The sizes in bytes of the files that have grown since this was asked last, by path within the folder."""
        grown, self._grown = self._grown, {}
        return {str(path.relative_to(self.path)): size for path, size in grown.items()}

    def __enter__(self) -> RunFolder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def run(self) -> str:
        """The run id."""
        return self.path.name

    def artifacts(self, link: str) -> Path:
        """The folder for what the workloads of `link` print."""
        folder = self.path / ARTIFACTS_NAME / _plain(link)
        with explained(f"create {folder}"):
            folder.mkdir(exist_ok=True)
        return folder

    def record_plan(self, record: RunRecord, sources: Iterable[SourceFile] = ()) -> None:
        """Write down what is about to run, and the files in which it was asked for, before anything is touched."""
        with explained(f"write the sources of {self.path}"):
            source_files.write(self.path, record.sources, sources)
        self._write(record)

    def record_start(
        self,
        t0_ns: int,
        t0_wall_ns: int,
        starts: Iterable[LinkStart],
        hosts: Iterable[HostRecord],
        *,
        ready: Iterable[LinkReadiness] = (),
    ) -> None:
        """Write down T0 (controller's monotonic and wall clock), each link's start, and each host with its clock.

        `ready` holds what is known of each link from its preparation.
        """
        record = run_record.started(self._planned(), t0_ns, t0_wall_ns, starts, hosts, ready=ready)
        self._write(record)
        if self._opened_columns:
            self._opened_columns.start(record.t0_by_host())

    def append_events(self, log: Iterable[Event], host: str = "", longest: int | None = None) -> None:
        """Add events to the log; `host` is where they are from unless they say otherwise.

        :param longest: the most characters that one may have.
        :raises ProtocolError: one is longer; none was added.
        """
        lines = [event_log.to_line(event, self.run, host) for event in log]
        if longest and (length := max(map(len, lines), default=0)) > longest:
            raise ProtocolError(f"an event of {length} characters; {longest} are allowed")
        with explained(f"write {self.path / EVENTS_NAME}"):
            write_whole(self._events, "".join(lines).encode(errors="replace"))
            self._grown[self.path / EVENTS_NAME] = self._events.tell()

    def append_samples(self, host: str, samples: Samples, offset_ns: int = 0) -> None:
        """Add telemetry of `host`; `offset_ns` is what to add to its clock for the controller's.

        :raises ProtocolError: a time is beyond 64 bits.
        """
        self._grow(self._columns.append_samples(host, samples, offset_ns))

    def append_socket_stats(self, host: str, samples: SocketSamples, offset_ns: int = 0) -> None:
        """Add what `host` saw of its links' sockets; `offset_ns` is as in `append_samples`.

        :raises ProtocolError: a time or a socket's number is beyond 64 bits.
        """
        self._grow(self._columns.append_socket_stats(host, samples, offset_ns))

    def append_packets(self, link: str, direction: Direction, records: bytes, captured: bytes = b"") -> None:
        """Add records to the packet log of one direction of `link`, and the first bytes that belong to them.

        :raises ProtocolError: they are not records, or the name would lead out of the folder.
        """
        with explained(f"write the packet log of {link}"):
            asked = self._capture_bytes.get(link, 0)
            self._grow(self._columns.append_packets(_plain(link), direction, records, captured, capture_bytes=asked))

    def append_artifact(self, link: str, name: str, data: bytes) -> int:
        """Add a piece to the artifact `name` of `link`, which may lie in folders (`qlog/client.qlog`).

        Returns how many bytes of what was written before are missing, because somebody deleted or cut the file.

        :raises ProtocolError: either would lead out of its folder.
        """
        path = self.artifacts(link).joinpath(*map(_plain, name.split("/")))
        with explained(f"write {path}"):
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                file = path.open("ab")
            except (FileExistsError, NotADirectoryError, IsADirectoryError):
                raise ProtocolError(f"{name!r:.80} would be both a file and a folder") from None
            with file:
                missing = self._grown.get(path, 0) - file.tell()
                file.write(data)
                self._grown[path] = file.tell()
        return max(0, missing)

    def record_result(
        self,
        results: Iterable[LinkResult],
        *,
        failures: Mapping[str, str],
        cancelled: bool,
        finished_wall_ns: int,
        setback: Setback = "",
        setback_by: Iterable[str] = (),
    ) -> RunRecord:
        """Judge every link and the run, and write the verdicts down; return the record.

        `failures` maps a link to the first cause that the controller knows of; the others are as in the record.
        """
        stamp = run_record.rfc3339(finished_wall_ns)
        with explained(f"read {self.path / EVENTS_NAME}"):
            limits = limits_by_host(self.path / EVENTS_NAME)
            changes = changes_by_link(self.path / EVENTS_NAME)
        record = run_record.finished(
            self._planned(),
            results,
            failures=failures,
            cancelled=cancelled,
            finished_utc=stamp,
            setback=setback,
            setback_by=setback_by,
            limits=limits,
            changes=changes,
        )
        self._write(record)
        return record

    def close(self) -> None:
        """Release the open files, leaving the folder readable as it stands. Twice is harmless."""
        with explained(f"close the results in {self.path}"), ExitStack() as stack:
            stack.callback(self._events.close)
            if self._opened_columns:
                stack.callback(self._opened_columns.close)

    @property
    def _columns(self) -> RunColumns:
        if self._opened_columns is None:
            from plctl.controller.results.run_columns import RunColumns  # noqa: PLC0415  # Arrow, for which no start waits

            t0_by_host = self.record.t0_by_host() if self.record else {}
            self._opened_columns = RunColumns(self.path, t0_by_host)
        return self._opened_columns

    def _grow(self, sizes: Mapping[Path, int]) -> None:
        self._grown |= sizes

    def _planned(self) -> RunRecord:
        if self.record is None:
            raise RuntimeError("record_plan comes first")
        return self.record

    def _write(self, record: RunRecord) -> None:
        with explained(f"write the schedules of {self.path}"):
            for schedule in {schedule for link in record.links for schedule in (link.plan.up, link.plan.down)}:
                schedule_files.write_schedule(self.path, schedule)
        with explained(f"write {self.path / RUN_NAME}"):
            _replace(self.path / RUN_NAME, run_record.to_json(record, rest=lambda: time.sleep(_REST_S)))
        self.record, self._capture_bytes = record, _capture_bytes(record)


def _capture_bytes(record: RunRecord | None) -> dict[str, int]:
    return {link.plan.name: link.plan.capture_bytes for link in record.links} if record else {}


def complete(path: Path, write_report: Callable[[Path], object] | None = None) -> None:
    """Complete the folder `path` of a run that was judged: log in order, Parquet files, and a report where asked for.

    `write_report` is handed the folder when all else in it is complete. Needs nothing but the folder, may be done
    again, and is done by one process at a time.

    :raises UserError: that is no folder of a run.
    :raises BusyError: somebody keeps it locked.
    """
    from plctl.controller.results import run_columns  # noqa: PLC0415  # Arrow, for which no start waits

    record = read_record(path)
    with _alone(path):
        with explained(f"order {path / EVENTS_NAME}"):
            _order_events(path, record.run)
        run_columns.finish(path, record)
        with explained(f"write {path / digests.NAME}"):
            digests.write_digests(path)
        if write_report:
            with explained(f"write {path / REPORT_NAME}"):
                write_report(path)


def _order_events(folder: Path, run: str) -> None:
    path = folder / EVENTS_NAME
    ordered = event_log.merge(event_log.from_lines(event_log.lines_of(path)))
    _replace(path, "".join(event_log.to_line(event, run) for event in ordered))


def _cut(folder: Path, sizes: Mapping[str, int]) -> None:
    """Let the files that a run appends to be no longer than `sizes` say; those that are not named there are removed."""
    from plctl.controller.results.run_columns import streams  # noqa: PLC0415  # Arrow, for which no start waits

    artifacts = [path for path in (folder / ARTIFACTS_NAME).rglob("*") if path.is_file()]
    for file in (folder / EVENTS_NAME, *streams(folder), *artifacts):
        size = sizes.get(str(file.relative_to(folder)), 0)
        if size or file.name == EVENTS_NAME:
            os.truncate(file, min(size, file.stat().st_size))
        else:
            file.unlink()


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Wait until no other process completes `folder`; not for ever, as whoever may read it can lock it.

    :raises BusyError: somebody holds it all the time.
    """
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    deadline = time.monotonic() + ALONE_S
    try:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise BusyError(f"another process holds a lock on {folder}; fuser {folder} says which") from None
                time.sleep(_LOOK_S)
        yield
    finally:
        os.close(lock)


def _replace(path: Path, text: str) -> None:
    """Give `path` the content `text` so that a reader sees the old one or the new one, whole."""
    draft = path.with_name(path.name + ".tmp")
    with draft.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _plain(name: str) -> str:
    """`name`, if it is one component of a path and stays where it is put.

    :raises ProtocolError: it is not.
    """
    if not is_file_name(name):
        raise ProtocolError(f"{name!r:.80} cannot be the name of a file")
    return name
