"""What became of frames as the scenario asked is said in sentences; no counter of it is left out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from plctl.common.plan.run_plan import Capacity, LinkPlan, Queue
from plctl.common.scenario.schedule import Row, Schedule
from plctl.common.telemetry.counters import COUNTERS, CounterGroup, HalfCounters
from plctl.common.telemetry.path_words import what_happened

CALM = Schedule((Row(0, 0, 0, 10**6),))
PLAN = LinkPlan("leo", CALM, CALM, queue=Queue("codel", Capacity("packets", 50), {"ecn": 1}))
ASKED = ("dropped", "marked", "duplicated", "corrupted")


def test_a_link_on_which_nothing_happened_has_nothing_to_say() -> None:
    """Whatever its queue is."""
    assert [] == [*what_happened(PLAN, "up", HalfCounters(arrived_packets=9, delivered_packets=9))]


def test_random_loss_that_was_asked_for_explains_itself() -> None:
    """How many, of how many, what share that is, and what was asked for."""
    lossy = Schedule((Row(0, 0, 0, 10**6, loss_ppb=2 * 10**8),))
    plan = replace(PLAN, down=lossy)
    counts = HalfCounters(arrived_packets=1020, served_packets=1015, dropped_random_loss_packets=203)
    (sentence,) = what_happened(plan, "down", counts)
    assert "the path lost 203 of 1015 frames at random (20 %); it loses 20 % of frames" == sentence


def test_a_path_that_was_asked_and_met_no_frame_says_so() -> None:
    """So that nobody looks for what had no occasion."""
    lossy = replace(PLAN, up=Schedule((Row(0, 0, 0, 10**6, loss_ppb=10**7),)))
    assert ["the path did nothing to frames; it loses 1 % of frames"] == [*what_happened(lossy, "up", HalfCounters())]


def test_a_queue_that_dropped_says_by_which_discipline_and_why() -> None:
    """Want of room, its management, and marks are told apart."""
    counts = HalfCounters(
        arrived_packets=500, dropped_queue_full_packets=3, dropped_aqm_packets=20, ce_marked_packets=7
    )
    assert [
        "the queue, which is codel (ecn on) and holds 50 packets, dropped 3 of 500 frames for want of room, "
        "dropped 20 of 500 so that it stays short and marked 7 with CE"
    ] == [*what_happened(PLAN, "up", counts)]
    (brief,) = what_happened(PLAN, "up", counts, brief=True)
    assert brief.startswith("the queue (codel) dropped 3 of 500 frames for want of room")


@pytest.mark.parametrize("name", [n for n, c in COUNTERS.items() if c.group in ASKED and c.unit == "packets"])
def test_every_cause_is_told(name: str) -> None:
    """A counter of what was asked for that is declared later is missed here."""
    assert COUNTERS[name].group in (CounterGroup(each) for each in ASKED)
    assert "4711" in " ".join(what_happened(PLAN, "up", HalfCounters(**{name: 4711})))
