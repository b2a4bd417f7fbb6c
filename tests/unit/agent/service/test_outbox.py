"""An agent's reports are numbered, kept until acknowledged, sent in order and not too many at once, and bounded."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plctl.agent.service.outbox import Limits, Outbox
from plctl.agent.service.spill import Spill, SpillRange
from plctl.common.protocol import messages as m

#: Encoded, with what surrounds them.
SIZE = 1000


def report(number: int) -> m.Artifact:
    """About `SIZE` bytes."""
    return m.Artifact(number, "x", "stdout", bytes(SIZE - 100))


def sent(outbox: Outbox) -> list[m.Artifact | m.Gap]:
    """What is sent now."""
    found = []
    while (data := outbox.next()) is not None:
        message = m.decode(data, "agent").message
        assert isinstance(message, m.Artifact | m.Gap)
        found.append(message)
    return found


def numbers(outbox: Outbox) -> list[int]:
    """The reports among what is sent now, each after the one before or after a gap that says what is between."""
    found = []
    for before, message in pairwise([None, *sent(outbox)]):
        first = message.first if isinstance(message, m.Gap) else message.number
        assert before is None or first == before.number + 1
        found += [message.number] if isinstance(message, m.Artifact) else []
    return found


@pytest.fixture
def boxes() -> Iterator[list[Outbox]]:
    """Outboxes that are closed afterwards."""
    made: list[Outbox] = []
    yield made
    for outbox in made:
        outbox.close()


def test_only_so_much_is_sent_ahead_of_the_acknowledgements(boxes: list[Outbox]) -> None:
    """By number or by bytes, whichever is reached first; every acknowledgement lets as many follow, in order."""
    for limits in (Limits(ahead_reports=3), Limits(ahead_bytes=3 * SIZE + SIZE // 2)):
        outbox = Outbox(limits)
        boxes.append(outbox)
        for _ in range(10):
            outbox.put(report, "r")
        assert [1, 2, 3] == numbers(outbox)
        assert [] == numbers(outbox)
        outbox.acknowledge(2)
        assert [4, 5] == numbers(outbox)
        outbox.acknowledge(5)
        assert [6, 7, 8] == numbers(outbox)
        assert 5 == outbox.waiting


def test_a_report_larger_than_the_limit_is_sent_alone(boxes: list[Outbox]) -> None:
    """It does not wait for ever."""
    outbox = Outbox(Limits(ahead_bytes=10))
    boxes.append(outbox)
    outbox.put(report, "r")
    outbox.put(report, "r")
    assert [1] == numbers(outbox)
    outbox.acknowledge(1)
    assert [2] == numbers(outbox)


def test_a_new_connection_gets_all_that_is_not_acknowledged_in_order(boxes: list[Outbox]) -> None:
    """What was sent and what was not, as the controller's pace allows, and what it had got meanwhile not again."""
    outbox = Outbox(Limits(ahead_reports=4))
    boxes.append(outbox)
    for _ in range(6):
        outbox.put(report, "r")
    assert [1, 2, 3, 4] == numbers(outbox)
    outbox.rewind(2)
    assert [3, 4, 5, 6] == numbers(outbox)
    outbox.acknowledge(6)
    assert 0 == outbox.waiting


@given(st.lists(st.sampled_from(["put", "telemetry", "send", "rewind"]) | st.integers(0, 30)))
def test_nothing_is_lost_or_out_of_order(steps: list[str | int]) -> None:
    """Whatever happens, wherever reports lie: a controller that takes them in turn sees every number once, in order."""
    outbox = Outbox(Limits(ahead_reports=3, memory_bytes=2 * SIZE), Spill(segment_bytes=3 * SIZE))
    put, arrived = 0, 0
    on_the_way: list[int] = []
    for step in [*steps, *["send", 10**9] * 40]:
        if step in ("put", "telemetry"):
            outbox.put(report, "r", expendable=step == "telemetry")
            put += 1
        elif step == "send":
            on_the_way += numbers(outbox)
        elif step == "rewind":
            outbox.rewind(arrived)
            on_the_way = []  # the old connection is gone, with all that was on it
        else:
            while on_the_way and on_the_way[0] <= int(step):
                number = on_the_way.pop(0)
                assert number <= arrived + 1, "a gap"
                arrived = max(arrived, number)
            outbox.acknowledge(arrived)
    assert (put, 0, {}) == (arrived, outbox.waiting, outbox.take_dropped())
    outbox.close()


