"""The table of queueing disciplines is what the core, the spec and the reference have."""

from __future__ import annotations

from typing import get_args

import pytest

from plctl.agent.native import _core
from plctl.common.base.errors import UserError
from plctl.common.plan.discipline_parameters import complete
from plctl.common.plan.disciplines import DISCIPLINES, Discipline
from plctl.common.plan.run_plan import Queue
from plctl.common.reference import disciplines as reference
from plctl.controller.spec.queue_model import DirectionQueueSpec


def test_the_core_has_the_same_parameters() -> None:
    """The same names in the same order; drop-tail has none and is no table of functions there."""
    declared = {name: [each.name for each in kind.parameters] for name, kind in DISCIPLINES.items()}
    core = {name: [parameter for parameter, *_ in parameters] for name, parameters in _core.DISCIPLINES.items()}
    assert declared == {"droptail": [], **core}


def test_the_core_takes_what_is_legal() -> None:
    """The core's bounds are as wide, or wider: timers that tick every few nanoseconds are for tests alone."""
    for name, parameters in _core.DISCIPLINES.items():
        for each, (_, least, most) in zip(DISCIPLINES[name].parameters, parameters, strict=True):  # type: ignore[index]
            assert least <= each.least
            assert each.most <= most


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


@pytest.mark.parametrize(
    ("discipline", "parameters", "sentence"),
    [
        ("codel", {"limit": 5}, "codel has no limit; it has target, interval, ecn, ce_threshold"),
        ("droptail", {"ecn": 1}, "droptail has no ecn; it has no parameters"),
        ("pie", {"tupdate": 99_999}, "tupdate is out of range; it must be from 100 µs to 1000 s"),
        (
            "dualpi2",
            {"classic_protection": 1_000_001},
            "classic_protection is out of range; it must be from 0 % to 100 %",
        ),
    ],
)
def test_an_agent_refuses_what_no_spec_allows(
    discipline: Discipline, parameters: dict[str, int], sentence: str
) -> None:
    """Whoever made the plan."""
    with pytest.raises(UserError) as raised:
        complete(Queue(discipline, parameters=parameters))
    assert sentence == str(raised.value)
