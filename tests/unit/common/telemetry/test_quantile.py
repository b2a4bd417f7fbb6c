"""A few packets show little of a 99th percentile: the rule is the exact binomial test, for any number of packets."""

from __future__ import annotations

from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plctl.common.telemetry.quantile import shows_more_above


def tail(count: int, above: int) -> float:
    """P(X ≥ above) for a binomial X with p = 1 %, summed term by term."""
    return sum(comb(count, k) * 0.01**k * 0.99 ** (count - k) for k in range(above, count + 1))


@pytest.mark.parametrize(
    ("count", "above", "expected"),
    [
        (60, 0, False),
        (60, 1, False),  # one late ping of sixty: as likely as not where one in a hundred is late
        (60, 2, False),
        (60, 3, True),
        (5, 1, True),  # 4.9 %
        (6, 1, False),  # 5.9 %
        (3, 3, True),
        (1_000, 15, False),
        (1_000, 16, True),
        (100_000, 1_052, False),
        (100_000, 1_053, True),
        (10**9, 10_005_175, False),
        (10**9, 10_005_177, True),
        (10**9, 10**9, True),
        (10**9, 1, False),
    ],
)
def test_known_samples(count: int, above: int, expected: bool) -> None:
    """From one packet to a thousand million, around where the answer turns."""
    assert expected == shows_more_above(count, above, 0.01)


@given(st.integers(1, 400), st.data())
def test_it_is_the_exact_test(count: int, data: st.DataObject) -> None:
    """As the sum over all outcomes says."""
    above = data.draw(st.integers(1, count))
    exact = tail(count, above)
    if abs(exact - 0.05) > 1e-9:
        assert (exact <= 0.05) == shows_more_above(count, above, 0.01)


@given(st.integers(1, 10**7), st.data())
def test_more_above_never_show_less(count: int, data: st.DataObject) -> None:
    """One more late packet cannot make a link less late."""
    above = data.draw(st.integers(0, count - 1))
    assert shows_more_above(count, above, 0.01) <= shows_more_above(count, above + 1, 0.01)
