"""The ring between the forwarder and the agent loses nothing that it does not count, and never holds up the writer."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plctl.agent.forwarder.packet_log import PacketLog
from plctl.agent.native import _core
from plctl.common.protocol.messages import MAX_CAPTURED_BYTES, MAX_PACKETS
from plctl.common.telemetry.packet_log import CAPTURED, NO_ROUTE, RECORD

ROOM = _core.PACKET_LOG_RECORDS


@pytest.fixture
def log() -> Iterator[PacketLog]:
    """An empty log."""
    with closing(PacketLog.create()) as made:
        yield made


def record(number: int) -> bytes:
    """A record with a number and otherwise the largest value of each field."""
    return RECORD.pack(number, *[2**63 - 1] * 6, NO_ROUTE, 2**16 - 1, 255, 0, 2**32 - 1, 0)


def numbers(records: bytes) -> list[int]:
    """The numbers of records, which must be whole and otherwise as `record` made them."""
    found = [fields[0] for fields in RECORD.iter_unpack(records)]
    assert b"".join(map(record, found)) == records
    return found


def write(log: PacketLog, direction: int, wanted: range) -> None:
    """Write as the forwarder does, through a mapping of its own."""
    with Path(log.path).open("r+b") as file, mmap.mmap(file.fileno(), 0) as memory:
        for number in wanted:
            _core.packet_log_write(memory, direction, record(number))


def read(log: PacketLog) -> dict[str, list[int]]:
    """All new numbers of each direction."""
    found: dict[str, list[int]] = {"up": [], "down": []}
    for direction, records, _ in log.read_new():
        assert 0 < len(records) <= MAX_PACKETS * RECORD.size
        found[direction] += numbers(records)
    return found


def test_what_is_written_is_read_once_and_in_order(log: PacketLog) -> None:
    """Each direction has its own ring; what was read does not come again."""
    write(log, 0, range(1, 6))
    write(log, 1, range(1, MAX_PACKETS + 3))
    assert {"up": [*range(1, 6)], "down": [*range(1, MAX_PACKETS + 3)]} == read(log)
    assert {"up": [], "down": []} == read(log)
    assert (0, 0) == log.lost()


def test_a_full_ring_keeps_what_it_has_and_counts_what_it_loses(log: PacketLog) -> None:
    """Once the ring is full new records are lost and counted, up to the next reading; the other direction is not."""
    write(log, 0, range(1, ROOM + 8))
    assert (7, 0) == log.lost()
    assert [*range(1, ROOM + 1)] == read(log)["up"]
    write(log, 0, range(ROOM + 8, ROOM + 10))
    assert [ROOM + 8, ROOM + 9] == read(log)["up"]
    assert (7, 0) == log.lost()


@settings(max_examples=settings.default.max_examples // 5)  # each writes tens of thousands of records
@given(st.lists(st.tuples(st.integers(0, 3 * ROOM // 4), st.integers(0, ROOM)), max_size=4))
def test_however_writing_and_reading_take_turns(turns: list[tuple[int, int]]) -> None:
    """The ring holds the oldest unread records up to its size, across every wrap, and counts exactly the others."""
    memory = bytearray(_core.PACKET_LOG_BYTES)
    expected: list[int] = []
    number = lost = 0
    for writes, reads in turns:
        for _ in range(writes):
            number += 1
            if len(expected) < ROOM:
                expected.append(number)
            else:
                lost += 1
            _core.packet_log_write(memory, 1, record(number))
        assert expected[:reads] == numbers(_core.packet_log_read(memory, 1, reads))
        del expected[:reads]
        assert lost == _core.packet_log_lost(memory, 1)


def captured(number: int) -> bytes:
    """The record of a frame of 1500 bytes whose first bytes were kept."""
    return RECORD.pack(number, *[0] * 6, NO_ROUTE, 1500, 0, CAPTURED, 0, 0)


@pytest.fixture
def capturing() -> Iterator[PacketLog]:
    """An empty log that keeps 1000 bytes of each frame."""
    with closing(PacketLog.create(1000)) as made:
        yield made


def write_frames(log: PacketLog, direction: int, wanted: range) -> None:
    """Write frames of 1500 bytes, each with its number in all of them, as the forwarder does."""
    with Path(log.path).open("r+b") as file, mmap.mmap(file.fileno(), 0) as memory:
        for number in wanted:
            flag = _core.capture_write(memory, direction, 0, (number % 251).to_bytes(1, "big") * 1500)
            _core.packet_log_write(memory, direction, captured(number) if flag else record(number))


def test_first_bytes_come_with_their_records(capturing: PacketLog) -> None:
    """Each piece has the bytes of its own frames, as many as were asked for, across every wrap of their ring."""
    expected = 0
    for turn in range(9):
        write_frames(capturing, turn % 2, range(1 + turn * 3000, 3001 + turn * 3000))
        for direction, records, frames in capturing.read_new():
            assert ("up", "down")[turn % 2] == direction
            assert len(frames) <= MAX_CAPTURED_BYTES
            found = [fields[0] for fields in RECORD.iter_unpack(records)]
            assert [*range(expected + 1, expected + 1 + len(found))] == found
            assert b"".join((number % 251).to_bytes(1, "big") * 1000 for number in found) == frames
            expected = found[-1]
    assert 9 * 3000 == expected
    assert (0, 0) == capturing.capture_lost()


def test_a_record_whose_bytes_found_no_room_says_so(capturing: PacketLog) -> None:
    """It is kept without them and counted; who reads on gets the bytes of those that follow."""
    room = _core.CAPTURE_BYTES // 1000
    write_frames(capturing, 1, range(1, room + 6))
    pieces = list(capturing.read_new())
    flags = [fields[10] & CAPTURED for _, records, _ in pieces for fields in RECORD.iter_unpack(records)]
    assert [CAPTURED] * room + [0] * 5 == flags
    assert room * 1000 == sum(len(frames) for _, _, frames in pieces)
    assert ((0, 0), (0, 5)) == (capturing.lost(), capturing.capture_lost())
    write_frames(capturing, 1, range(room + 6, room + 7))
    assert [("down", captured(room + 6), ((room + 6) % 251).to_bytes(1, "big") * 1000)] == [*capturing.read_new()]
    capturing.close()
    assert (0, 5) == capturing.capture_lost()


def test_bytes_are_kept_for_records_only_that_find_room() -> None:
    """The room of those before it counts, too, also where they are written later."""
    memory = bytearray(_core.CAPTURING_LOG_BYTES)
    _core.capture_set(memory, 4)
    for number in range(ROOM - 2):
        _core.packet_log_write(memory, 0, record(number))
    assert [CAPTURED, CAPTURED, 0] == [_core.capture_write(memory, 0, ahead, b"frame") for ahead in range(3)]
    assert 1 == _core.capture_lost(memory, 0)


def test_other_records_than_came_next_have_no_bytes() -> None:
    """Nothing is read beyond what was written."""
    memory = bytearray(_core.CAPTURING_LOG_BYTES)
    _core.capture_set(memory, 4)
    assert CAPTURED == _core.capture_write(memory, 0, 0, b"frame")
    with pytest.raises(ValueError, match="these records have 8 bytes, which the ring does not hold"):
        _core.capture_read(memory, 0, captured(1) * 2)
    with pytest.raises(ValueError, match="a record has 72 bytes, these have 71"):
        _core.capture_read(memory, 0, captured(1)[1:])
    with pytest.raises(ValueError, match=f"a packet log has {_core.CAPTURING_LOG_BYTES} bytes"):
        _core.capture_lost(bytearray(_core.PACKET_LOG_BYTES), 0)
    assert b"fram" == _core.capture_read(memory, 0, captured(1))


def test_a_closed_log_still_tells_what_it_lost(log: PacketLog) -> None:
    """Whoever sums up a run after its forwarder is gone gets the count, and no more records."""
    write(log, 1, range(ROOM + 3))
    log.close()
    assert (0, 3) == log.lost()
    assert {"up": [], "down": []} == read(log)


def test_memory_is_there_before_the_first_packet(log: PacketLog) -> None:
    """The log's memory is reserved when it is made, so that the forwarder cannot run out of it in mid-run."""
    assert _core.PACKET_LOG_BYTES <= Path(log.path).stat().st_blocks * 512


def test_a_buffer_that_is_no_log_is_refused() -> None:
    """Neither a short buffer nor a third direction nor half a record is touched."""
    memory = bytearray(_core.PACKET_LOG_BYTES)
    with pytest.raises(ValueError, match=f"a packet log has {_core.PACKET_LOG_BYTES} bytes, the buffer 5"):
        _core.packet_log_read(bytearray(5), 0, 1)
    with pytest.raises(ValueError, match="direction is 2"):
        _core.packet_log_lost(memory, 2)
    with pytest.raises(ValueError, match="a record has 72 bytes, this one 71"):
        _core.packet_log_write(memory, 0, bytes(71))
    with pytest.raises(ValueError, match="most is -1"):
        _core.packet_log_read(memory, 0, -1)
    assert not any(memory)
