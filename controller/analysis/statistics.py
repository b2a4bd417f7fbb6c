"""Means, medians and how sure they are: bootstrap intervals, differences between paired runs, fairness."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from plctl.common.base.errors import UserError

#: Resamples of a bootstrap, drawn with a fixed seed: the same table gives the same interval.
RESAMPLES = 9_999
_SEED = 1
_FLOATS = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class BootstrapInterval:
    """An estimate and its bootstrap interval (bias-corrected and accelerated: Efron 1987).

    Bounds are None below 3 values, from which nothing can be said.
    """

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Summary:
    """One group of a table."""

    group: dict[str, Any]  #: column → its value
    n: int  #: values of `ok` runs
    left_out: int  #: rows in no figure: of runs that were not `ok`, or whose output could not be read
    mean: BootstrapInterval
    median: BootstrapInterval
    least: float
    most: float


@dataclass(frozen=True, slots=True)
class Paired:
    """How a metric differs between two levels of a factor, over runs that are alike in all else."""

    group: dict[str, Any]  #: column → its value, for each column that groups
    pairs: int
    unpaired: int  #: values of `ok` runs that have no partner
    difference: BootstrapInterval  #: mean of second − first
    ratio: float | None  #: mean of the second over mean of the first; None if that is 0


def summarise(table: pa.Table, metric: str, by: Sequence[str] = (), *, confidence: float = 0.95) -> list[Summary]:
    """Mean and median of the column `metric` of `table` in each group of equal values in the columns `by`.

    Only rows whose `verdict` is `ok` count; a group without any value is left away, as rows of other flows are.

    :raises UserError: no such column, or one without numbers.
    """
    _check(table, [metric, *by], metric)
    found = []
    for group, rows in _groups(table, by):
        known = rows.filter(_concerned(rows, metric))
        values = _values(_ok(rows.filter(pc.is_valid(rows[metric]))), metric)
        if len(values):
            found.append(
                Summary(
                    group=group,
                    n=len(values),
                    left_out=known.num_rows - len(values),
                    mean=_interval(values, "mean", confidence),
                    median=_interval(values, "median", confidence),
                    least=float(values.min()),
                    most=float(values.max()),
                )
            )
    return found


def compare(
    table: pa.Table,
    metric: str,
    factor: str,
    first: Any,
    second: Any,
    *,
    pair_by: Sequence[str],
    by: Sequence[str] = (),
    confidence: float = 0.95,
) -> list[Paired]:
    """By how much `metric` is larger at the level `second` of `factor` than at `first`, pair by pair.

    Two rows are a pair if they agree in the columns `pair_by` (in a study: all other factors, the repetition, the link
    and the flow). Only `ok` rows count. The columns `by` make several comparisons, one for each group.

    :raises UserError: no such column or level, or two rows of one level are alike in all of `pair_by`.
    """
    _check(table, [metric, factor, *pair_by, *by], metric)
    levels = set(table[factor].to_pylist())
    for level in (first, second):
        if level not in levels:
            raise UserError(f"{factor} has no level {level!r}; it has {', '.join(sorted(map(str, levels)))}")
    known = _ok(table.filter(pc.is_valid(table[metric])))
    found = []
    for group, rows in _groups(known, by):
        one, two = (
            _by_key(rows.filter(pc.equal(rows[factor], pa.scalar(each))), metric, pair_by) for each in (first, second)
        )
        both = [key for key in one if key in two]
        if both:
            before, after = (np.array([values[key] for key in both]) for values in (one, two))
            found.append(
                Paired(
                    group=group,
                    pairs=len(both),
                    unpaired=len(one) + len(two) - 2 * len(both),
                    difference=_interval(after - before, "mean", confidence),
                    ratio=float(after.mean() / before.mean()) if before.mean() else None,
                )
            )
    return found


def jain_index(values: Iterable[float]) -> float:
    """Jain's fairness index: 1 where all have the same, 1/n where one has all (Jain, Chiu, Hawe 1984).

    :raises UserError: no values, or one below 0.
    """
    known = np.array(list(values), float)
    if not len(known) or (known < 0).any():
        raise UserError("Jain's index is of one or more values, none of them below 0")
    squares = float((known**2).sum())
    return float(known.sum()) ** 2 / (len(known) * squares) if squares else 1.0


def _check(table: pa.Table, columns: Sequence[str], metric: str) -> None:
    for name in columns:
        if name not in table.column_names:
            raise UserError(f"the table has no column {name!r:.80}; it has {', '.join(table.column_names)}")
    kind = table[metric].type
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        raise UserError(f"the column {metric} has no numbers but {kind}")


def _groups(table: pa.Table, by: Sequence[str]) -> list[tuple[dict[str, Any], pa.Table]]:
    """The rows of each group, in the order in which the groups first appear."""
    keys = list(zip(*(table[name].to_pylist() for name in by), strict=True)) or [()] * table.num_rows
    places: dict[tuple[Any, ...], list[int]] = {}
    for place, key in enumerate(keys):
        places.setdefault(key, []).append(place)
    return [(dict(zip(by, key, strict=True)), table.take(pa.array(rows))) for key, rows in places.items()]


def _concerned(rows: pa.Table, metric: str) -> pa.Array:
    """Which rows have the metric, or should have it: the output that it would have come from could not be read."""
    valid = pc.is_valid(rows[metric])
    return pc.or_(valid, pc.is_valid(rows["problem"])) if "problem" in rows.column_names else valid


def _ok(table: pa.Table) -> pa.Table:
    """The rows of runs that are `ok` and stand for their repetition."""
    for name, wanted in (("verdict", "ok"), ("counts", True)):
        if name in table.column_names:
            table = table.filter(pc.equal(table[name], wanted))
    return table


def _values(table: pa.Table, metric: str) -> _FLOATS:
    return np.asarray(table[metric].to_numpy(zero_copy_only=False), float)


def _by_key(table: pa.Table, metric: str, pair_by: Sequence[str]) -> dict[tuple[Any, ...], float]:
    keys = list(zip(*(table[name].to_pylist() for name in pair_by), strict=True)) or [()] * table.num_rows
    found = dict(zip(keys, map(float, table[metric].to_pylist()), strict=True))
    if len(found) < table.num_rows:
        raise UserError(f"several rows are alike in {', '.join(pair_by)}: name more columns, so that pairs are clear")
    return found


def _interval(values: _FLOATS, what: str, confidence: float) -> BootstrapInterval:
    function = np.mean if what == "mean" else np.median
    value = float(function(values))
    if len(values) < 3:
        return BootstrapInterval(value, None, None)
    if values.min() == values.max():  # a bootstrap of equal values has no width, and BCa no answer
        return BootstrapInterval(value, value, value)
    from scipy import stats  # noqa: PLC0415  # a second that a listing does not wait for

    with np.errstate(all="ignore"):
        bounds = _bounds(stats, values, function, confidence, "BCa")
        if not np.isfinite(bounds).all():  # a median of few values: all resamples fall on one of them
            bounds = _bounds(stats, values, function, confidence, "percentile")
    return BootstrapInterval(value, *bounds)


def _bounds(stats: Any, values: _FLOATS, function: Any, confidence: float, method: str) -> tuple[float, float]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = stats.bootstrap(
            (values,), function, n_resamples=RESAMPLES, confidence_level=confidence, method=method,
            rng=np.random.default_rng(_SEED),
        ).confidence_interval  # fmt: skip
    return float(found.low), float(found.high)
