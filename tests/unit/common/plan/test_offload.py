"""Which links carry super-frames, and how long a segment may wait."""

from __future__ import annotations

import pytest

from plctl.common.base.errors import UserError
from plctl.common.base.units import RATE_UNLIMITED
from plctl.common.plan.offload import AUTO_RATE_BPS, decide_offload, read_coalesce
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


def test_a_segment_may_wait_for_ten_milliseconds_at_most() -> None:
    """0 needs no unit."""
    assert [0, 20_000, 10_000_000] == [read_coalesce(text) for text in ("0", "20us", "10ms")]
    with pytest.raises(UserError, match="at most 10 ms"):
        read_coalesce("10.1ms")
