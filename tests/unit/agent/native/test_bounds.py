"""Numbers and memory from Python that the C core cannot use are refused, and what it keeps stays within its numbers."""

from __future__ import annotations

import contextlib
import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from plctl.agent.native import _core
from plctl.common.base.units import NS_PER_S

WORKER = ("off", 0, -1, 0, 0, 0)


def forwarder(slots: int = 1, workers: int = 1) -> _core.Forwarder:
    """One without links."""
    memory = os.memfd_create("plctl-test")
    os.ftruncate(memory, _core.stats_size(1))
    try:
        return _core.Forwarder(stats=memory, slots=slots, workers=(WORKER,) * workers, budget_bytes=2**20)
    finally:
        os.close(memory)


@pytest.mark.parametrize("slots", [0, -1, 65537, 2**50, 2**63 - 1])
def test_slots_whose_statistics_no_memory_holds_are_refused(slots: int) -> None:
    """Also where their size would be so large that it begins again at 0."""
    with pytest.raises(ValueError, match="has 1 to 65536 slots"):
        forwarder(slots)


def test_memory_that_is_not_aligned_is_refused() -> None:
    """Its words could not be read in one piece."""
    stats = memoryview(bytearray(_core.stats_size(1) + 8))[1:]
    log = memoryview(bytearray(_core.PACKET_LOG_BYTES + 8))[1:]
    for read in (
        lambda: _core.read_stats(stats, 0),
        lambda: _core.read_start(stats, 0),
        lambda: _core.read_noted(stats, 0),
        lambda: _core.take_snapshots(stats, (0,)),
        lambda: _core.read_worker(stats, 0),
        lambda: _core.packet_log_read(log, 0, 1),
        lambda: _core.packet_log_lost(log, 0),
    ):
        with pytest.raises(ValueError, match="multiple of 8 bytes"):
            read()


@pytest.mark.parametrize("slot", [-1, 1, 2**62])
def test_a_slot_that_is_not_there_is_refused(slot: int) -> None:
    """Whatever is to be read of it."""
    stats = bytearray(_core.stats_size(1))
    for read in (
        lambda: _core.read_stats(stats, slot),
        lambda: _core.read_start(stats, slot),
        lambda: _core.read_noted(stats, slot),
        lambda: _core.take_snapshots(stats, (0, slot)),
    ):
        with pytest.raises(ValueError, match=f"slot is {slot}; the buffer has 1"):
            read()
    assert [] == _core.take_snapshots(stats, (0,))


def test_an_interval_that_is_none_is_refused() -> None:
    """Of length 0, or beyond all time."""
    with contextlib.closing(forwarder()) as made:
        for t0_ns, interval_ns in ((1, 0), (1, -1), (1, 2**62), (2**62, 1)):
            with pytest.raises(ValueError, match="an interval is 1 ns or more"):
                made.note((), t0_ns, interval_ns)


def test_an_allowance_is_overdrawn_by_no_more_than_its_numbers_hold() -> None:
    """A worker that was stopped for a year while it waited awake does not get its time back by it."""
    year = 365 * 86400 * NS_PER_S
    before, after = _core.allowance_trace(500_000, NS_PER_S, [(0, year), (NS_PER_S, 0)])
    assert (NS_PER_S, True) == (before, after < 0)


@pytest.mark.parametrize(
    ("share", "burst", "steps"),
    [(-1, 0, []), (1, -1, []), (1, 2**62, []), (1, 1, [(-1, 0)]), (1, 1, [(0, -1)]), (1, 1, [(2, 0), (1, 0)])],
)
def test_an_allowance_of_no_meaning_is_refused(share: int, burst: int, steps: list[tuple[int, int]]) -> None:
    """No share or burst is negative, and neither clock nor spending goes back."""
    with pytest.raises(ValueError, match=r"share|back"):
        _core.allowance_trace(share, burst, steps)


def test_time_that_no_worker_has_left_is_refused() -> None:
    """A second at the most."""
    with pytest.raises(ValueError, match="legal is 0 to 1000000000 ns"):
        _core.gather_ns("adaptive", 2**62, 1, 1)


def test_a_forwarder_is_not_closed_while_another_thread_speaks_to_its_workers() -> None:
    """Closing is refused then; afterwards the workers are gone, and nobody speaks to them."""
    for _ in range(5):
        made, begun = forwarder(workers=16), threading.Event()

        def watch(made: _core.Forwarder = made, begun: threading.Event = begun) -> None:
            for _ in range(50):
                made.watch(NS_PER_S)
                begun.set()

        with ThreadPoolExecutor(1) as pool:
            watching = pool.submit(watch)
            assert begun.wait(20)
            while made.workers():
                with contextlib.suppress(ValueError):  # it is in use
                    made.close()
            watching.result(20)