def test_a_controller_that_knows_less_than_was_acknowledged_is_told_so(boxes: list[Outbox]) -> None:
    """One whose journal is gone gets a gap for what another one has, whether something is left to be sent or not."""
    outbox = Outbox()
    boxes.append(outbox)
    for _ in range(5):
        outbox.put(report, "r")
    assert [1, 2, 3, 4, 5] == numbers(outbox)
    outbox.acknowledge(3)
    outbox.rewind(0)
    assert [m.Gap(3, 1, forgotten=True), report(4), report(5)] == sent(outbox)
    outbox.acknowledge(5)
    outbox.rewind(2)
    assert [m.Gap(5, 3, forgotten=True)] == sent(outbox)


def test_telemetry_goes_to_disk_when_memory_is_full_and_comes_back(boxes: list[Outbox]) -> None:
    """Nothing else does: what must not be lost stays in memory, and says when that is crowded."""
    spill = Spill()
    outbox = Outbox(Limits(memory_bytes=2 * SIZE, crowded_bytes=4 * SIZE), spill)
    boxes.append(outbox)
    for _ in range(5):
        outbox.put(report, "r", expendable=True)
    on_disk = spill.size_bytes
    assert 2 * SIZE < on_disk < 4 * SIZE
    assert not outbox.crowded
    for _ in range(3):
        outbox.put(report, "r")
    assert on_disk == spill.size_bytes
    assert outbox.crowded
    assert [*range(1, 9)] == numbers(outbox)
    outbox.acknowledge(8)
    assert (0, False) == (spill.size_bytes, outbox.crowded)


def test_when_the_disk_is_full_the_oldest_telemetry_goes_and_is_counted(boxes: list[Outbox]) -> None:
    """Never what is no telemetry; the numbers that are left show the gap, and each run learns of its own loss once."""
    spill = Spill(segment_bytes=SIZE // 2)
    limits = Limits(ahead_reports=10**9, memory_bytes=SIZE, disk_bytes=3 * SIZE)
    outbox = Outbox(limits, spill)
    boxes.append(outbox)
    outbox.put(report, "r")
    for epoch in ("r", "r", "r", "s", "s"):
        outbox.put(report, epoch, expendable=True)
        assert spill.size_bytes <= limits.disk_bytes
    outbox.put(report, "r")
    assert [1, 4, 5, 6, 7] == numbers(outbox)
    assert {"r": 2} == outbox.take_dropped()
    assert {} == outbox.take_dropped()


def test_without_a_disk_the_oldest_telemetry_in_memory_makes_room(boxes: list[Outbox]) -> None:
    """A disk that takes nothing bounds what is kept, and ends nothing."""

    class Broken(Spill):
        def put(self, data: bytes) -> SpillRange:  # noqa: ARG002  (a signature)
            raise OSError(errno.ENOSPC, "No space left on device")

    outbox = Outbox(Limits(memory_bytes=3 * SIZE), Broken())
    boxes.append(outbox)
    outbox.put(report, "r")
    for _ in range(5):
        outbox.put(report, "r", expendable=True)
    assert [1, 5, 6] == numbers(outbox)
    assert {"r": 3} == outbox.take_dropped()


def test_telemetry_that_the_disk_lost_is_a_gap_and_no_end(boxes: list[Outbox]) -> None:
    """What cannot be read again is counted; everything after it is sent."""

    class Forgetful(Spill):
        def get(self, place: SpillRange) -> bytes:  # noqa: ARG002  (a signature)
            raise OSError(errno.EIO, "Input/output error")

    outbox = Outbox(Limits(memory_bytes=SIZE), Forgetful())
    boxes.append(outbox)
    for expendable in (False, True, True, False):
        outbox.put(report, "r", expendable=expendable)
    assert [1, 4] == numbers(outbox)
    assert {"r": 2} == outbox.take_dropped()
