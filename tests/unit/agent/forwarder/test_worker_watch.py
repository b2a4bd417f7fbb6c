"""What a worker's heartbeat says of it: when it worked, when it did not, and that a sleeper is no laggard."""

from __future__ import annotations

from plctl.agent.forwarder.worker_watch import GAPS_TOLD, Watch, WorkerBeat, silent_since
from plctl.common.base.units import NS_PER_MS, NS_PER_S
from plctl.common.telemetry.histogram import Histogram
from plctl.common.telemetry.witness import WorkerGap

T0 = 100 * NS_PER_S
BUDGET = NS_PER_MS


def beat(
    pass_ns: int, *gaps: WorkerGap, passes: int = 1, recorded: int | None = None, until_ns: int = 0, worst_ns: int = 0
) -> WorkerBeat:
    """A worker that has made some passes, of which the last began at `pass_ns`, and written down `gaps`."""
    lengths = [gap.length_ns for gap in gaps] or [worst_ns]
    return WorkerBeat(
        passes, pass_ns, until_ns, len(gaps) if recorded is None else recorded, gaps, Histogram.of(lengths)
    )


def test_a_worker_that_never_failed_has_no_gaps() -> None:
    """Its passes since the beginning are counted, and its greatest gap is told, though it is within the budget."""
    watch = Watch(beat(T0 - 5, passes=10), T0, BUDGET)
    assert [] == watch.look(beat(T0 + 7, passes=25, worst_ns=300_000), T0 + 9)
    result = watch.result()
    assert (T0, T0 + 9, 15, 0) == (result.from_ns, result.until_ns, result.passes, result.gap_count)
    assert 300_000 == result.greatest_gap_ns


def test_each_gap_over_the_budget_is_told_once() -> None:
    """With begin and length, in the order in which they were; smaller ones, which others asked for, are not."""
    first, small = WorkerGap(T0 + 10, 2 * BUDGET), WorkerGap(T0 + 20 * BUDGET, BUDGET)
    second = WorkerGap(T0 + 30 * BUDGET, 3 * BUDGET)
    watch = Watch(beat(T0), T0, BUDGET)
    assert [first] == watch.look(beat(T0 + 1, first), T0 + 1)
    assert [second] == watch.look(beat(T0 + 2, first, small, second), T0 + 2)
    assert [] == watch.look(beat(T0 + 3, first, small, second), T0 + 3)
    result = watch.result()
    assert ((first, second), 2, 3 * BUDGET) == (result.gaps, result.gap_count, result.greatest_gap_ns)


def test_what_was_over_before_the_run_is_not_its_affair() -> None:
    """A gap that ended before T0 does not count; one that reaches into the run does."""
    past, across = WorkerGap(T0 - 10 * BUDGET, 2 * BUDGET), WorkerGap(T0 - BUDGET, 2 * BUDGET)
    watch = Watch(beat(T0 - 20 * BUDGET), T0, BUDGET)
    assert [across] == watch.look(beat(T0 + BUDGET, past, across), T0 + BUDGET)


def test_gaps_that_were_overwritten_still_count() -> None:
    """Their number is known; how long each was is not."""
    known = tuple(WorkerGap(T0 + number, 2 * BUDGET) for number in range(64))
    watch = Watch(beat(T0), T0, BUDGET)
    assert 64 == len(watch.look(beat(T0 + 100, *known, recorded=100), T0 + 100))
    result = watch.result()
    assert (100, GAPS_TOLD) == (result.gap_count, len(result.gaps))


def test_a_worker_that_is_still_missing_has_a_gap_to_the_end() -> None:
    """From when it should have been awake until the last look, whether it slept or not."""
    slept = Watch(beat(T0), T0, BUDGET)
    slept.look(beat(T0 + 5, until_ns=T0 + 100 * NS_PER_MS), T0 + 5 * NS_PER_S)
    expected = WorkerGap(T0 + 100 * NS_PER_MS, 4_900 * NS_PER_MS)
    assert ((expected,), 1, expected.length_ns) == (
        slept.result().gaps, slept.result().gap_count, slept.result().greatest_gap_ns,
    )  # fmt: skip
    worked = Watch(beat(T0), T0, BUDGET)
    worked.look(beat(T0 + 5, until_ns=T0), T0 + 5 * NS_PER_S)
    assert (WorkerGap(T0 + 5, 5 * NS_PER_S - 5),) == worked.result().gaps


def test_overdue_frames_are_handed_on() -> None:
    """As they were counted."""
    watch = Watch(beat(T0), T0, BUDGET)
    result = watch.result(3, 7)
    assert (3, 7) == (result.overdue_packets, result.overdue_ns)


def test_silence_begins_with_the_last_sign_of_life() -> None:
    """Of those that are silent the latest counts; a worker that does not exist, or lives, is not silent."""
    none, alive = beat(0), beat(T0 + 9 * NS_PER_S)
    asleep = beat(T0, until_ns=T0 + 9 * NS_PER_S)
    assert silent_since([none, alive, asleep], T0 + 9 * NS_PER_S + 1) is None
    assert T0 + 2 == silent_since([none, beat(T0), beat(T0 + 2), alive], T0 + 9 * NS_PER_S + 1)
