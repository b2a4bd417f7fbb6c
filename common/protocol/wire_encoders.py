"""Makes dataclasses plain. What a type hint needs is found out once, as a thousand agents are told a plan each."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable
from functools import cache
from operator import attrgetter
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from plctl.common.base.shared import Shared
from plctl.common.protocol.wire_types import SCALARS, References, field_hints, references, referring, row_kind

_Encoder = Callable[[Any], Any]


def to_plain(value: Any, by: References | None = None) -> Any:
    """A dataclass (with dataclasses, tuples and dicts inside) as maps and lists. Its type hints are taken for true.

    :param by: how to refer to what is `Shared`, if anything may be.
    """
    with referring(by):
        return _to_plain(value)


def _to_plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        plain: dict[str, Any] = _dataclass_encoder(type(value))(value)
        return plain
    if isinstance(value, tuple | list):
        return [_to_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _to_plain(item) for key, item in value.items()}
    return value


@cache
def _encoder(hint: Any) -> _Encoder | None:
    """The function that makes values of the type hint `hint` plain; None if they are as they are."""
    args, origin = get_args(hint), get_origin(hint)
    if dataclasses.is_dataclass(hint):
        return _dataclass_encoder(typing.cast(type, hint))
    if origin is Annotated:
        return _table_encoder(row_kind(hint))
    if hint in SCALARS or origin is Literal:
        return None
    if isinstance(hint, type) and issubclass(hint, Shared):
        return lambda value: references.get().refer(value)
    makers: dict[Any, Callable[[tuple[Any, ...]], _Encoder | None]] = {
        tuple: _tuple_encoder,
        dict: _dict_encoder,
        Union: _optional_encoder,
        types.UnionType: _optional_encoder,
    }
    make = makers.get(origin)
    return make(args) if make else _to_plain


def _tuple_encoder(args: tuple[Any, ...]) -> _Encoder:
    if len(args) == 2 and args[1] is Ellipsis:
        item = _encoder(args[0])
        return list if item is None else lambda values: [item(value) for value in values]
    parts = [_encoder(arg) or _as_it_is for arg in args]
    return lambda values: [part(value) for part, value in zip(parts, values, strict=True)]


def _dict_encoder(args: tuple[Any, ...]) -> _Encoder | None:
    item = _encoder(args[1])
    return None if item is None else lambda values: {key: item(value) for key, value in values.items()}


def _optional_encoder(args: tuple[Any, ...]) -> _Encoder | None:
    (inner,) = [arg for arg in args if arg is not type(None)]
    item = _encoder(inner)
    return None if item is None else lambda value: None if value is None else item(value)


def _as_it_is(value: Any) -> Any:
    return value


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
