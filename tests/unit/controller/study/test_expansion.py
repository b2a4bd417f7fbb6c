"""Factors make every combination that was asked for, once, and no other."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plctl.common.base.errors import UserError
from plctl.controller.study.expansion import Exclusion, Factor, cells_of
from plctl.controller.study.expression import Expression

CC = Factor("cc", ("cubic", "bbr"))
LOSS = Factor("loss", ("0%", "1%", "2%"))
LEVELS = st.lists(st.sampled_from("abcdefg"), min_size=1, max_size=4, unique=True).map(tuple)


@given(st.lists(LEVELS, max_size=4))
def test_without_conditions_it_is_the_product(levels: list[tuple[str, ...]]) -> None:
    """In the order in which it is written, the last factor changing fastest."""
    factors = [Factor(f"f{number}", each) for number, each in enumerate(levels)]
    assert list(product(*levels)) == [tuple(cell.values()) for cell in cells_of(factors)]


@given(LEVELS, st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xyz")), min_size=1, unique=True))
def test_factors_side_by_side_are_not_combined(others: tuple[str, ...], pairs: list[tuple[str, str]]) -> None:
    """First goes with first, and each pair with every level of the others."""
    left, right = (tuple(each) for each in zip(*pairs, strict=True))
    factors = [Factor("left", left), Factor("other", others), Factor("right", right)]
    found = cells_of(factors, [("left", "right")])
    expected = {(a, other, b) for (a, b), other in product(pairs, others)}
    assert expected == {tuple(cell.values()) for cell in found}
    assert all(["left", "other", "right"] == list(cell) for cell in found)


def test_a_condition_leaves_cells_out() -> None:
    """As a filter over all combinations would."""
    where = Expression("not (cc == 'bbr' and loss > 1)", ["cc", "loss"])
    found = [tuple(cell.values()) for cell in cells_of([CC, LOSS], where=where)]
    assert [pair for pair in product(CC.levels, LOSS.levels) if pair != ("bbr", "2%")] == found


def test_a_factor_with_a_condition_has_one_level_elsewhere() -> None:
    """So that cells in which it means nothing are not run once for each of its levels."""
    ecn = Factor("ecn", ("true", "false"), Expression("cc == 'bbr'", ["cc"]), "false")
    found = [tuple(cell.values()) for cell in cells_of([CC, ecn])]
    assert [("cubic", "false"), ("bbr", "true"), ("bbr", "false")] == found


def test_exclusions_name_some_of_the_factors() -> None:
    """The others may have any level."""
    exclude = [Exclusion({"loss": ("1%", "2%")}), Exclusion({"cc": ("bbr",), "loss": ("0%",)})]
    assert [{"cc": "cubic", "loss": "0%"}] == cells_of([CC, LOSS], exclude=exclude)


def test_nothing_varies() -> None:
    """Then there is one cell, which can be repeated."""
    assert [{}] == cells_of([])


def test_what_cannot_be_is_refused() -> None:
    """Nothing left, too much, or a condition that makes no sense in some cell, which is named."""
    with pytest.raises(UserError, match="leave none of the 2 combinations"):
        cells_of([CC], where=Expression("cc == 'reno'", ["cc"]))
    with pytest.raises(UserError, match="more than 200000 combinations"):
        cells_of([Factor(f"f{n}", tuple(map(str, range(100)))) for n in range(3)])
    with pytest.raises(UserError, match=r"where: 'cubic' and 1 have no order.* \(in the cell cc=cubic\)"):
        cells_of([CC], where=Expression("cc > 1", ["cc"]))
