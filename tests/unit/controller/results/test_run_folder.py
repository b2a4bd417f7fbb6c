"""A run's folder is the proof of what happened: whole at every stage, and honest when the disk is not."""

from __future__ import annotations

import fcntl
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.small_disk import no_file_larger_than
from support.synthetic_run import (
    HOST,
    INTERVAL_NS,
    RUN,
    T0_NS,
    half_samples,
    handover_plan,
    make_run,
    packed,
    plan_record,
    steady,
)

from plctl.common.base.errors import BusyError, ProtocolError, UserError, WorldError
from plctl.common.telemetry.packet_log import RECORD
from plctl.controller.results import run_folder, telemetry_file
from plctl.controller.results.run_folder import RunFolder, new_run_id
from plctl.controller.results.run_reader import read_events, read_record

WALL_NS = 1_795_407_330_000_000_000


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[RunFolder]:
    """An empty run's folder."""
    with RunFolder.create(tmp_path / "runs", RUN) as made:
        yield made


def test_a_run_id_tells_when_and_what_and_is_a_plain_name() -> None:
    """UTC time, the name reduced to what any file system and shell takes, and four random digits."""
    assert re.fullmatch(r"20261123-041530-hand-over-[0-9a-f]{4}", new_run_id("Hand/over\n..", WALL_NS))
    assert re.fullmatch(r"20261123-041530-run-[0-9a-f]{4}", new_run_id("../..", WALL_NS))


def test_two_runs_never_share_a_folder(tmp_path: Path) -> None:
    """A run id that exists is refused, and the first run's files stay."""
    RunFolder.create(tmp_path, RUN).close()
    with pytest.raises(BusyError, match="exists already"):
        RunFolder.create(tmp_path, RUN)


