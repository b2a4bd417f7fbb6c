"""What each factor does to a metric: every other level beside the first one, over runs that are alike in all else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from plctl.common.base.errors import UserError
from plctl.controller.analysis.columns import levels_of
from plctl.controller.analysis.statistics import Paired, compare

#: What else must be equal between two rows of a pair.
_SAME = ("repetition", "link", "workload", "flow")


@dataclass(frozen=True, slots=True)
class Effect:
    """One level of a factor beside the first."""

    metric: str
    factor: str
    first: object
    second: object
    paired: Paired


def effects(table: pa.Table, metric: str, factors: Mapping[str, Sequence[str]]) -> list[Effect]:
    """The effect of every level but the first of each factor; nothing where no two runs make a pair."""
    found = []
    for factor, written in factors.items():
        first, *others = levels_of(written)
        pair_by = [
            name for name in (*(each for each in factors if each != factor), *_SAME) if name in table.column_names
        ]
        for second in others:
            try:
                paired = compare(table, metric, factor, first, second, pair_by=pair_by)
            except UserError:  # a level that no run has yet, or flows whose names do not tell them apart
                continue
            found += [Effect(metric, factor, first, second, each) for each in paired]
    return found
