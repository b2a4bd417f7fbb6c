"""Exchanges must be many when the bound matters, and cheap and unsynchronised when it does not."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from plctl.common.base.units import NS_PER_MS, NS_PER_S
from plctl.common.clocks.exchange_schedule import ExchangeSchedule


def gaps(schedule: ExchangeSchedule, count: int, now_ns: int = 0) -> list[int]:
    """The gaps between `count` exchanges that are sent on time."""
    found = []
    for _ in range(count):
        schedule.sent(now_ns)
        found.append(schedule.due_ns - now_ns)
        now_ns = schedule.due_ns
    return found


@settings(deadline=None)  # it would time the machine
@given(st.integers())
def test_it_begins_with_a_burst_and_goes_on_steadily(seed: int) -> None:
    """Eight, at most 12.5 ms apart, then one every 1.5 to 2.5 s."""
    schedule = ExchangeSchedule(random.Random(seed))
    assert 0 == schedule.due_ns
    found = gaps(schedule, 20)
    assert all(7.5 * NS_PER_MS <= gap <= 12.5 * NS_PER_MS for gap in found[:7])
    assert all(1.5 * NS_PER_S <= gap <= 2.5 * NS_PER_S for gap in found[7:])
    assert not schedule.in_burst


def test_a_burst_is_due_at_once() -> None:
    """Asked for while waiting, e.g. before ARM, it does not wait for the steady gap to end."""
    schedule = ExchangeSchedule(random.Random(1))
    gaps(schedule, 9)
    schedule.burst(now_ns=500)
    assert schedule.in_burst
    assert 500 == schedule.due_ns
    assert all(gap < NS_PER_S for gap in gaps(schedule, 7, now_ns=500))


@settings(deadline=None)  # it would time the machine
@given(st.integers())
def test_a_burst_of_many_agents_is_slower_and_begins_at_any_time(seed: int) -> None:
    """Where each is to leave 40 ms between two exchanges, the first comes within those."""
    schedule = ExchangeSchedule(random.Random(seed))
    gaps(schedule, 9)
    schedule.burst(now_ns=500, gap_ns=40 * NS_PER_MS)
    assert 500 <= schedule.due_ns <= 500 + 40 * NS_PER_MS
    assert all(30 * NS_PER_MS <= gap <= 50 * NS_PER_MS for gap in gaps(schedule, 7, schedule.due_ns))
    schedule.burst(now_ns=500)
    assert all(7.5 * NS_PER_MS <= gap <= 12.5 * NS_PER_MS for gap in gaps(schedule, 7, 500))


def test_a_burst_may_end_early() -> None:
    """Once it has found what it was for, the next exchange belongs to the trickle."""
    schedule = ExchangeSchedule(random.Random(1))
    schedule.end_burst()
    assert not schedule.in_burst
    assert all(gap >= 1.5 * NS_PER_S for gap in gaps(schedule, 3))


def test_a_late_sender_does_not_catch_up() -> None:
    """After a pause of a minute one exchange is sent, not thirty."""
    schedule = ExchangeSchedule(random.Random(1))
    gaps(schedule, 8)
    schedule.sent(60 * NS_PER_S)
    assert schedule.due_ns >= 61.5 * NS_PER_S


def test_two_agents_fall_out_of_step() -> None:
    """Agents that start together are spread out after a few exchanges."""
    first, second = (ExchangeSchedule(random.Random(seed)) for seed in (1, 2))
    gaps(first, 12)
    gaps(second, 12)
    assert abs(first.due_ns - second.due_ns) > 50 * NS_PER_MS
