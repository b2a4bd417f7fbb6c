"""A host as an inventory describes it, whatever format the inventory is in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from plctl.common.base.errors import UserError
from plctl.common.base.problems import Problems, quote
from plctl.common.security.keys import check_name
from plctl.controller.spec.yaml_marks import Place
from plctl.deploy.inventory.ranges import expand

_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


@dataclass(frozen=True, slots=True)
class Host:
    """One host, and how ssh reaches it. What is empty or 0 is left to the user's ssh configuration."""

    name: str  #: also its agent's
    address: str = ""
    port: int = 0
    user: str = ""
    jump: str = ""  #: another host of the inventory, or [user@]host[:port]
    key: str = ""  #: path of a private key on this machine
    python: str = ""  #: path of the interpreter there
    sudo: bool = True  #: become root by sudo, if the user is not root
    groups: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Given:
    """A value as the inventory has it, and where."""

    value: Any
    place: Place


@dataclass(frozen=True, slots=True)
class Draft:
    """What an inventory says of one host name, which may be a range, before it is checked."""

    name: Given
    values: Mapping[str, Given]  #: by one of `FIELDS`
    groups: tuple[str, ...] = ()


def settle(draft: Draft, problems: Problems) -> list[Host]:
    """The hosts that `draft` stands for, one for each name of its range; mistakes go to `problems`."""
    found = len(problems.found)
    fields = {key: _read(key, given, problems) for key, given in draft.values.items()}
    names = _expand(draft.name, problems)
    if "address" in draft.values:
        addresses = _expand(draft.values["address"], problems)
        if names and addresses and len(addresses) != len(names):
            text = f"{len(names)} names have {len(addresses)} addresses; write as long a range, e.g. 192.0.2.[1-20]"
            _complain(problems, draft.values["address"].place, text)
    else:
        addresses = [""] * len(names)
    for name in names:
        try:
            check_name(name)
        except UserError as error:
            _complain(problems, draft.name.place, str(error))
    if len(problems.found) > found or problems.more:
        return []
    groups = tuple(dict.fromkeys((*fields.pop("groups", ()), *draft.groups)))
    first = Host("", groups=groups, **{key: value for key, value in fields.items() if key != "address"})
    return [replace(first, name=name, address=address) for name, address in zip(names, addresses, strict=True)]


def _expand(given: Given, problems: Problems) -> list[str]:
    try:
        return expand(given.value) if isinstance(given.value, str) else [_refuse(given.value, "text")]
    except ValueError as error:
        _complain(problems, given.place, str(error))
        return []


def _read(key: str, given: Given, problems: Problems) -> Any:
    """The value of the field `key`; None after a complaint."""
    try:
        return _READERS[key](given.value)
    except ValueError as error:
        _complain(problems, given.place, f"{key} {error}")
        return None


def _complain(problems: Problems, place: Place, text: str) -> None:
    problems.add(place.line, place.column, text)


def _refuse(value: Any, legal: str) -> Any:
    found = "nothing" if value is None else quote(value) if isinstance(value, str) else f"a {_kind(value)}"
    raise ValueError(f"must be {legal}, not {found}")


def _kind(value: Any) -> str:
    return "mapping" if isinstance(value, dict) else "list"


def _text(value: Any) -> str:
    return value if isinstance(value, str) and value.strip() else _refuse(value, "text")


def _port(value: Any) -> int:
    if isinstance(value, str) and value.isdecimal() and 1 <= int(value) <= 65535:
        return int(value)
    return int(_refuse(value, "a port from 1 to 65535"))


def _truth(value: Any) -> bool:
    word = value.lower() if isinstance(value, str) else ""
    return word in _TRUE if word in _TRUE + _FALSE else bool(_refuse(value, "true or false"))


def _words(value: Any) -> tuple[str, ...]:
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, list) or not all(isinstance(item, str) and item for item in items):
        _refuse(value, "a list of words")
    return tuple(items)


def _labels(value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
        _refuse(value, "a mapping of words, e.g. {rack: r1}")
    return dict(value)


_READERS = {
    "address": _text,
    "port": _port,
    "user": _text,
    "jump": _text,
    "key": lambda value: str(Path(_text(value)).expanduser()),
    "python": _text,
    "sudo": _truth,
    "groups": _words,
    "labels": _labels,
}
#: What an inventory may say of a host beside its name.
FIELDS = tuple(_READERS)
