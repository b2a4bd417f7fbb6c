"""What the Python side hands to the C core."""

from __future__ import annotations

from plctl.agent.native import half_arguments, native_rows
from plctl.agent.native._core import Half
from plctl.common.base.units import RATE_UNLIMITED
from plctl.common.plan.run_plan import Capacity, LinkPlan, Queue, Reconfiguration
from plctl.common.scenario.schedule import Row, Schedule

SCHEDULE = Schedule(
    rows=(Row(0, 700, 10, 80), Row(5, -3, 20, RATE_UNLIMITED, 4096), Row(9, 700, 30, 0)),
    period_ns=12,
)


def test_routes_are_numbered_in_order_of_appearance() -> None:
    """Any RouteIDs become 0, 1, …, and a route that returns keeps its number."""
    rows, routes = native_rows(SCHEDULE)
    assert routes == 2
    assert rows == [(0, 10, 80, -1, 0), (5, 20, 2**63 - 1, 4096, 1), (9, 30, 0, -1, 0)]


def test_a_plan_becomes_a_half() -> None:
    """The plan's queue, blackout and frame size reach the core, which accepts them."""
    plan = LinkPlan(
        name="leo-0",
        up=SCHEDULE,
        down=Schedule((Row(0, 1, 5, 100),)),
        queue=Queue(capacity=Capacity("packets", 50)),
        reconfiguration=Reconfiguration(7, "all"),
        overhead_bytes=24,
        mtu=9000,
    )
    arguments = half_arguments(plan, plan.up)
    assert arguments == {
        "rows": native_rows(SCHEDULE)[0],
        "routes": 2,
        "period_ns": 12,
        "capacity_unit": "packets",
        "capacity_amount": 50,
        "full_frame": 9038,
        "reconfiguration_ns": 7,
        "reconfiguration_mode": "all",
    }
    assert Half(**arguments).gauges() == (0, 0, 0, 0)
