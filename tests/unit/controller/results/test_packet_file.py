"""Packet logs on disk: readable at any moment, whole or not at all, and in the end one Parquet file a direction."""

from __future__ import annotations

import resource
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from support.packet_records import LINK, asked, dropped, served
from support.synthetic_run import HOST, RUN, T0_NS, handover_plan, plan_record

from plctl.common.base.errors import ProtocolError
from plctl.common.protocol.messages import MAX_PACKETS
from plctl.common.telemetry.packet_log import CAPTURED, RECORD
from plctl.controller.results import packet_file
from plctl.controller.results.run_record import RunRecord

STREAM = Path("packets") / f"{LINK}-up.records"
PARQUET = Path("packets") / f"{LINK}-up.parquet"


def rows(folder: Path, record: RunRecord) -> list[dict[str, Any]]:
    """What the log of the link's way up says."""
    found: list[dict[str, Any]] = packet_file.read(folder, record, record.links[0], "up").to_pylist()
    return found


def test_records_can_be_read_while_the_run_goes_on(tmp_path: Path) -> None:
    """In the order of arrival, with RouteIDs, the verdict in words, and the time since T0."""
    packet_file.append(tmp_path, LINK, "up", dropped(3) + served(1))
    packet_file.append(tmp_path, LINK, "up", served(2, route=2))
    first, second, third = rows(tmp_path, asked())
    arrival = T0_NS + 10**6
    assert first == {
        "number": 1, "t_s": 0.001, "arrival_ns": arrival, "moved_ns": 50, "length": 1500, "verdict": "admitted",
        "ecn": 0, "marked": False, "route": 0,
        "start_ns": arrival + 1, "end_ns": arrival + 2_000_000, "due_ns": arrival + 10_000_000,
        "sent_ns": arrival + 10_000_300, "corrupt": False, "copy": False, "flow": 77, "bit": None,
        "captured": None,
    }  # fmt: skip
    assert (2, "admitted", 2) == (second["number"], second["verdict"], second["route"])
    assert (3, "queue_full", None, None, None) == tuple(
        third[name] for name in ("number", "verdict", "route", "due_ns", "sent_ns")
    )


def test_records_end_as_parquet_with_a_footer(tmp_path: Path) -> None:
    """The Parquet file says what the stream said, and of what it is the log; the stream is gone."""
    packet_file.append(tmp_path, LINK, "up", served(2) + served(1) + dropped(3))
    record = asked(lost=7)
    during = rows(tmp_path, record)
    packet_file.finish(tmp_path, record)
    assert during == rows(tmp_path, record) == pq.read_table(tmp_path / PARQUET).to_pylist()
    assert {
        "run": RUN, "link": LINK, "direction": "up", "host": HOST, "t0_ns": T0_NS, "overhead_bytes": 24,
        "records": 3, "lost": 7, "capture_bytes": 0, "capture_lost": 0,
    } == packet_file.footer(packet_file.read(tmp_path, record, record.links[0], "up"))  # fmt: skip
    assert {"leo-0-up.parquet", "leo-0-down.parquet"} == {path.name for path in (tmp_path / "packets").iterdir()}


def keep(folder: Path, records: bytes, captured: bytes) -> None:
    """Append records to the way up, and 100 bytes of each frame that they say was kept."""
    packet_file.append(folder, LINK, "up", records, captured=captured, capture_bytes=100)


def frames(folder: Path) -> list[bytes | None]:
    """The first bytes of the frames of the way up, in the order of arrival."""
    return [row["captured"] for row in rows(folder, asked(capture_bytes=100))]


def test_first_bytes_stay_with_their_records(tmp_path: Path) -> None:
    """In the order of arrival, during the run and as Parquet: 100 bytes, all of a shorter frame, or null."""
    keep(tmp_path, dropped(3, flags=CAPTURED) + served(1), b"c" * 60)
    keep(tmp_path, served(2, flags=CAPTURED), b"b" * 100)
    expected = [None, b"b" * 100, b"c" * 60]
    assert expected == frames(tmp_path)
    packet_file.finish(tmp_path, asked(capture_bytes=100))
    assert expected == frames(tmp_path)
    assert {"leo-0-up.parquet", "leo-0-down.parquet"} == {path.name for path in (tmp_path / "packets").iterdir()}
    without = packet_file.read(tmp_path, asked(), asked().links[0], "up", captured=False)
    assert "captured" not in without.column_names
    assert 3 == without.num_rows


def test_first_bytes_that_are_not_those_of_the_records_are_refused(tmp_path: Path) -> None:
    """Else all that come after would have another's."""
    for captured in (b"", b"b" * 99, b"b" * 101):
        with pytest.raises(ProtocolError, match=f"{len(captured)} first bytes beside records of leo-0 that have 100"):
            keep(tmp_path, served(1, flags=CAPTURED), captured)
    assert [] == [*tmp_path.rglob("*.*")]


