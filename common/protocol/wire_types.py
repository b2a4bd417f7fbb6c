"""The type hints that the wire knows beside Python's own, and what there is to know of a dataclass's."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Annotated, Any, Protocol, TypeVar, get_args

T = TypeVar("T")
_IN_COLUMNS = "in columns"
#: Dataclasses of one kind that travel as one map with a list for each field of the kind, all equally long.
Table = Annotated[tuple[T, ...], _IN_COLUMNS]
#: What needs nothing but its type to be looked at.
SCALARS = frozenset({int, float, str, bytes, bool})


class References(Protocol):
    """How one document refers to what is `Shared`."""

    def refer(self, value: Any) -> Any:
        """The plain value that stands for `value` wherever it is held."""
        ...

    def find(self, reference: Any) -> Any:
        """What `reference`, a plain value that nobody has checked, stands for.

        :raises ValueError: nothing; the message says what was found and what is legal.
        """
        ...


#: Those of the document that is being encoded or decoded.
references: ContextVar[References] = ContextVar("references")


@contextmanager
def referring(by: References | None) -> Iterator[None]:
    """Within, what is `Shared` is referred to as `by` says."""
    if by is None:
        yield
        return
    token = references.set(by)
    try:
        yield
    finally:
        references.reset(token)


def row_kind(table: Any) -> type:
    """The dataclass whose instances `table`, a `Table` of them, holds."""
    rows, _ = get_args(table)
    return typing.cast(type, get_args(rows)[0])


def field_hints(kind: type) -> dict[str, Any]:
    """The type hint of each field of a dataclass, in order."""
    hints = typing.get_type_hints(kind, include_extras=True)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind)}
