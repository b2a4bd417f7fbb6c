"""Turns the dataclasses that travel between processes into msgpack and back, trusting nothing that arrives.

The type hints are the schema: a dataclass is a map of its fields, and every value must have exactly the type that its
field declares. What does not fit is refused with the path to it (`body.links[3].mtu: expected int, got str`).
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable
from functools import cache
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

import msgpack

from plctl.common.errors import ProtocolError

#: The largest message either side accepts, in bytes: a plan of a thousand links with long schedules fits with room.
MAX_MESSAGE_BYTES = 64 * 2**20
#: No list or map of a message may be longer; what is longer is sent in parts.
MAX_ITEMS = 2_000_000

T = TypeVar("T")
_Encoder = Callable[[Any], Any]
_Decoder = Callable[[Any], Any]
_SCALARS = frozenset({int, float, str, bytes, bool})


def pack(plain: object) -> bytes:
    """`plain` (maps, lists, strings, bytes, ints, floats, bools) as msgpack.

    :raises ProtocolError: the result is larger than `MAX_MESSAGE_BYTES`.
    """
    data: bytes = msgpack.packb(plain, use_bin_type=True)
    if len(data) > MAX_MESSAGE_BYTES:
        raise ProtocolError(f"cannot send a message of {len(data)} bytes; the limit is {MAX_MESSAGE_BYTES}")
    return data


def unpack(data: bytes) -> object:
    """The plain value in `data`.

    :raises ProtocolError: not one complete msgpack value, or one with something larger than the limits.
    """
    if len(data) > MAX_MESSAGE_BYTES:
        raise ProtocolError(f"message of {len(data)} bytes; the limit is {MAX_MESSAGE_BYTES}")
    try:
        return msgpack.unpackb(
            data, raw=False, strict_map_key=True, max_array_len=MAX_ITEMS, max_map_len=MAX_ITEMS, max_ext_len=0
        )
    except (ValueError, msgpack.UnpackException, RecursionError) as error:
        raise ProtocolError(f"not a msgpack message: {error or type(error).__name__}") from None


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


def from_plain(kind: type[T], plain: object, path: str = "") -> T:
    """`plain` as an instance of the dataclass `kind`, every field checked.

    :raises ProtocolError: a field is missing, unknown, or of another type than declared; the message says where.
    """
    try:
        decoded: T = _decoder(kind)(plain)  # type: ignore[arg-type]  # mypy: a type is not Hashable
    except _MisfitError as misfit:
        where = "".join((path or kind.__name__, *reversed(misfit.path)))
        raise ProtocolError(f"{where}: {misfit.cause}") from None
    return decoded


# --- to plain values: what a type hint needs is found out once, as a thousand agents are told a plan each


@cache
def _encoder(hint: Any) -> _Encoder | None:
    """The function that makes values of the type hint `hint` plain; None if they are as they are."""
    args, origin = get_args(hint), get_origin(hint)
    if dataclasses.is_dataclass(hint):
        return _dataclass_encoder(typing.cast(type, hint))
    if hint in _SCALARS or origin is Literal:
        return None
    if origin is dict and _encoder(args[1]) is None:
        return None
    if origin is tuple and len(args) == 2 and args[1] is Ellipsis:
        item = _encoder(args[0])
        return list if item is None else lambda values: [item(value) for value in values]
    if origin in (Union, types.UnionType):
        inner = next((made for arg in args if (made := _encoder(arg))), None) if len(args) == 2 else to_plain
        return None if inner is None else lambda value: None if value is None else inner(value)
    return to_plain


@cache
def _dataclass_encoder(kind: type) -> _Encoder:
    hints = typing.get_type_hints(kind)
    names = tuple(field.name for field in dataclasses.fields(kind))
    nested = tuple((name, made) for name in names if (made := _encoder(hints[name])))

    def encode(value: Any) -> dict[str, Any]:
        plain = {name: getattr(value, name) for name in names}
        for name, made in nested:
            plain[name] = made(plain[name])
        return plain

    return encode


# --- and back: most values are scalars, so containers check those themselves, and a path is made for a misfit alone


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
    if hint in _SCALARS:
        return _scalar_decoder(hint)
    if hint is Any:
        return lambda value: value
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


def _scalar_decoder(kind: type) -> _Decoder:
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
        scalar, item = args[0] if args[0] in _SCALARS else None, _decoder(args[0])

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
    scalar, item = args[1] if args[1] in _SCALARS else None, _decoder(args[1])

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


def _dataclass_decoder(kind: type) -> _Decoder:
    hints = typing.get_type_hints(kind)
    fields = {field.name: _decoder(hints[field.name]) for field in dataclasses.fields(kind)}
    scalars = {name: hints[name] for name in fields if hints[name] in _SCALARS}
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
