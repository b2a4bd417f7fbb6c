"""Numbers for narrow columns."""

from __future__ import annotations

from plctl.common.base.units import three_digits


def test_three_digits_are_the_nearest_and_those_of_a_bound_are_above() -> None:
    """A bound that was rounded down would be a lie."""
    assert [955_000, 1_230, 999, -955_000, 0] == [three_digits(ns) for ns in (955_175, 1_234, 999, -955_175, 0)]
    assert [956_000, 1_240, 999, 1_000_000] == [three_digits(ns, bound=True) for ns in (955_175, 1_234, 999, 999_001)]
