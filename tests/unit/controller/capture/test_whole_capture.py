"""A capture holds each logged frame where it arrived, and at the other end if it left, with its fate in words."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from support.packet_records import LINK, asked, dropped, served
from support.packets.pcapng_reader import Capture, Interface, read_capture
from support.synthetic_run import HOST, RUN, T0_NS, WALL_NS, half_samples, handover_plan, packed, steady

from plctl.common.base.errors import UserError
from plctl.common.protocol.messages import DirectionResult, LinkResult
from plctl.common.telemetry.packet_log import CAPTURED, COPY, CORRUPT, NO_ROUTE, RECORD
from plctl.common.telemetry.samples import Samples
from plctl.controller.capture import whole_capture
from plctl.controller.results import packet_file
from plctl.controller.results.run_folder import RunFolder
from plctl.controller.results.run_record import HostRecord, LinkRecord, RunRecord, rfc3339

KEPT = 100
MS = 10**6
#: What arrives 1 ms after T0 is at this instant.
AT_1_MS = WALL_NS + MS


def captured_run(**facts: object) -> RunRecord:
    """The record of a run of one link that kept 100 bytes of each frame."""
    record = asked(lost=0, capture_bytes=KEPT)
    started = replace(
        record, t0_ns=T0_NS, t0_utc=rfc3339(WALL_NS), hosts=(HostRecord(HOST, "0.1.0", {"kernel": "6.1"}),)
    )
    return replace(started, **facts)  # type: ignore[arg-type]  # whatever fields a test names


def write(folder: Path, records: bytes, captured: bytes, *, link: str = LINK, way: str = "up") -> None:
    """Append to a packet log."""
    packet_file.append(folder, link, way, records, captured=captured, capture_bytes=KEPT)  # type: ignore[arg-type]


def capture(folder: Path, record: RunRecord, *names: str) -> Capture:
    """The capture of these links, read back."""
    return read_capture(b"".join(whole_capture.blocks_of(folder, record, names)))


def test_a_delivered_frame_is_at_both_ends(tmp_path: Path) -> None:
    """At the instants of the log to the nanosecond, going out of one end and into the other, as one packet."""
    write(tmp_path, served(1, flags=CAPTURED), b"a" * 100)
    first, second = capture(tmp_path, captured_run()).packets
    assert (AT_1_MS - 50, AT_1_MS + 10_000_300) == (first.t_ns, second.t_ns)
    assert ((0, 2), (1, 1)) == ((first.interface, first.flags), (second.interface, second.flags))
    assert first.packet_id == second.packet_id
    assert {(1500, b"a" * 100)} == {(each.length, each.data) for each in (first, second)}
    sentence = (
        "up 1: delivered to the server; in the queue for 1 ns, in service for 2 ms;"
        " then 8 ms on the way, due 0.011000000 s after T0; sent 350 ns late; route 0"
    )
    assert [sentence] == first.comments == second.comments


def test_a_dropped_frame_is_where_it_arrived_only(tmp_path: Path) -> None:
    """With the cause; a frame whose bytes found no room is there without any."""
    write(tmp_path, dropped(1, flags=CAPTURED) + dropped(2), b"d" * 60)
    first, second = capture(tmp_path, captured_run()).packets
    assert (0, AT_1_MS, 60, b"d" * 60) == (first.interface, first.t_ns, first.length, first.data)
    assert ["up 1: dropped by the queue, which was full"] == first.comments
    assert (60, b"") == (second.length, second.data)
    assert ["up 2: dropped by the queue, which was full; its bytes were not kept: there was no room for them"] == (
        second.comments
    )


def test_a_corrupted_frame_leaves_with_its_flipped_bit_and_a_copy_only_leaves(tmp_path: Path) -> None:
    """What was sent twice arrived once; its first record says that there is a copy."""
    flipped = bytearray(served(1, flags=CAPTURED | CORRUPT))
    flipped[-4:] = (9).to_bytes(4, "little")
    write(tmp_path, bytes(flipped) + served(1, flags=CAPTURED | COPY), b"\0" * 200)
    entered, left, copied = capture(tmp_path, captured_run()).packets
    assert (0, 1, 1) == (entered.interface, left.interface, copied.interface)
    assert 1 == len({entered.packet_id, left.packet_id, copied.packet_id})
    assert bytes(100) == entered.data
    assert {bytes(100), bytes(15) + b"\x40" + bytes(84)} == {left.data, copied.data}
    assert entered.comments[0].endswith("the path flipped bit 9 behind the Ethernet header; the path made a copy of it")
    assert {True, False} == {"a copy that the path made" in each.comments[0] for each in (left, copied)}


def test_the_section_says_of_what_it_is(tmp_path: Path) -> None:
    """Run, hosts, versions and verdict, and what the log lacks; an interface for each end."""
    half = DirectionResult(packet_log_lost=3, capture_lost=4)
    link = replace(captured_run().links[0], verdict="ok", result=LinkResult(LINK, half, DirectionResult()))
    found = capture(tmp_path, captured_run(links=(link,), verdict="ok", seed=7))
    assert [
        f"run {RUN}, name handover, seed 7; T0 is 2026-11-23T04:15:30.000000Z on the controller's clock",
        "verdict of the run: ok",
        f"host {HOST}: plctl 0.1.0; its clock is not known",
        f"link {LINK} on host {HOST}: verdict ok",
        f"link {LINK} up: there was no room for the records of 3 frames, which are missing",
        f"link {LINK} up: there was no room for the bytes of 4 frames",
    ] == found.comments
    assert "plctl 0.1.0" == found.application
    client, server = found.interfaces
    at_client = f"the client's end of link {LINK}, where up enters and down leaves it"
    assert Interface(1, KEPT, f"{LINK} client", at_client, 10**9) == client
    assert (f"{LINK} server", 10**9) == (server.name, server.units_per_s)


def test_links_of_many_hosts_are_merged_in_the_controllers_time(tmp_path: Path) -> None:
    """The other host's clock is an hour behind; telemetry tells how its offset went on, from which times follow."""
    hour = 3600 * 10**9
    record = captured_run()
    other = replace(handover_plan("other"), packets=True, capture_bytes=KEPT)
    links = (*record.links, LinkRecord(other, "edge-2", planned_ns=T0_NS - hour))
    hosts = (*record.hosts, HostRecord("edge-2", clock_offset_ns=hour))
    folder = RunFolder.create(tmp_path, RUN)
    folder.record_plan(replace(record, links=links, hosts=hosts))
    for seconds, drift_ns in ((0, 0), (1, 1000)):  # one microsecond a second
        t_ns = T0_NS - hour + seconds * 10**9
        folder.append_samples("edge-2", sample(t_ns), hour + drift_ns)
    folder.append_packets(LINK, "up", dropped(1) + dropped(400), b"")
    shifted = RECORD.pack(1, T0_NS - hour + 5 * 10**8, *[0] * 5, NO_ROUTE, 60, 1, 0, 0, 0)
    folder.append_packets("other", "down", shifted, b"")
    assert folder.record is not None
    folder.close()
    found = capture(folder.path, folder.record)
    assert ["leo-0 client", "leo-0 server", "other client", "other server"] == [each.name for each in found.interfaces]
    assert [(0, MS), (0, 400 * MS), (3, 500 * MS + 500)] == [
        (each.interface, each.t_ns - WALL_NS) for each in found.packets
    ]
    assert ["other client", "other server"] == [
        each.name for each in capture(folder.path, folder.record, "other").interfaces
    ]