@pytest.mark.parametrize(("torn", "left"), [(".records", [b"a" * 100]), (".frames", [b"a" * 100])])
def test_after_a_crash_records_and_bytes_end_together(tmp_path: Path, torn: str, left: list[bytes]) -> None:
    """Whichever was cut off; what is written next belongs to its own record."""
    keep(tmp_path, served(1, flags=CAPTURED) + served(2, flags=CAPTURED), b"a" * 100 + b"b" * 100)
    stream = (tmp_path / STREAM).with_suffix(torn)
    stream.write_bytes(stream.read_bytes()[:-1])
    packet_file.cut_torn_records(tmp_path, asked(capture_bytes=100))
    assert left == frames(tmp_path)
    keep(tmp_path, served(3, flags=CAPTURED), b"c" * 100)
    assert [*left, b"c" * 100] == frames(tmp_path)


def test_bytes_that_the_disk_refused_take_their_records_along(tmp_path: Path) -> None:
    """Both or neither are there, and what comes later finds its place."""
    keep(tmp_path, served(1, flags=CAPTURED), b"a" * 100)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (150, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            keep(tmp_path, served(2, flags=CAPTURED), b"b" * 100)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    keep(tmp_path, served(3, flags=CAPTURED), b"c" * 100)
    assert [b"a" * 100, b"c" * 100] == frames(tmp_path)


def test_a_link_without_packets_has_an_empty_log(tmp_path: Path) -> None:
    """That nothing came is an answer, too; that nobody knows what was lost is told apart from none."""
    packet_file.finish(tmp_path, asked(armed=False))
    assert [] == rows(tmp_path, asked())
    footer = packet_file.footer(packet_file.read(tmp_path, asked(), asked().links[0], "up"))
    assert (0, None, None) == (footer["records"], footer["lost"], footer["t0_ns"])


def test_a_link_that_was_never_armed_has_no_time_since_t0(tmp_path: Path) -> None:
    """It is null, not invented."""
    packet_file.append(tmp_path, LINK, "up", served(1))
    assert [None] == [row["t_s"] for row in rows(tmp_path, asked(armed=False))]


def test_nothing_is_made_where_no_log_was_asked_for(tmp_path: Path) -> None:
    """A run without packet logs has no folder for them."""
    packet_file.finish(tmp_path, plan_record((handover_plan(),)))
    assert [] == [*tmp_path.iterdir()]


@pytest.mark.parametrize(
    ("records", "sentence"),
    [
        (served(1)[:-1], f"{RECORD.size - 1} bytes as a packet log of leo-0"),
        (served(1) * (MAX_PACKETS + 1), "no whole number of records up to 4096"),
        (served(1) + bytes(62) + b"\7" + bytes(9), "with a verdict that there is not"),
    ],
)
def test_what_is_no_record_is_refused(tmp_path: Path, records: bytes, sentence: str) -> None:
    """What an agent sends is checked before it is written."""
    with pytest.raises(ProtocolError, match=sentence):
        packet_file.append(tmp_path, LINK, "up", records)
    assert [] == [*tmp_path.rglob("*.records")]


def test_a_log_that_was_cut_off_is_read_up_to_its_last_whole_record(tmp_path: Path) -> None:
    """After a crash in mid-write all records before the last are still there."""
    packet_file.append(tmp_path, LINK, "up", served(1) + served(2))
    stream = tmp_path / STREAM
    stream.write_bytes(stream.read_bytes()[:-1])
    assert [1] == [row["number"] for row in rows(tmp_path, asked())]


def test_records_that_the_disk_refused_do_not_shift_what_comes_after(tmp_path: Path) -> None:
    """A piece is in the file whole or not at all; once there is space again, the log goes on."""
    packet_file.append(tmp_path, LINK, "up", served(1))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (RECORD.size + 100, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            packet_file.append(tmp_path, LINK, "up", served(2) + served(3))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    packet_file.append(tmp_path, LINK, "up", served(4))
    assert [1, 4] == [row["number"] for row in rows(tmp_path, asked())]


def test_records_that_a_disk_did_not_even_let_go_do_not_shift_what_comes_after(tmp_path: Path) -> None:
    """What stands behind the end that was known is cut before the log goes on."""
    ends = packet_file.append(tmp_path, LINK, "up", served(1))
    with (tmp_path / STREAM).open("ab") as stream:
        stream.write(served(2)[:40])
    packet_file.append(tmp_path, LINK, "up", served(4), ends=ends)
    assert [1, 4] == [row["number"] for row in rows(tmp_path, asked())]
