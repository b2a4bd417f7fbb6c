"""The values that a picture draws: of one metric, from rows of `ok` runs that stand for their repetition."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

#: What most readers look for first.
_FIRST = (
    "goodput_bps", "rtt_p50_ns", "rtt_mean_ns", "delay_p50_ns", "loss_ratio", "retransmitted_segments",
    "up_delivered_bps", "down_delivered_bps",
)  # fmt: skip
#: Columns before this one are of the link, and those after it are what programs said.
_LAST_OF_LINKS = "flow"
#: A unit → (divided by, as it is written).
_WRITTEN = {"_bps": (1e6, "Mbit/s"), "_ns": (1e6, "ms"), "_bytes": (1e3, "kB"), "_ratio": (0.01, "%")}

Floats = NDArray[np.float64]


def ok_rows(table: pa.Table) -> pa.Table:
    """The rows that may enter a picture."""
    return table.filter(pc.and_(pc.equal(table["verdict"], "ok"), pc.equal(table["counts"], True)))


def chosen_metrics(table: pa.Table, most: int = 6) -> list[str]:
    """What is drawn if nobody says: numbers that programs printed, then the rates of both directions."""
    said = table.column_names[table.column_names.index(_LAST_OF_LINKS) + 1 :]
    numeric = [name for name in (*said, "up_delivered_bps", "down_delivered_bps") if is_numeric(table, name)]
    known = [name for name in _FIRST if name in numeric]
    return [*known, *(name for name in numeric if name not in known)][:most]


def is_numeric(table: pa.Table, name: str) -> bool:
    """Whether a column has numbers."""
    if name not in table.column_names:
        return False
    kind = table[name].type
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def select(table: pa.Table, levels: Mapping[str, Any], metric: str) -> Floats:
    """The values of `metric` in the rows with these levels, in the unit in which they are written."""
    for name, level in levels.items():
        table = table.filter(pc.equal(table[name], pa.scalar(level, table[name].type)))
    values = np.asarray(table[metric].drop_null().to_numpy(), float)
    return values / written(metric)[0]


def written(metric: str) -> tuple[float, str]:
    """By what values of `metric` are divided to be read by people, and the unit that they have then."""
    return next((how for end, how in _WRITTEN.items() if metric.endswith(end)), (1.0, ""))


def title(metric: str) -> str:
    """The metric in words: ``goodput, Mbit/s``."""
    unit = written(metric)[1]
    end = next((end for end in _WRITTEN if metric.endswith(end)), "")
    return f"{metric.removesuffix(end).replace('_', ' ')}{', ' if unit else ''}{unit}"


def named(levels: Mapping[str, Any] | Sequence[tuple[str, Any]]) -> str:
    """Levels as a panel's title: ``buffer 1bdp, loss 2``."""
    return ", ".join(f"{name} {level}" for name, level in dict(levels).items())
