"""The stated bound on a run's skew holds for every pair of links, and is reached by the worst."""

from __future__ import annotations

from itertools import pairwise, product

from hypothesis import given
from hypothesis import strategies as st

from plctl.controller.results.skew import Starts, skew_bound_ns

starts = st.tuples(st.integers(-100, 1000), st.integers(0, 1000), st.integers(0, 500)).map(
    lambda drawn: Starts(drawn[0], drawn[0] + drawn[1], drawn[2])
)


def test_one_host_is_compared_by_its_own_clock() -> None:
    """However little is known of a clock, two links that share it are compared exactly."""
    assert 0 == skew_bound_ns([])
    assert 0 == skew_bound_ns([Starts(5, 5, 1000)])
    assert 7 == skew_bound_ns([Starts(5, 12, 1000)])


def test_both_bounds_count_between_two_hosts() -> None:
    """One clock may have been ahead while the other was behind."""
    assert 3 + 100 + 40 == skew_bound_ns([Starts(5, 5, 100), Starts(8, 8, 40)])


@given(st.lists(starts, min_size=2, max_size=6))
def test_it_is_the_worst_pair(hosts: list[Starts]) -> None:
    """The same as comparing every pair of hosts."""
    pairs = [(a, b) for a, b in product(hosts, hosts) if a is not b]
    worst = max(a.last_ns + a.bound_ns - (b.first_ns - b.bound_ns) for a, b in pairs)
    assert max(worst, *(host.last_ns - host.first_ns for host in hosts)) == skew_bound_ns(hosts)


@given(st.lists(starts, min_size=2, max_size=6))
def test_more_hosts_never_make_it_smaller(hosts: list[Starts]) -> None:
    """A bound over some hosts is none below that over fewer."""
    bounds = [skew_bound_ns(hosts[:count]) for count in range(1, len(hosts) + 1)]
    assert all(fewer <= more for fewer, more in pairwise(bounds))
