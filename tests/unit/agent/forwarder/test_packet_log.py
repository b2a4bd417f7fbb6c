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
from plctl.common.protocol.messages import MAX_PACKETS
from plctl.common.telemetry.packet_log import NO_ROUTE, RECORD

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
    for direction, records in log.read_new():
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
