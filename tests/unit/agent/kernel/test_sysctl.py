"""How large TCP's buffers must be for a link."""

from __future__ import annotations

from dataclasses import replace

from plctl.agent.kernel.sysctl import buffer_bytes
from plctl.common.base.units import NS_PER_MS, RATE_UNLIMITED
from plctl.common.plan.run_plan import LinkPlan
from plctl.common.scenario.schedule import Row, Schedule


def plan(rate_bps: int) -> LinkPlan:
    """20 ms both ways."""
    schedule = Schedule((Row(0, 0, 20 * NS_PER_MS, rate_bps),))
    return LinkPlan("leo-0", schedule, schedule)


def test_buffers_hold_three_windows() -> None:
    """An unlimited rate is taken for 1 Gbit/s, or for 8 where super-frames cross the link."""
    assert 3 * 500_000 == buffer_bytes(plan(100_000_000)) == buffer_bytes(replace(plan(100_000_000), offload="on"))
    assert 3 * 5_000_000 == buffer_bytes(plan(RATE_UNLIMITED))
    assert 3 * 40_000_000 == buffer_bytes(replace(plan(RATE_UNLIMITED), offload="on"))
