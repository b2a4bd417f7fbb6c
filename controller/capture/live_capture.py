"""Writes the packet logs of a run that goes on, here or at a controller, as a capture.

A frame has a record once its fate is known, so its packets at both ends come together: a piece of the capture is in the
order of time, the whole of it is only nearly so.

When a run ends, its logs become files in the order of arrival, in which places in the stream mean nothing any more.
What had not been written by then is found by the numbers of the frames that had.
"""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa

from plctl.common.base.clock import Clock
from plctl.common.base.errors import UserError
from plctl.common.base.units import NS_PER_MS
from plctl.common.scenario.schedule import DIRECTIONS, Direction
from plctl.controller.capture import both_ends, host_clock, sections
from plctl.controller.capture.both_ends import CapturedWay
from plctl.controller.results import packet_file, run_reader, schedule_files
from plctl.controller.results.run_record import LinkRecord, RunRecord
from plctl.controller.view.follow import is_over
from plctl.controller.view.run_source import RunSource, read_record, read_whole

#: Between two looks at the run.
LOOK_NS = 200 * NS_PER_MS


@dataclass(slots=True)
class _Followed:
    """One direction of a link, and how much of its log has been written to the capture."""

    way: CapturedWay
    link: LinkRecord
    records: int = 0  #: bytes of the stream of records
    frames: int = 0  #: bytes of the stream of first bytes
    told: set[int] = field(default_factory=set)  #: numbers of frames, times 2; of copies, plus 1

    def piece(self, records: bytes, captured: bytes) -> list[both_ends.TimedBlock]:
        """The packets of records that came next."""
        whole, theirs = packet_file.whole_records(records, captured, self.link.plan.capture_bytes)
        self.records, self.frames = self.records + len(whole), self.frames + len(theirs)
        return self.of_table(packet_file.table_of(whole, theirs, self.link, self.way.direction))

    def of_table(self, table: pa.Table) -> list[both_ends.TimedBlock]:
        """The packets of those rows that were not told yet."""
        keys = (2 * table["number"].to_numpy() + table["copy"].to_numpy()).tolist()
        new = [key not in self.told for key in keys]
        self.told.update(keys)
        return both_ends.unordered_blocks(self.way, table.filter(pa.array(new, pa.bool_())))


async def follow(
    source: RunSource, run: str, clock: Clock, names: Sequence[str] = (), directions: Sequence[Direction] = DIRECTIONS
) -> AsyncIterator[bytes]:
    """The blocks of a capture of the links with these names, or of all that keep bytes, until the run is over.

    :raises UserError: there is no such run or link, or it keeps no bytes of its frames.
    :raises WorldError: the controller is lost.
    """
    record = await _begun(source, run, clock, names)
    links = sections.choose(record, names)
    sections.require_t0(record, links)
    clocks = [host_clock.at_start(record, link) for link in links]
    followed = [_Followed(way, links[way.client // 2]) for way in sections.ways(links, clocks, directions)]
    yield sections.head(record, links)
    while True:
        over = is_over(await source.state(run))
        pieces = [block for each in followed for block in await _next(source, run, each)]
        for _, block in sorted(pieces):
            yield block
        if over and not pieces:
            break
        if not pieces:
            await clock.sleep_until(clock.monotonic_ns() + LOOK_NS)
    for each in followed:
        for _, block in await _rest(source, run, each):
            yield block


async def _begun(source: RunSource, run: str, clock: Clock, names: Sequence[str]) -> RunRecord:
    """The run's record once its links have a T0, or it is over without."""
    while True:
        over = is_over(await source.state(run))
        record = await read_record(source, run)
        if over or all(link.planned_ns is not None for link in sections.choose(record, names)):
            return await _with_rows(source, run, sections.choose(record, names))
        await clock.sleep_until(clock.monotonic_ns() + LOOK_NS)


async def _with_rows(source: RunSource, run: str, links: Sequence[LinkRecord]) -> RunRecord:
    """The run's record as it is now, from which these links' rows can be read: they say which routes there are."""
    if folder := source.folder(run):
        return run_reader.read_record(folder)
    with TemporaryDirectory(prefix="plctl-") as copy:
        for schedule in {each for link in links for each in (link.plan.up, link.plan.down)}:
            for name in schedule_files.names(schedule):
                target = Path(copy, name)
                target.parent.mkdir(exist_ok=True)
                target.write_bytes(await read_whole(source, run, name))
        Path(copy, run_reader.RUN_NAME).write_bytes(await read_whole(source, run, run_reader.RUN_NAME))
        record = run_reader.read_record(Path(copy))
        for link in sections.choose(record, [link.plan.name for link in links]):
            for schedule in (link.plan.up, link.plan.down):
                schedule.column("route")  # read before the copy is gone
        return record


async def _next(source: RunSource, run: str, each: _Followed) -> list[both_ends.TimedBlock]:
    """What has come of one direction since the last look."""
    name, direction = each.link.plan.name, each.way.direction
    try:
        records = await source.read(run, packet_file.stream_name(name, direction), each.records)
        if not records.data:
            return []
        wanted = packet_file.captured_size(records.data, each.link.plan.capture_bytes)
        captured = b""
        while len(captured) < wanted:
            part = await source.read(run, packet_file.frames_name(name, direction), each.frames + len(captured))
            if not part.data:
                break
            captured += part.data
    except UserError:  # nothing was logged yet, or all of it is a file now
        return []
    return each.piece(records.data, captured)


async def _rest(source: RunSource, run: str, each: _Followed) -> list[both_ends.TimedBlock]:
    """What was not told of one direction when its stream had become a file."""
    found: list[both_ends.TimedBlock] = []
    with suppress(UserError):  # a run that was broken off keeps its streams, which have been told
        data = await read_whole(source, run, packet_file.parquet_name(each.link.plan.name, each.way.direction))
        for table in packet_file.tables_in(io.BytesIO(data)):
            found += each.of_table(table)
    return found
