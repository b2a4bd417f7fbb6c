"""What is drawn has the statistics that were asked for, at fixed seeds; and one fate does not depend on another's."""

from __future__ import annotations

import math
from itertools import groupby, pairwise
from statistics import NormalDist, fmean

import pytest
from model.halves import armed, impairing

from plctl.common.plan.distributions import standard_table, table_of_samples
from plctl.common.plan.half_impairments import distribution_table
from plctl.common.plan.impairments import DEVIATION

FRAMES = 20_000
GAP_NS = 1_000_000
DELAY_NS = 50_000_000
PERCENT = 10**7


def fates(row: tuple[int, int, int, int], key: int = 7, **changes: object) -> tuple[list[bool], dict[int, int]]:
    """Of frames a ms apart: which of them were lost, and the jitter of the others, by number."""
    half = armed((0, DELAY_NS, 8 * 10**9, -1, 0, *row), impairments=impairing(reorder=True, **changes), key=key)
    for number in range(FRAMES):
        half.arrive(number * GAP_NS, 1000)
    popped = half.pop(10**15)
    lost = {number for number, verdict, _ in half.dropped() if verdict}
    return [number in lost for number in range(FRAMES)], {
        number: due - end - DELAY_NS for number, _, _, end, due in popped
    }


def runs(lost: list[bool]) -> list[int]:
    """The lengths of runs of losses."""
    return [len(list(group)) for value, group in groupby(lost) if value]


def within(share: float, expected: float, count: int, deviations: float = 3.9) -> bool:
    """Whether a share of so many independent trials is what one expects at 99.99 %."""
    return abs(share - expected) <= deviations * math.sqrt(expected * (1 - expected) / count)


def test_each_frame_is_lost_alone() -> None:
    """By the row's probability, without memory: what follows a loss is lost as often as any."""
    lost, _ = fates((3 * PERCENT, 0, 0, 0))
    assert within(fmean(lost), 0.03, FRAMES)
    after = [b for a, b in pairwise(lost) if a]
    assert within(fmean(after), 0.03, len(after))


def test_bursts_keep_the_mean() -> None:
    """Runs have the mean length that was asked for, and geometric lengths (χ² at 99.9 %); the share stays the row's."""
    lost, _ = fates((5 * PERCENT, 0, 0, 0), loss_model="burst", loss_r=25 * PERCENT, loss_bad=10**9)
    lengths = runs(lost)
    assert 0.04 < fmean(lost) < 0.06
    assert abs(fmean(lengths) - 4) < 4 * math.sqrt(12 / len(lengths))
    classes = [sum(length == n for length in lengths) for n in range(1, 6)]
    expected = [len(lengths) * 0.25 * 0.75 ** (n - 1) for n in range(1, 6)]
    rest, expected_rest = len(lengths) - sum(classes), len(lengths) * 0.75**5
    squares = sum((a - b) ** 2 / b for a, b in zip([*classes, rest], [*expected, expected_rest], strict=True))
    assert squares < 20.5  # of 5 degrees of freedom


def test_gilbert_elliott_is_stationary() -> None:
    """The share lost is p / (p + r) with the defaults."""
    lost, _ = fates((0, 0, 0, 0), loss_model="gilbert-elliott", loss_p=2 * PERCENT, loss_r=18 * PERCENT, loss_bad=10**9)
    assert within(fmean(lost), 0.1, int(FRAMES * 0.2 / 1.8))


def test_patterns_and_lists() -> None:
    """The probability after a loss is the pattern's next; listed frames are lost and no others."""
    lost, _ = fates((0, 0, 0, 0), loss_model="pattern", loss_pattern=[10 * PERCENT, 60 * PERCENT])
    after = [b for a, b in pairwise(lost) if a]
    assert within(fmean(after), 0.6, len(after))
    lost, _ = fates((0, 0, 0, 0), loss_model="list", loss_listed=[(3, 3), (40, 60)])
    assert {3, *range(40, 61)} == {number for number, gone in enumerate(lost, 1) if gone}


@pytest.mark.parametrize("name", ["uniform", "normal", "pareto", "paretonormal"])
def test_jitter_has_the_distribution_that_was_asked_for(name: str) -> None:
    """Mean 0, deviation 1, and no quantile off by more than Kolmogorov and Smirnov allow at 99.9 %."""
    _, jitter = fates((0, 0, 0, GAP_NS), distribution=distribution_table(name))
    found = sorted(value / GAP_NS for value in jitter.values())
    assert abs(fmean(found)) < 4 / math.sqrt(FRAMES)
    table = [value / DEVIATION for value in standard_table(name)]
    for index, value in enumerate(found[:: FRAMES // 200]):
        share = index * (FRAMES // 200) / FRAMES
        expected = sum(each <= value for each in table) / len(table)
        assert abs(share - expected) < 1.95 / math.sqrt(FRAMES) + 1 / len(table) + 1 / 200


def test_correlation_changes_no_distribution() -> None:
    """The autocorrelation of the normal scores is the one asked for, by frame or by time; quantiles stay."""
    normal = distribution_table("normal")
    for changes in ({"correlation": 2**31}, {"correlation_time_ns": round(GAP_NS / math.log(2))}):
        _, jitter = fates((0, 0, 0, GAP_NS), distribution=normal, normal=normal, **changes)
        values = [jitter[number] / GAP_NS for number in range(FRAMES)]
        assert abs(fmean(a * b for a, b in pairwise(values)) - 0.5) < 0.03
        assert abs(fmean(value < NormalDist().inv_cdf(0.9) for value in values) - 0.9) < 0.02


def test_what_is_switched_on_changes_nothing_else() -> None:
    """Losses are the same with jitter; the jitter of what remains is the same with losses, copies and corruption."""
    plain, _ = fates((5 * PERCENT, 0, 0, 0))
    lost, jitter = fates((5 * PERCENT, 0, 0, GAP_NS))
    _, alone = fates((0, 0, 0, GAP_NS))
    _, all_on = fates((5 * PERCENT, 0, 30 * PERCENT, GAP_NS))
    assert plain == lost
    assert {number: alone[number] for number in jitter} == jitter == all_on
    assert lost != fates((5 * PERCENT, 0, 0, 0), key=8)[0]


def test_nothing_is_reordered_within_a_route_unless_it_may_be() -> None:
    """Due times never fall, whatever the jitter; none is before the end of service."""
    half = armed((0, DELAY_NS, 8 * 10**9, -1, 0, 0, 0, 0, 30 * GAP_NS), impairments=impairing())
    for number in range(2000):
        half.arrive(number * GAP_NS, 1000)
    popped = half.pop(10**15)
    assert list(range(2000)) == [number for number, *_ in popped]
    assert all(due >= end for *_, end, due in popped)


def test_samples_become_a_table() -> None:
    """With mean 0 and deviation 1 on the lines between its values; what cannot be one is refused."""
    table = [value / DEVIATION for value in table_of_samples([30, 10, 20, 20, 90])]
    pairs = list(pairwise(table))
    assert abs(fmean((a + b) / 2 for a, b in pairs)) < 1e-5
    assert abs(fmean((a * a + a * b + b * b) / 3 for a, b in pairs) - 1) < 1e-5
    with pytest.raises(ValueError, match="all the same"):
        table_of_samples([3, 3])
    with pytest.raises(ValueError, match="2 values or more"):
        table_of_samples([3])
