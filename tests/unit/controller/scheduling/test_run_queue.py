"""Runs wait for hosts in the order in which they came; those that share no host do not wait for each other."""

from __future__ import annotations

from plctl.common.protocol.requests import Assignment
from plctl.controller.scheduling.placement import Need
from plctl.controller.scheduling.run_queue import RunQueue


def wants(*hosts: str) -> list[Assignment]:
    """A link on each host."""
    return [Assignment(f"link-{number}", host, 10, 1) for number, host in enumerate(hosts)]


def queue_of(**runs: tuple[str, ...]) -> RunQueue:
    """Runs that wait, in order, each for its hosts."""
    queue = RunQueue()
    for run, hosts in runs.items():
        queue.add(run, wants(*hosts))
    return queue


def test_the_first_at_all_of_its_hosts_is_first() -> None:
    """A run that is first at one host still waits behind another at the other."""
    queue = queue_of(r1=("a",), r2=("b",), r3=("b", "a"), r4=("c",))
    assert [True, True, False, True] == [queue.is_first(run) for run in ("r1", "r2", "r3", "r4")]
    assert [(), (), ("r1", "r2"), ()] == [queue.before(run) for run in ("r1", "r2", "r3", "r4")]


def test_nobody_overtakes() -> None:
    """A run that came later and shares a host comes later, also where its other host is free."""
    queue = queue_of(r1=("a", "b"), r2=("b", "c"))
    assert not queue.is_first("r2")
    queue.remove("r1")
    assert queue.is_first("r2")
    assert "r1" not in queue


def test_what_it_promised_is_summed_up_by_host() -> None:
    """Two links on one host need twice as much, and what is removed is promised no longer."""
    queue = queue_of(r1=("a", "a"), r2=("a", "b"))
    assert {"a": Need(20, 2)} == queue.needs("r1")
    assert (Need(30, 3), Need(10, 1), Need()) == (queue.promised("a"), queue.promised("b"), queue.promised("c"))
    queue.remove("r1")
    queue.remove("r1")
    assert Need(10, 1) == queue.promised("a")
