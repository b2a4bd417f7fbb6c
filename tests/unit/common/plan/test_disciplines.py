"""The table of queueing disciplines is what the core, the spec and the reference have."""

from __future__ import annotations

from typing import get_args

from model import disciplines as reference

from plctl.agent.native import _core
from plctl.common.plan.disciplines import DISCIPLINES, complete
from plctl.common.plan.run_plan import Discipline, Queue
from plctl.controller.spec.queue_model import DirectionQueueSpec


def test_the_core_has_the_same_parameters() -> None:
    """The same names in the same order, the same bounds; drop-tail has none and is no table of functions there."""
    declared = {
        name: [(each.name, each.least, each.most) for each in kind.parameters]
        for name, kind in DISCIPLINES.items()
        if name != "droptail"
    }
    assert declared == _core.DISCIPLINES


def test_every_discipline_is_in_the_plan_and_in_the_reference() -> None:
    """No name is missing anywhere."""
    assert set(get_args(Discipline)) == set(DISCIPLINES) == set(reference.DISCIPLINES)


def test_a_spec_has_a_key_for_each_parameter() -> None:
    """Those of all disciplines together, and no others."""
    keys = {each.name for kind in DISCIPLINES.values() for each in kind.parameters}
    assert {"discipline", "capacity", *keys} == set(DirectionQueueSpec.model_fields)


def test_defaults_are_within_bounds() -> None:
    """What nobody sets is legal."""
    for kind in DISCIPLINES.values():
        assert all(each.least <= each.default <= each.most for each in kind.parameters)


def test_a_plan_may_leave_out_what_is_not_special() -> None:
    """The defaults are filled in."""
    found = complete(Queue("codel", parameters={"target": 7}))
    assert {"target": 7, "interval": 100_000_000, "ecn": 0, "ce_threshold": -1} == found
