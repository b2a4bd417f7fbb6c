"""The type hints that the wire knows beside Python's own, and what there is to know of a dataclass's."""

from __future__ import annotations

import dataclasses
import typing
from typing import Annotated, Any, TypeVar, get_args

T = TypeVar("T")
_IN_COLUMNS = "in columns"
#: Dataclasses of one kind that travel as one map with a list for each field of the kind, all equally long.
Table = Annotated[tuple[T, ...], _IN_COLUMNS]
#: What needs nothing but its type to be looked at.
SCALARS = frozenset({int, float, str, bytes, bool})


def row_kind(table: Any) -> type:
    """The dataclass whose instances `table`, a `Table` of them, holds."""
    rows, _ = get_args(table)
    return typing.cast(type, get_args(rows)[0])


def field_hints(kind: type) -> dict[str, Any]:
    """The type hint of each field of a dataclass, in order."""
    hints = typing.get_type_hints(kind, include_extras=True)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind)}
