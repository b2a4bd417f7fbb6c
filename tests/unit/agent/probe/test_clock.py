"""Setting the wall clock moves no arrival; it is noticed and told."""

from __future__ import annotations

import pytest

from plctl.agent.probe.clock import ArrivalClock, machine_id
from plctl.common.base.units import NS_PER_S


class FakeClocks:
    """Two clocks, `wall` − `monotonic` = `offset`, of which each reading takes `takes_ns`."""

    def __init__(self) -> None:
        self.now_ns, self.offset_ns, self.takes_ns = 1_000, 1_700_000_000 * NS_PER_S, 40

    def __call__(self) -> tuple[int, int, int]:
        before_ns, self.now_ns = self.now_ns, self.now_ns + self.takes_ns
        return before_ns, before_ns + self.takes_ns // 2 + self.offset_ns, self.now_ns


def test_a_wall_time_becomes_the_monotonic_time_of_that_instant() -> None:
    """To the uncertainty of a reading."""
    clocks = FakeClocks()
    assert ArrivalClock(clocks).to_monotonic(clocks.offset_ns + 12_345) == 12_345


@pytest.mark.parametrize("step_ns", [-3600 * NS_PER_S, -1_000_000, 1_000_000, NS_PER_S])
def test_a_step_is_noticed_once_and_then_reckoned_with(step_ns: int) -> None:
    """Steps of a millisecond to an hour, both ways."""
    clocks = FakeClocks()
    clock = ArrivalClock(clocks)
    assert clock.check()
    clocks.offset_ns += step_ns
    assert not clock.check()
    assert clock.check()
    assert [step_ns] == clock.steps
    assert clock.to_monotonic(clocks.offset_ns + 12_345) == 12_345


def test_a_reading_that_was_interrupted_is_no_step() -> None:
    """A process that loses the processor between two readings learns little, and must not take that for a step."""
    clocks = FakeClocks()
    clock = ArrivalClock(clocks)
    clocks.takes_ns = 8_000_000
    clocks.offset_ns += 3_000_000  # within what such a reading leaves open
    assert clock.check()
    clocks.offset_ns -= 3_000_000
    clocks.takes_ns = 40
    assert clock.check()
    assert [] == clock.steps


def test_a_machine_knows_itself() -> None:
    """Two readings of one machine's identity are alike, and are no more than 64 bits."""
    assert machine_id() == machine_id() < 2**64
