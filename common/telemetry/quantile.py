"""Whether a sample shows that a quantile is above a limit, or may be so by chance alone."""

from __future__ import annotations

from math import exp, lgamma, log, log1p

#: What is called shown would come about by chance in at most so many of a hundred samples.
CHANCE_PERCENT = 5


def shows_more_above(count: int, above: int, share: float) -> bool:
    """Whether `above` of `count` values over a limit show that more than `share` (0 … 1) of all such values are.

    That is: were it just `share`, so many or more would be above in at most `CHANCE_PERCENT` of a hundred samples (the
    exact one-sided binomial test; it is the lower confidence limit of the quantile, seen from the other side). Values
    that come in bursts show less than independent ones: then this says yes too soon, never too late.
    """
    return 0 < above <= count and _tail(count, above, share) <= CHANCE_PERCENT / 100


def _tail(count: int, above: int, share: float) -> float:
    """P(X ≥ above) for X binomial: the sum below if that is the shorter one, the sum above otherwise."""
    mean = count * share
    if above > mean:
        return min(1.0, _sum(count, above, count, share))
    return max(0.0, 1.0 - _sum(count, above - 1, 0, share))


def _sum(count: int, first: int, last: int, share: float) -> float:
    """P(X = first) + … + P(X = last), which decrease: what no longer counts is left out."""
    step = 1 if last >= first else -1
    term = exp(
        lgamma(count + 1) - lgamma(first + 1) - lgamma(count - first + 1)
        + first * log(share) + (count - first) * log1p(-share)
    )  # fmt: skip
    total, k = term, first
    while k != last and term > total * 1e-12:
        odds = share / (1 - share)
        term *= (count - k) / (k + 1) * odds if step > 0 else k / (count - k + 1) / odds
        k += step
        total += term
    return total
