"""Makes dataclasses plain. What a type hint needs is found out once, as a thousand agents are told a plan each."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable
from functools import cache
from operator import attrgetter
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from plctl.common.wire_types import SCALARS, field_hints, row_kind

_Encoder = Callable[[Any], Any]


def to_plain(value: Any) -> Any:
    """A dataclass (with dataclasses, tuples and dicts inside) as maps and lists. Its type hints are taken for true."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        plain: dict[str, Any] = _dataclass_encoder(type(value))(value)
        return plain
    if isinstance(value, tuple | list):
        return [to_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: to_plain(item) for key, item in value.items()}
    return value


@cache
def _encoder(hint: Any) -> _Encoder | None:
    """The function that makes values of the type hint `hint` plain; None if they are as they are."""
    args, origin = get_args(hint), get_origin(hint)
    if dataclasses.is_dataclass(hint):
        return _dataclass_encoder(typing.cast(type, hint))
    if origin is Annotated:
        return _table_encoder(row_kind(hint))
    if hint in SCALARS or origin is Literal or (origin is dict and _encoder(args[1]) is None):
        return None
    if origin is tuple and len(args) == 2 and args[1] is Ellipsis:
        item = _encoder(args[0])
        return list if item is None else lambda values: [item(value) for value in values]
    if origin in (Union, types.UnionType):
        inner = next((made for arg in args if (made := _encoder(arg))), None) if len(args) == 2 else to_plain
        return None if inner is None else lambda value: None if value is None else inner(value)
    return to_plain


def _table_encoder(kind: type) -> _Encoder:
    columns = {name: (attrgetter(name), _encoder(hint)) for name, hint in field_hints(kind).items()}

    def encode(rows: Any) -> dict[str, Any]:
        return {
            name: list(map(get, rows)) if made is None else [made(value) for value in map(get, rows)]
            for name, (get, made) in columns.items()
        }

    return encode


@cache
def _dataclass_encoder(kind: type) -> _Encoder:
    hints = field_hints(kind)
    names = tuple(hints)
    nested = tuple((name, made) for name in names if (made := _encoder(hints[name])))

    def encode(value: Any) -> dict[str, Any]:
        plain = {name: getattr(value, name) for name in names}
        for name, made in nested:
            plain[name] = made(plain[name])
        return plain

    return encode
