"""Makes dataclasses of plain values that nobody trusts, every field checked against its type hint.

Most values are scalars, so containers check those themselves, and a path is made for a misfit alone.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable
from functools import cache
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

from plctl.common.base.errors import ProtocolError
from plctl.common.base.shared import Shared
from plctl.common.protocol.wire_types import SCALARS, References, field_hints, references, referring, row_kind

_Decoder = Callable[[Any], Any]
T = TypeVar("T")


def from_plain(kind: type[T], plain: object, path: str = "", by: References | None = None) -> T:
    """`plain` as an instance of the dataclass `kind`, every field checked.

    :param by: how it refers to what is `Shared`, if it does.
    :raises ProtocolError: a field is missing, unknown, or of another type than declared; the message says where.
    """
    try:
        with referring(by):
            decoded: T = _decoder(kind)(plain)  # type: ignore[arg-type]  # mypy: a type is not Hashable
    except _MisfitError as misfit:
        where = "".join((path or kind.__name__, *reversed(misfit.path)))
        raise ProtocolError(f"{where}: {misfit.cause}") from None
    return decoded


class _MisfitError(Exception):
    """A value is not as declared. Each container on the way out adds where in it the value is."""

    def __init__(self, cause: str, *path: str) -> None:
        super().__init__(cause)
        self.cause = cause
        self.path = [*path]  #: from the inside to the outside


@cache
def _decoder(hint: Any) -> _Decoder:
    """The function that checks a value against the type hint `hint` and builds it."""
    args = get_args(hint)
    if dataclasses.is_dataclass(hint):
        return _dataclass_decoder(typing.cast(type, hint))
    if hint in SCALARS:
        return _scalar_decoder(hint)
    if isinstance(hint, type) and issubclass(hint, Shared):
        return _find_shared
    if hint is Any:
        return lambda value: value
    if get_origin(hint) is Annotated:
        return _table_decoder(row_kind(hint))
    makers: dict[Any, Callable[[tuple[Any, ...]], _Decoder]] = {
        Literal: _literal_decoder,
        tuple: _tuple_decoder,
        dict: _dict_decoder,
        Union: _optional_decoder,
        types.UnionType: _optional_decoder,
    }
    if make := makers.get(get_origin(hint)):
        return make(args)
    raise TypeError(f"{hint!r} cannot travel on the wire")


def _find_shared(reference: Any) -> Any:
    try:
        return references.get().find(reference)
    except ValueError as error:
        raise _MisfitError(str(error)) from None


#: Scalars of which the type alone is looked at.
_UNBOUNDED = SCALARS - {int}
#: Whole numbers have 64 bits with a sign, everywhere behind the wire: in columns, in SQLite, in C.
_LEAST, _MOST = -(2**63), 2**63 - 1


def _decode_int(value: Any) -> Any:
    if type(value) is not int:  # exact: True is no int here
        raise _mismatch("int", value)
    if not _LEAST <= value <= _MOST:
        raise _MisfitError(f"expected an int of 64 bits with a sign, got {value}")
    return value


def _scalar_decoder(kind: type) -> _Decoder:
    if kind is int:
        return _decode_int

    def decode(value: Any) -> Any:
        if type(value) is not kind:  # exact: True is no int here
            raise _mismatch(kind.__name__, value)
        return value

    return decode


def _literal_decoder(legal: tuple[Any, ...]) -> _Decoder:
    def decode(value: Any) -> Any:
        if value not in legal:
            raise _MisfitError(f"expected one of {', '.join(map(str, legal))}, got {value!r:.80}")
        return value

    return decode


def _tuple_decoder(args: tuple[Any, ...]) -> _Decoder:
    if len(args) == 2 and args[1] is Ellipsis:
        scalar, item = args[0] if args[0] in _UNBOUNDED else None, _decoder(args[0])

        def decode(value: Any) -> Any:
            if type(value) is not list:
                raise _mismatch("list", value)
            try:
                return tuple([each if type(each) is scalar else item(each) for each in value])
            except _MisfitError as misfit:
                misfit.path.append("[]")
                raise

        return decode
    parts = [_decoder(arg) for arg in args]

    def decode_fixed(value: Any) -> Any:
        if type(value) is not list or len(value) != len(parts):
            raise _mismatch(f"list of {len(parts)}", value)
        made: list[Any] = []
        try:
            for part, each in zip(parts, value, strict=True):
                made.append(part(each))  # how far it got is the path
        except _MisfitError as misfit:
            misfit.path.append(f"[{len(made)}]")
            raise
        return tuple(made)

    return decode_fixed


def _dict_decoder(args: tuple[Any, ...]) -> _Decoder:
    scalar, item = args[1] if args[1] in _UNBOUNDED else None, _decoder(args[1])

    def decode(value: Any) -> Any:
        if type(value) is not dict:
            raise _mismatch("map", value)
        made = {}
        for key, each in value.items():
            if type(key) is not str:
                raise _mismatch("str", key, " key")
            try:
                made[key] = each if type(each) is scalar else item(each)
            except _MisfitError as misfit:
                misfit.path.append(f".{key}")
                raise
        return made

    return decode


def _optional_decoder(args: tuple[Any, ...]) -> _Decoder:
    (inner,) = [arg for arg in args if arg is not type(None)]
    decode_inner = _decoder(inner)
    return lambda value: None if value is None else decode_inner(value)


def _table_decoder(kind: type) -> _Decoder:
    columns = {name: _tuple_decoder((hint, ...)) for name, hint in field_hints(kind).items()}

    def decode(value: Any) -> Any:
        if type(value) is not dict or value.keys() != columns.keys():
            raise _MisfitError(f"expected columns {', '.join(columns)}, got {_names(value):.80}")
        made: dict[str, Any] = {}
        try:
            for name, column in columns.items():
                made[name] = column(value[name])  # how far it got is the path
        except _MisfitError as misfit:
            misfit.path.append(f".{list(columns)[len(made)]}")
            raise
        if len(lengths := {*map(len, made.values())}) > 1:
            raise _MisfitError(f"expected columns equally long, got {min(lengths)} to {max(lengths)} rows")
        return tuple(map(kind, *made.values()))

    return decode


def _names(value: Any) -> str:
    return ", ".join(map(str, value)) if type(value) is dict else type(value).__name__


def _dataclass_decoder(kind: type) -> _Decoder:
    hints = field_hints(kind)
    fields = {name: _decoder(hint) for name, hint in hints.items()}
    scalars = {name: hints[name] for name in fields if hints[name] in _UNBOUNDED}
    required = {
        field.name: None
        for field in dataclasses.fields(kind)
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    }
    legal, needed = fields.keys(), required.keys()

    def decode(value: Any) -> Any:
        if type(value) is not dict:
            raise _mismatch(f"map ({kind.__name__})", value)
        if not value.keys() <= legal:
            raise _MisfitError(f"unknown field {min(map(repr, value.keys() - legal)):.80}")
        if not needed <= value.keys():
            raise _MisfitError(f"missing field {next(name for name in needed if name not in value)!r}")
        made = value.copy()
        for name, each in value.items():
            if type(each) is not scalars.get(name):
                try:
                    made[name] = fields[name](each)
                except _MisfitError as misfit:
                    misfit.path.append(f".{name}")
                    raise
        return kind(**made)

    return decode


def _mismatch(expected: str, value: object, *path: str) -> _MisfitError:
    return _MisfitError(f"expected {expected}, got {type(value).__name__}", *path)
