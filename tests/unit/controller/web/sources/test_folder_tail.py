"""A run that another process writes is followed by what is appended, and adds up to what its end would say."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from support.synthetic_run import HOST, T0_NS, half_samples, handover_plan, make_run, packed, steady

from plctl.controller.results import column_parts, telemetry_file
from plctl.controller.results.column_parts import RunTable
from plctl.controller.results.run_folder import RunFolder
from plctl.controller.results.run_reader import read_record
from plctl.controller.view.live_samples import read_live
from plctl.controller.web.sources.folder_tail import FolderTail


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    """A folder of a run that has telemetry of two links."""
    made = make_run(tmp_path, (handover_plan(), handover_plan("leo-1")))
    made.close()
    return made


def live(tail: FolderTail) -> dict[tuple[str, str], tuple[int, ...]]:
    """The values of both directions of all links."""
    return {(k.link, name): half for k in tail.view.links() for name, half in (("up", k.up), ("down", k.down)) if half}


def test_what_is_appended_adds_up(folder: RunFolder) -> None:
    """As reading the whole would have it, and looking again adds nothing."""
    record = read_record(folder.path)
    tail = FolderTail(folder.path, record)
    tail.advance(record)
    tail.advance(record)
    tail.close()
    assert read_live(folder.path, record) == live(tail)
    assert T0_NS == tail.view.t0_ns


def test_a_message_counts_once_it_is_whole(folder: RunFolder) -> None:
    """However the file was cut when it was looked at."""
    record = read_record(folder.path)
    stream = next((folder.path / "telemetry.parts").glob("*.arrows"))
    data = stream.read_bytes()
    tail = FolderTail(folder.path, record)
    for size in range(0, len(data), len(data) // 41):
        stream.write_bytes(data[:size])
        tail.advance(record)
    stream.write_bytes(data)
    tail.advance(record)
    tail.close()
    assert read_live(folder.path, record) == live(tail)


@pytest.mark.parametrize("looks", [False, True], ids=["found so", "followed"])
def test_parts_that_became_parquet_count_once(folder: RunFolder, looks: bool) -> None:
    """Whether they were followed until then or found so; the next part is gone on with."""
    record = read_record(folder.path)
    whole = read_live(folder.path, record)
    tail = FolderTail(folder.path, record)
    if looks:
        tail.advance(record)
    stream = next((folder.path / "telemetry.parts").glob("*.arrows"))
    column_parts.to_parquet(stream, RunTable(telemetry_file.COLUMNS, record.run, record.t0_by_host()))
    again = RunFolder.reopen(folder.path)
    twice = packed(half_samples(handover_plan(), "up", steady(2_000_000, 1242), 1))
    again.append_samples(HOST, twice)
    tail.advance(record)
    again.close()
    tail.close()
    assert whole != live(tail)
    assert read_live(folder.path, record) == live(tail)


def test_samples_of_unknown_links_are_left_out(folder: RunFolder) -> None:
    """Of a folder that somebody else wrote into."""
    record = read_record(folder.path)
    tail = FolderTail(folder.path, dataclasses.replace(record, links=record.links[:1]))
    tail.advance(record)
    tail.close()
    assert {"leo-0"} == {link for link, _ in live(tail)}
