"""Says a message so that a peer of the previous version of the protocol understands it: without what is new since."""

from __future__ import annotations

import dataclasses
from typing import Any

from plctl.common.base.errors import VersionError
from plctl.common.protocol.version_2 import FIELDS
from plctl.common.protocol.wire_types import field_hints, row_kind

#: The version that peers may still speak.
OLDER = 2


def said_older(message: Any, plain: Any, *, leave_out: bool) -> Any:
    """`plain`, which is `message` as it travels now, as it travelled in version `OLDER`.

    :param leave_out: what is new may be left out, as from an answer; else only where it has its default.
    :raises VersionError: it cannot be said so.
    """
    if isinstance(message, tuple) and isinstance(plain, list):
        return [said_older(each, part, leave_out=leave_out) for each, part in zip(message, plain, strict=True)]
    if isinstance(message, dict) and isinstance(plain, dict):
        return {key: said_older(message[key], part, leave_out=leave_out) for key, part in plain.items()}
    if not (dataclasses.is_dataclass(message) and isinstance(plain, dict)):
        return plain
    name = type(message).__name__
    if (known := FIELDS.get(name)) is None:
        raise VersionError(f"does not know {name}")
    made = {}
    for field in dataclasses.fields(message):
        value = getattr(message, field.name)
        if field.name in known:
            made[field.name] = _field(message, field.name, plain[field.name], leave_out=leave_out)
        elif not leave_out and value != _default(field):
            raise VersionError(f"does not know {name}.{field.name}, which is {value!r:.80} here")
    return made


def _field(message: Any, name: str, plain: Any, *, leave_out: bool) -> Any:
    hint = field_hints(type(message))[name]
    if hasattr(hint, "__metadata__"):  # a table: a map of columns
        columns = FIELDS[row_kind(hint).__name__]
        return {column: values for column, values in plain.items() if column in columns}
    return said_older(getattr(message, name), plain, leave_out=leave_out)


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default is not dataclasses.MISSING:
        return field.default
    made = field.default_factory
    return dataclasses.MISSING if made is dataclasses.MISSING else made()
