"""What the code says of the fields of a class: the `#:` comment before a field, or behind it on its line."""

from __future__ import annotations

import dataclasses
import inspect
import re
import typing
from collections.abc import Iterator
from types import UnionType
from typing import Any

from plctl.common.scenario.schedule import Schedule

_BEFORE = re.compile(r"    #: (.*)")
_FIELD = re.compile(r"    (\w+): (?:[^#\"]|\"[^\"]*\")*(?:#: (.*))?$")
_NONE = re.compile(r"\bNone\b")
#: How a name ends, and what is counted then.
_UNITS = {
    "_ns": "ns", "_s": "s", "_bps": "bit/s", "_bytes": "bytes", "_packets": "frames", "_segments": "segments",
    "_utc": "RFC 3339", "mtu": "bytes", "length": "bytes",
}  # fmt: skip

_WORDS: dict[Any, str] = {
    int: "integer", float: "number", str: "text", bool: "true or false", type(None): "null", Schedule: "text",
}  # fmt: skip


def meanings(kind: type) -> dict[str, str]:
    """Field → what its comment says, also of fields that `kind` has from its bases; empty where it says nothing."""
    found: dict[str, str] = {}
    for each in reversed(kind.__mro__):
        if each.__module__.startswith("plctl."):
            found.update(_own(each))
    return {name: _NONE.sub("null", found.get(name, "")) for name in names(kind)}


def names(kind: type) -> tuple[str, ...]:
    """The fields of a dataclass, a NamedTuple or a pydantic model, in order."""
    if dataclasses.is_dataclass(kind):
        return tuple(each.name for each in dataclasses.fields(kind))
    return tuple(getattr(kind, "_fields", None) or getattr(kind, "model_fields", ()))


def unit(name: str) -> str:
    """What a number of that name counts, by how the name ends; empty for other things."""
    if name.startswith("lost_"):
        return _UNITS["_packets"]
    return next((unit for end, unit in _UNITS.items() if name.endswith(end)), "")


def words(hint: Any) -> str:
    """A type as a reader of JSON meets it; a class of ours by its name."""
    args, origin = typing.get_args(hint), typing.get_origin(hint)
    if isinstance(hint, UnionType):
        return " or ".join(map(words, args))
    if origin is typing.Literal:
        return " or ".join(f"`{word}`" for word in args)
    if origin is tuple:
        return f"list of {words(args[0])}"
    if origin is dict:
        return f"map of {words(args[1])}"
    return _WORDS.get(hint) or f"[{hint.__name__}](#{hint.__name__.lower()})"


def parts(kind: type) -> list[type]:
    """`kind` and every dataclass that its fields hold, each once, in the order in which a reader meets them."""
    found = [kind]
    for each in found:
        for hint in typing.get_type_hints(each).values():
            found += [part for part in _classes(hint) if part not in found and dataclasses.is_dataclass(part)]
    return found


def _own(kind: type) -> dict[str, str]:
    found: dict[str, str] = {}
    before: list[str] = []
    for line in inspect.getsource(kind).splitlines():
        if comment := _BEFORE.match(line):
            before.append(comment[1])
        elif field := _FIELD.match(line):
            found[field[1]] = " ".join(before) or field[2] or ""
            before = []
        else:
            before = []
    declared = getattr(kind, "__dataclass_fields__", {})
    return found | {each.name: each.metadata["counter"][2] for each in declared.values() if "counter" in each.metadata}


def _classes(hint: Any) -> Iterator[type]:
    if isinstance(hint, type) and not typing.get_args(hint):
        yield hint
    elif isinstance(hint, UnionType) or typing.get_args(hint):
        for each in typing.get_args(hint):
            yield from _classes(each)
