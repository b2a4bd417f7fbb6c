"""What a path is asked to do to frames is said in a sentence, with the numbers that the scenario has."""

from __future__ import annotations

import pytest

from plctl.common.base.units import NS_PER_MS
from plctl.common.plan.impairments import Impairments, Jitter, Loss
from plctl.common.plan.path_text import describe_path
from plctl.common.plan.run_plan import LinkPlan
from plctl.common.scenario.schedule import Row, Schedule

PERCENT = 10**7


def plan(*paths: tuple[int, int, int, int], impairments: Impairments | None = None) -> LinkPlan:
    """A link with a row for each path: loss, duplication, corruption, jitter."""
    up = Schedule(Row(number, 0, 0, 10**6, -1, *path) for number, path in enumerate(paths))
    return LinkPlan("leo", up, Schedule((Row(0, 0, 0, 10**6),)), impairments=(impairments,) if impairments else ())


def test_a_path_that_does_nothing_has_nothing_to_say() -> None:
    """Also where the other direction has."""
    assert "" == describe_path(plan((PERCENT, 0, 0, 0)), "down")


def test_what_varies_is_told_by_its_ends() -> None:
    """Of all rows, in the order in which it is decided."""
    path = plan((20 * PERCENT, 0, 0, 0), (PERCENT // 2, PERCENT, 3 * PERCENT, 5 * NS_PER_MS))
    assert (
        "loses 0.5 % to 20 % of frames, flips a bit in 0 % to 3 % of frames, sends 0 % to 1 % of frames twice, "
        "delays them by a jitter of 0 ns to 5 ms (normal)"
    ) == describe_path(path, "up")


@pytest.mark.parametrize(
    ("impairments", "sentence"),
    [
        (Impairments(Loss("burst", r_ppb=25 * PERCENT)), "loses 20 % of frames in bursts of 4"),
        (
            Impairments(Loss("gilbert-elliott", p_ppb=PERCENT, r_ppb=10 * PERCENT)),
            "loses 100 % of frames in the bad state and 0 % in the good one (Gilbert–Elliott, p 1 %, r 10 %)",
        ),
        (
            Impairments(Loss("pattern", pattern_ppb=(PERCENT, 2 * PERCENT, 0, 0, 0))),
            "loses frames by a pattern (1 %, 2 %, 0 %, 0 %, …)",
        ),
        (Impairments(Loss("list", listed=((3, 3),))), "loses the frames that are listed"),
    ],
)
def test_each_way_to_lose_frames_is_named(impairments: Impairments, sentence: str) -> None:
    """With what it is set up with."""
    assert sentence == describe_path(plan((20 * PERCENT, 0, 0, 0), impairments=impairments), "up")


def test_jitter_and_copies_are_told_with_all_that_is_special() -> None:
    """Distribution, correlation, order, and how much later copies come."""
    jitter = Jitter("pareto", correlation=2**31, reorder=True)
    path = plan((0, PERCENT, 0, NS_PER_MS), impairments=Impairments(jitter=jitter, duplicate_delay_ns=2 * NS_PER_MS))
    assert (
        "sends 1 % of frames twice, 2 ms later, delays them by a jitter of 1 ms "
        "(pareto, correlated by 50 %, frames overtake each other)"
    ) == describe_path(path, "up")
    timed = plan((0, 0, 0, 1), impairments=Impairments(jitter=Jitter("table", (0, 1), correlation_time_ns=NS_PER_MS)))
    assert "delays them by a jitter of 1 ns (as a table says, correlated over 1 ms)" == describe_path(timed, "up")
