"""Tables whose columns say their units: in their names, and in each field's metadata under `unit`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa

from plctl.controller.metrics.flow import number_or_text

#: How a name ends, and what is counted then.
UNITS = {
    "_ns": "ns", "_s": "s", "_bps": "bit/s", "_bytes": "bytes", "_packets": "frames", "_segments": "segments",
    "_ppm": "millionths", "_ratio": "1", "_utc": "RFC 3339",
}  # fmt: skip


def unit(name: str) -> str:
    """The unit of a column, by how its name ends; empty for what has none."""
    if name.startswith("lost_") and "_" not in name.removeprefix("lost_"):
        return UNITS["_packets"]
    return next((unit for end, unit in UNITS.items() if name.endswith(end)), "")


def with_units(table: pa.Table) -> pa.Table:
    """`table` with a unit in the metadata of each column that has one."""
    fields = [each.with_metadata({"unit": unit(each.name)}) if unit(each.name) else each for each in table.schema]
    return table.cast(pa.schema(fields, table.schema.metadata))


def levels_of(written: Iterable[str]) -> list[Any]:
    """The levels of a factor: numbers, which can be sorted and plotted, if all of them are plain numbers; else text.

    A column holds all levels of a factor, so it is of one kind.
    """
    texts = list(written)
    numbers = [number_or_text(each) for each in texts]
    return list(texts) if any(isinstance(each, str) for each in numbers) else numbers


def table_of(rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """A table with a column for every key of `rows`, in the order of their first appearance; null where a row has none.

    A column whose values are of several types becomes text.
    """
    listed = list(rows)
    names = list(dict.fromkeys(name for row in listed for name in row))
    return with_units(pa.table({name: _array([row.get(name) for row in listed]) for name in names}))


def _array(values: list[Any]) -> pa.Array:
    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        pass
    try:
        return pa.array(values, pa.float64())
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        return pa.array([None if each is None else str(each) for each in values], pa.string())
