"""From factors to cells: every combination that the study's author asked for, in the order in which it is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from plctl.common.base.errors import UserError
from plctl.controller.study.expression import Expression

#: Combinations before conditions take some away, and runs in the end.
MAX_COMBINATIONS = 200_000
MAX_RUNS = 100_000

#: Factor → level.
Cell = dict[str, str]


@dataclass(frozen=True, slots=True)
class Factor:
    """A factor and its levels, as text; `when` only cells in which that holds have them, and the others `otherwise`."""

    name: str
    levels: tuple[str, ...]
    when: Expression | None = None
    otherwise: str = ""

    @property
    def all_levels(self) -> tuple[str, ...]:
        """With the one of cells that do not have the others."""
        more = (self.otherwise,) if self.when and self.otherwise not in self.levels else ()
        return (*self.levels, *more)

    def of(self, cell: Cell) -> tuple[str, ...]:
        """Its levels where the factors above it are as in `cell`.

        :raises UserError: the condition compares what cannot be compared.
        """
        if self.when is None or _holds(self.when, cell, f"when of {self.name}"):
            return self.levels
        return (self.otherwise,)


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Cells whose levels are among these, for every factor that is named, are not run."""

    levels: Mapping[str, Sequence[str]]

    def covers(self, cell: Cell) -> bool:
        """Whether `cell` is not run."""
        return all(cell[name] in levels for name, levels in self.levels.items())


def cells_of(
    factors: Sequence[Factor],
    groups: Sequence[Sequence[str]] = (),
    where: Expression | None = None,
    exclude: Sequence[Exclusion] = (),
) -> list[Cell]:
    """Every cell, each once; the last factor changes fastest.

    :param groups: of factors that go side by side; each takes its place in the order where its first factor has it.
    :raises UserError: these are too many, none is left, or a condition makes no sense in one of them.
    """
    found: list[Cell] = [{}]
    for axis in _axes(factors, groups):
        found = [cell | levels for cell in found for levels in _levels(axis, cell)]
        if len(found) > MAX_COMBINATIONS:
            raise UserError(f"the factors make more than {MAX_COMBINATIONS} combinations; give them fewer levels")
    names = [factor.name for factor in factors]
    kept = [
        {name: cell[name] for name in names}
        for cell in found
        if (where is None or _holds(where, cell, "where")) and not any(each.covers(cell) for each in exclude)
    ]
    if not kept:
        raise UserError(f"where and exclude leave none of the {len(found)} combinations")
    return list({tuple(cell.items()): cell for cell in kept}.values())


def in_words(cell: Mapping[str, str]) -> str:
    """`cell` for people: ``cc=bbr buffer=1bdp``."""
    return " ".join(f"{name}={level}" for name, level in cell.items()) or "the only cell"


def _axes(factors: Sequence[Factor], groups: Sequence[Sequence[str]]) -> Iterator[tuple[Factor, ...]]:
    known = {factor.name: factor for factor in factors}
    group_of = {name: group for group in groups for name in group}
    done: set[str] = set()
    for factor in factors:
        if factor.name not in done:
            axis = tuple(known[name] for name in group_of.get(factor.name, [factor.name]))
            done.update(each.name for each in axis)
            yield axis


def _levels(axis: Sequence[Factor], cell: Cell) -> Iterator[Cell]:
    for levels in zip(*(factor.of(cell) for factor in axis), strict=True):
        yield {factor.name: level for factor, level in zip(axis, levels, strict=True)}


def _holds(condition: Expression, cell: Cell, what: str) -> bool:
    try:
        return condition.holds(cell)
    except UserError as error:
        raise UserError(f"{what}: {error} (in the cell {in_words(cell)})") from None
