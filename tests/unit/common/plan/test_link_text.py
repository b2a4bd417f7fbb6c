"""What people write of queues and budgets on a command line means what a run spec would mean by it."""

from __future__ import annotations

import pytest

from plctl.common.base.errors import UserError
from plctl.common.plan.link_text import check_interval, describe_queue, read_budget, read_capacity
from plctl.common.plan.run_plan import Budget, Capacity, Queue


def test_capacities_have_a_largest() -> None:
    """A queue of two tebibytes is a slip."""
    with pytest.raises(UserError, match="out of range"):
        read_capacity("2000GB")


def test_budgets() -> None:
    """What is not said stays as it is."""
    assert Budget(lateness_ns=2_000_000, workload_ns=10**9) == read_budget(["lateness=2ms", "workload=1s"])
    assert Budget() == read_budget([])


@pytest.mark.parametrize("text", ["late=2ms", "lateness", "lateness=", "lateness=2"])
def test_budgets_that_are_none(text: str) -> None:
    """Refused before a run begins."""
    with pytest.raises(UserError, match=r"is no budget|is not a duration"):
        read_budget([text])


@pytest.mark.parametrize("ns", [9_999_999, 60_000_000_001])
def test_intervals_have_bounds(ns: int) -> None:
    """Not so often that looking disturbs, nor so seldom that nothing is seen."""
    with pytest.raises(ValueError, match="legal is 10ms to 60s"):
        check_interval(ns)


def test_a_queue_is_told_in_words() -> None:
    """What is special about it, and nothing else."""
    assert "droptail and holds 1 × the bandwidth-delay product of the row in force" == describe_queue(Queue())
    special = Queue("codel", Capacity("packets", 50), {"ecn": 1, "target": 2_000_000})
    assert "codel (ecn on, target 2 ms) and holds 50 packets" == describe_queue(special)
    shares = Queue("red", Capacity("bytes", 9000), {"max": 3000, "probability": 50_000})
    assert "red (max 3 kB, probability 5 %) and holds 9000 bytes" == describe_queue(shares)
    gains = Queue("pie", Capacity("packets", 9), {"alpha": 250_000})
    assert "pie (alpha 0.25) and holds 9 packets" == describe_queue(gains)
