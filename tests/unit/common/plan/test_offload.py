"""Which links carry super-frames, and how long a segment may wait."""

from __future__ import annotations

import pytest

from plctl.common.base.errors import UserError
from plctl.common.base.units import NS_PER_US, RATE_UNLIMITED
from plctl.common.plan.offload import AUTO_RATE_BPS, decide_coalesce, decide_offload, read_coalesce
from plctl.common.scenario.schedule import Row, Schedule


def rows(*rates_bps: int) -> Schedule:
    """A row a second, with these rates."""
    return Schedule(tuple(Row(n * 10**9, 0, 0, rate) for n, rate in enumerate(rates_bps)))


@pytest.mark.parametrize(
    ("up", "down", "expected"),
    [
        ((10_000_000,), (10_000_000,), "off"),
        ((AUTO_RATE_BPS - 1,), (AUTO_RATE_BPS - 1,), "off"),
        ((10_000_000, AUTO_RATE_BPS), (10_000_000,), "on"),
        ((10_000_000,), (AUTO_RATE_BPS,), "on"),
        ((10_000_000,), (RATE_UNLIMITED,), "on"),
    ],
)
def test_auto_is_on_where_any_direction_is_ever_fast(up: tuple[int, ...], down: tuple[int, ...], expected: str) -> None:
    """What is asked for by name is what it is."""
    assert expected == decide_offload("auto", rows(*up), rows(*down))
    assert ("on", "off") == tuple(decide_offload(choice, rows(*up), rows(*down)) for choice in ("on", "off"))


@pytest.mark.parametrize(
    ("up_us", "down_us", "expected_us"),
    [(20_000, 20_000, 200), (1600, 20_000, 200), (20_000, 800, 100), (200, 200, 25), (0, 0, 20)],
)
def test_auto_lets_a_segment_wait_for_an_eighth_of_the_least_delay(up_us: int, down_us: int, expected_us: int) -> None:
    """For 20 to 200 us; what is asked for is what it is."""
    up, down = (Schedule((Row(0, 0, each * NS_PER_US, RATE_UNLIMITED),)) for each in (up_us, down_us))
    assert expected_us * NS_PER_US == decide_coalesce(read_coalesce("auto"), "on", up, down)
    assert 50 * NS_PER_US == decide_coalesce(read_coalesce("auto"), "off", up, down)
    assert [0, 7] == [decide_coalesce(choice_ns, "on", up, down) for choice_ns in (0, 7)]


def test_a_segment_may_wait_for_ten_milliseconds_at_most() -> None:
    """0 needs no unit."""
    assert [0, 20_000, 10_000_000] == [read_coalesce(text) for text in ("0", "20us", "10ms")]
    with pytest.raises(UserError, match="at most 10 ms"):
        read_coalesce("10.1ms")