def test_whoever_locks_a_folder_keeps_nobody_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever may read a folder can lock it; completing it waits only so long, and says who is to be looked for."""
    with make_run(tmp_path) as finished:
        path = finished.path
    monkeypatch.setattr(run_folder, "ALONE_S", 0.0)
    lock = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_SH)
        with pytest.raises(BusyError, match=r"another process holds a lock on .*; fuser .* says which"):
            run_folder.complete(path)
    finally:
        os.close(lock)
    run_folder.complete(path)


def test_the_record_can_be_read_at_every_stage(tmp_path: Path, folder: RunFolder) -> None:
    """run.json is written before the run and replaced as a whole later, without a draft left behind."""
    record = plan_record((handover_plan(),))
    folder.record_plan(record)
    assert record == read_record(folder.path)
    with make_run(tmp_path / "other") as finished:
        assert finished.record == read_record(finished.path)
    assert read_record(finished.path).verdict == "ok"
    assert not list(tmp_path.rglob("*.tmp"))


def test_telemetry_can_be_read_while_the_run_goes_on(folder: RunFolder) -> None:
    """Whoever looks before the end sees every batch that was appended."""
    columns = half_samples(handover_plan(), "up", steady(10**6, 1242), seed=1)
    folder.append_samples(HOST, packed(columns))
    table = telemetry_file.read(folder.path, RUN, {HOST: T0_NS})
    assert len(columns["t_ns"]) == table.num_rows
    assert table["t_s"][0].as_py() == INTERVAL_NS / 1e9
    folder.close()


def test_there_is_telemetry_before_there_are_numbers(folder: RunFolder) -> None:
    """A run that was cut off before T0 has a table without rows."""
    table = telemetry_file.read(folder.path, RUN, {HOST: T0_NS})
    assert (0, telemetry_file.SCHEMA) == (table.num_rows, table.schema)


def test_telemetry_of_a_host_that_was_never_armed_has_no_time(folder: RunFolder) -> None:
    """Without a T0 the time since T0 is null, not invented."""
    folder.append_samples(HOST, packed(half_samples(handover_plan(), "up", steady(10**6, 1242), seed=1)))
    assert {None} == set(telemetry_file.read(folder.path, RUN, {})["t_s"].to_pylist())
    folder.close()


def test_telemetry_has_both_clocks(folder: RunFolder) -> None:
    """The agent's time stays, and the controller's, which makes one log of many hosts, stands beside it."""
    samples = packed(half_samples(handover_plan(), "up", steady(10**6, 1242), seed=1))
    folder.append_samples(HOST, samples, offset_ns=-3)
    table = telemetry_file.read(folder.path, RUN, {HOST: T0_NS})
    assert (T0_NS + INTERVAL_NS, T0_NS + INTERVAL_NS - 3) == (
        table["t_ns"][0].as_py(), table["t_controller_ns"][0].as_py()
    )  # fmt: skip
    assert INTERVAL_NS / 1e9 == table["t_s"][0].as_py()
    folder.close()


def test_telemetry_of_an_impossible_time_is_refused(folder: RunFolder) -> None:
    """A bad batch is not written and does not end the stream."""
    good = packed(half_samples(handover_plan(), "up", steady(10**6, 1242), seed=1))
    for offset_ns in (2**63 - 1, 2**63):
        with pytest.raises(ProtocolError, match="telemetry of edge-1"):
            folder.append_samples(HOST, good, offset_ns)
    folder.append_samples(HOST, good)
    assert len(good) == telemetry_file.read(folder.path, RUN, {}).num_rows
    folder.close()


def test_events_of_all_parts_become_one_log_in_controller_time(folder: RunFolder) -> None:
    """Every line has the six keys; the order is that of the clock, whatever the order of arrival."""
    folder.append_events([{"ts": "b", "t_ns": 20, "event": "link.ready", "link": "leo-0", "bound_ns": 5}], host=HOST)
    folder.append_events([{"ts": "a", "t_ns": 10, "event": "run.accepted", "fact": Path("/x")}])
    with (folder.path / "events.jsonl").open("a") as file:
        file.write('{"cut off')
    log = read_events(folder.path)
    assert ["run.accepted", "link.ready"] == [event["event"] for event in log]
    assert [{"ts", "t_ns", "host", "link", "event", "run"}] * 2 == [set(event) - {"bound_ns", "fact"} for event in log]
    assert (HOST, "leo-0", RUN, 5) == tuple(log[1][key] for key in ("host", "link", "run", "bound_ns"))


def test_pieces_of_an_artifact_are_joined(folder: RunFolder) -> None:
    """What a workload prints arrives in pieces and ends as one file."""
    folder.append_artifact("leo-0", "client.stdout", b"one ")
    folder.append_artifact("leo-0", "client.stdout", b"two")
    path = folder.path / "artifacts" / "leo-0" / "client.stdout"
    assert path.read_bytes() == b"one two"
    folder.close()


def test_what_somebody_deletes_of_an_artifact_is_told_with_the_next_piece(folder: RunFolder) -> None:
    """Once, and in bytes."""
    assert 0 == folder.append_artifact("leo-0", "client.stdout", b"one ")
    (folder.path / "artifacts" / "leo-0" / "client.stdout").unlink()
    assert 4 == folder.append_artifact("leo-0", "client.stdout", b"two")
    assert 0 == folder.append_artifact("leo-0", "client.stdout", b"three")
    folder.close()


def test_an_artifact_may_lie_in_folders(folder: RunFolder) -> None:
    """What a program left in folders is found in the same ones."""
    folder.append_artifact("leo-0", "qlog/a/client.qlog", b"trace")
    folder.append_artifact("leo-0", "qlog/empty", b"")
    left = folder.path / "artifacts" / "leo-0" / "qlog"
    assert ((left / "a" / "client.qlog").read_bytes(), (left / "empty").read_bytes()) == (b"trace", b"")
    folder.close()


@pytest.mark.parametrize("name", ["..", ".", "", "a/../b", "a//b", "/etc/passwd", "a\0b"])
def test_an_artifact_never_leaves_its_folder(folder: RunFolder, name: str) -> None:
    """Names come from other hosts; one that leads elsewhere is refused."""
    with pytest.raises(ProtocolError, match="cannot be the name of a file"):
        folder.append_artifact("leo-0", name, b"")
    with pytest.raises(ProtocolError, match="cannot be the name of a file"):
        folder.append_artifact(name, "stdout", b"")
    folder.close()


def test_a_place_where_no_folder_can_be_is_told_in_a_sentence(tmp_path: Path) -> None:
    """The sentence names the attempt and the kernel's word."""
    (tmp_path / "runs").write_text("a file")
    with pytest.raises(WorldError, match=r"cannot make the folder .*/runs for results: File exists; .* --out"):
        RunFolder.create(tmp_path / "runs", RUN)


def test_a_full_disk_is_told_in_a_sentence(folder: RunFolder) -> None:
    """/dev/full refuses every write as a full disk does: the sentence says which file, and what to do."""
    (folder.path / "artifacts" / "leo-0").mkdir()
    (folder.path / "artifacts" / "leo-0" / "client.stdout").symlink_to("/dev/full")
    with pytest.raises(WorldError, match=r"cannot write .*client\.stdout: No space left on device; free some space"):
        folder.append_artifact("leo-0", "client.stdout", b"x")
    (folder.path / "run.json.tmp").symlink_to("/dev/full")
    with pytest.raises(WorldError, match=r"cannot write .*run\.json: No space left on device"):
        folder.record_plan(plan_record((handover_plan(),)))
    folder.close()


