"""What the Python side hands to the C core."""

from __future__ import annotations

import pytest

from plctl.agent.native import _core, half_arguments, half_config, native_rows, native_schedule, random_key
from plctl.agent.native._core import Half
from plctl.common.base.units import RATE_UNLIMITED
from plctl.common.plan.half_impairments import native_impairments
from plctl.common.plan.impairments import Impairments
from plctl.common.plan.run_plan import Capacity, LinkPlan, Queue, Reconfiguration
from plctl.common.scenario.opportunities import Opportunities
from plctl.common.scenario.schedule import ROW_FIELDS, Row, Schedule

SCHEDULE = Schedule(
    rows=(Row(0, 700, 10, 80), Row(5, -3, 20, RATE_UNLIMITED, 4096), Row(9, 700, 30, 0)),
    period_ns=12,
)


def test_routes_are_numbered_in_order_of_appearance() -> None:
    """Any RouteIDs become 0, 1, …, and a route that returns keeps its number."""
    rows, routes = native_rows(SCHEDULE)
    assert routes == 2
    assert [row[:5] for row in rows] == [(0, 10, 80, -1, 0), (5, 20, 2**63 - 1, 4096, 1), (9, 30, 0, -1, 0)]


FIELDS = len(ROW_FIELDS)


def test_the_core_has_the_same_rows() -> None:
    """The fields of a row, in the same order, on both sides; and a rule that is broken is named with the row."""
    assert _core.ROW_FIELDS == tuple(each.name for each in ROW_FIELDS)
    native_schedule(SCHEDULE)
    with pytest.raises(ValueError, match=r"rows\[1\].time_ns is 0; it must be later than the row before"):
        native_schedule(Schedule((Row(0, 0, 0, 0), Row(0, 0, 0, 0))))


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ((bytes(8),) * (FIELDS - 1), f"there are {FIELDS - 1} columns; a row has {FIELDS} fields"),
        (
            (bytes(8), bytes(16), *(bytes(8),) * (FIELDS - 2)),
            "the column route has 16 bytes; it must have 8, 8 for each row",
        ),
        ((bytes(9),) * FIELDS, "the column time_ns has 9 bytes; it must have 8"),
        ((b"",) * FIELDS, "there are 0 rows"),
    ],
)
def test_columns_that_are_none_are_refused(columns: tuple[bytes, ...], words: str) -> None:
    """Nothing is read beyond the end of a column that is too short."""
    with pytest.raises(ValueError, match=words):
        _core.Schedule(columns=columns, routes=1, period_ns=0, opportunities=None)


def test_halves_share_a_schedule() -> None:
    """Two halves follow the very same rows, as halves with rows of their own do, also when the schedule is let go."""
    plan = LinkPlan("leo-0", SCHEDULE, SCHEDULE)
    shared = native_schedule(SCHEDULE)
    arguments = {"schedule": shared, **half_config(plan, "up", seed=1)}
    halves = [Half(**arguments), Half(**arguments), Half(**half_arguments(plan, "up", seed=1))]  # type: ignore[call-arg]
    del shared, arguments
    for half in halves:
        half.arm(0)
        half.arrive(3, 10)
    assert halves[0].pop(100) == halves[1].pop(100) == halves[2].pop(100) != []
    with pytest.raises(TypeError, match="schedule must be a Schedule, not 5"):
        Half(**{"schedule": 5, **half_config(plan, "up", seed=1)})  # type: ignore[call-arg]


def test_opportunities_reach_the_core() -> None:
    """In a schedule that halves share as in a half of its own: service is by them, not by the rows' rates."""
    traced = Schedule((Row(0, 0, 10, 0),), 0, Opportunities.of_instants([50, 70], 100))
    plan = LinkPlan("leo-0", traced, traced)
    shared = {"schedule": native_schedule(traced), **half_config(plan, "up", seed=1)}
    for half in (Half(**shared), Half(**half_arguments(plan, "up", seed=1))):  # type: ignore[call-arg]
        half.arm(0)
        for _ in range(3):
            half.arrive(3, 1514)
        assert [50, 70, 150] == [end for _, _, _, end, _ in half.pop(1000)]
    with pytest.raises(ValueError, match="opportunity 0 is later than their period"):
        native_schedule(Schedule((Row(0, 0, 10, 0),), 0, Opportunities.of_instants([50], 40)))


def test_a_plan_becomes_a_half() -> None:
    """The plan's queue, blackout and frame size reach the core, which accepts them."""
    plan = LinkPlan(
        name="leo-0",
        up=SCHEDULE,
        down=Schedule((Row(0, 1, 5, 100),)),
        queue=Queue("drophead", Capacity("packets", 50)),
        reconfiguration=Reconfiguration(7, "all"),
        overhead_bytes=24,
        mtu=9000,
    )
    arguments = half_arguments(plan, "up", seed=1)
    assert arguments == {
        "rows": native_rows(SCHEDULE)[0],
        "routes": 2,
        "period_ns": 12,
        "loop_ns": 0,
        "capacity_unit": "packets",
        "capacity_amount": 50,
        "full_frame": 9038,
        "reconfiguration_ns": 7,
        "reconfiguration_mode": "all",
        "queue": {"name": "drophead"},
        "impairments": native_impairments(Impairments(), jitters=False),
        "key": random_key(1, "leo-0", "up"),
    }
    assert Half(**arguments).gauges() == (0, 0, 0, 0)