def sample(t_ns: int) -> Samples:
    """A sample of the link `other`, at an instant on its host's clock."""
    columns = half_samples(handover_plan("other"), "up", steady(10**6, 1242), seed=1)
    return packed({name: [t_ns if name == "t_ns" else values[0]] for name, values in columns.items()})


def test_packets_are_in_the_order_of_time_however_they_overtake(tmp_path: Path) -> None:
    """Each leaves 10 ms after it arrived, and many arrive meanwhile; a late record lies before an earlier one."""
    numbers = [*range(100, 0, -1)]
    write(tmp_path, b"".join(served(number) for number in numbers), b"")
    times = [each.t_ns for each in capture(tmp_path, captured_run()).packets]
    assert 200 == len(times)
    assert all(before <= after for before, after in pairwise(times))


@pytest.mark.parametrize(
    ("names", "changes", "sentence"),
    [
        (["moon"], {}, f"run {RUN} has no link moon; it has {LINK}"),
        (
            [LINK],
            {"capture_bytes": 0},
            f"{LINK} kept no bytes of its frames in run {RUN}; ask for them in the run spec",
        ),
        ([], {"capture_bytes": 0}, f"no link of run {RUN} kept bytes of its frames; ask for them in the run spec"),
    ],
)
def test_what_was_not_kept_is_said_with_what_to_ask_for(
    tmp_path: Path, names: list[str], changes: dict[str, int], sentence: str
) -> None:
    """And no frame is made up."""
    record = captured_run()
    link = replace(record.links[0], plan=replace(record.links[0].plan, **changes))  # type: ignore[arg-type]
    with pytest.raises(UserError, match=sentence):
        capture(tmp_path, replace(record, links=(link,)), *names)


def test_a_run_without_t0_has_no_packets(tmp_path: Path) -> None:
    """It is said which link never started."""
    record = replace(captured_run(), links=(replace(captured_run().links[0], planned_ns=None),))
    with pytest.raises(UserError, match=f"{LINK} of run {RUN} never got as far as T0"):
        capture(tmp_path, record)