def test_telemetry_that_the_disk_refused_is_told_in_a_sentence(folder: RunFolder) -> None:
    """The sentence names the run's folder, what was there stays readable, and closing tells nothing more."""
    samples = packed(half_samples(handover_plan(), "up", steady(10**6, 1242), seed=1))
    folder.append_samples(HOST, samples)
    stream = folder.path / "telemetry.parts" / "000001.arrows"
    with no_file_larger_than(stream.stat().st_size):
        with pytest.raises(WorldError, match=r"cannot write telemetry to .*: File too large"):
            folder.append_samples(HOST, samples)
        folder.close()
    folder.close()
    assert len(samples) == telemetry_file.read(folder.path, RUN, {}).num_rows


def test_a_run_goes_on_in_the_folder_of_a_controller_that_died(folder: RunFolder) -> None:
    """What was whole stays, what was being written is cut off, and what comes then follows it."""
    samples = packed(half_samples(handover_plan(), "up", steady(10**6, 1242), seed=1))
    folder.record_plan(plan_record((handover_plan(),)))
    folder.append_samples(HOST, samples)
    folder.append_events([{"t_ns": 1, "event": "run.accepted"}])
    folder.append_packets("leo-0", "up", bytes(RECORD.size))
    records = folder.path / "packets" / "leo-0-up.records"
    for torn in (folder.path / "events.jsonl", folder.path / "telemetry.parts" / "000001.arrows", records):
        with torn.open("ab") as file:
            file.write(b'{"torn')
    with RunFolder.reopen(folder.path) as again:
        again.append_samples(HOST, samples)
        again.append_events([{"t_ns": 2, "event": "run.resumed"}])
        again.append_packets("leo-0", "up", bytes(RECORD.size))
    assert folder.record == again.record
    assert 2 * len(samples) == telemetry_file.read(folder.path, RUN, {}).num_rows
    assert ["run.accepted", "run.resumed"] == [event["event"] for event in read_events(folder.path)]
    assert 2 == len((folder.path / "events.jsonl").read_text().splitlines())
    assert 2 * RECORD.size == records.stat().st_size
    folder.close()


def test_a_folder_is_gone_on_with_as_it_was_when_its_sizes_were_taken(folder: RunFolder) -> None:
    """What was appended after that is cut off, files that did not exist are gone, and appending goes on."""
    samples = packed(half_samples(handover_plan(), "up", steady(10**6, 1242), seed=1))
    folder.record_plan(plan_record((handover_plan(),)))
    folder.append_samples(HOST, samples)
    folder.append_events([{"event": "kept"}])
    folder.append_artifact("x", "w.stdout", b"kept")
    sizes = folder.grown()
    folder.append_samples(HOST, samples)
    folder.append_events([{"event": "cut"}])
    folder.append_artifact("x", "w.stdout", b"cut")
    folder.append_artifact("x", "w.stderr", b"cut")
    folder.append_packets("x", "up", bytes(RECORD.size))
    folder.close()
    with RunFolder.reopen(folder.path, sizes) as reopened:
        assert folder.record == reopened.record
        reopened.append_samples(HOST, samples)
        reopened.append_events([{"event": "later"}])
        reopened.append_artifact("x", "w.stdout", b", and more")
        assert {"events.jsonl", "telemetry.parts/000002.arrows", "artifacts/x/w.stdout"} == reopened.grown().keys()
    assert ["kept", "later"] == [event["event"] for event in read_events(folder.path)]
    assert 2 * len(samples) == telemetry_file.read(folder.path, RUN, {}).num_rows
    assert ["w.stdout"] == [path.name for path in (folder.path / "artifacts" / "x").iterdir()]
    assert "kept, and more" == (folder.path / "artifacts" / "x" / "w.stdout").read_text()
    assert [] == list((folder.path / "packets").iterdir())


def test_what_is_not_a_run_is_told_in_a_sentence(tmp_path: Path) -> None:
    """A folder without run.json, one with something else in it, and one from another format."""
    with pytest.raises(UserError, match=r"is not a run's folder: cannot read .*No such file"):
        read_record(tmp_path)
    for text, found in (("{", "is not a run's record"), (json.dumps({"format": 2}), "run.json")):
        (tmp_path / "run.json").write_text(text)
        with pytest.raises(UserError, match=found):
            read_record(tmp_path)
