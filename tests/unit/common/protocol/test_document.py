"""PROTOCOL.md and the code say the same: every message, every field, its type, its default and its senders."""

from __future__ import annotations

import dataclasses
import re
import types
import typing
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import pytest

import plctl.common.protocol
from plctl.common.plan.disciplines import Discipline
from plctl.common.protocol import messages, wire
from plctl.common.protocol.wire_types import row_kind
from plctl.common.scenario.opportunities import MAX_GAP_BYTES
from plctl.common.scenario.packed import PackedSchedule
from plctl.common.scenario.schedule import MAX_ROWS, ROW_FIELDS
from plctl.common.telemetry.counters import COUNTERS, HalfCounters
from plctl.common.transport import socket_options
from plctl.common.transport.refusals import Refusal

DOCUMENT = (Path(plctl.common.protocol.__file__).parent / "PROTOCOL.md").read_text()
_SECTION = re.compile(r"^### `(\w+)`([^\n]*)\n(.*?)(?=^##|\Z)", re.MULTILINE | re.DOTALL)
_ROW = re.compile(r"^\| `(\w+)` \| ([^|]*?) \| ([^|]*?) \| (.*?) \|$", re.MULTILINE)
SECTIONS = {name: (head, _ROW.findall(body)) for name, head, body in _SECTION.findall(DOCUMENT)}


def wire_type(hint: Any) -> str:
    """A type hint in the document's words."""
    args, origin = get_args(hint), get_origin(hint)
    if origin is Annotated:
        return f"table of {row_kind(hint).__name__}"
    if origin is tuple:
        return f"list of {wire_type(args[0]) if args[1] is ... else 'exactly ' + ', '.join(map(wire_type, args))}"
    if origin is dict:
        return f"map of {wire_type(args[1])}"
    if origin is Literal:
        return "a discipline" if hint == Discipline else ", ".join(f'"{word}"' for word in args)
    if origin is types.UnionType:
        return f"{wire_type(args[0])} or nil"
    return "any" if hint is Any else str(hint.__name__)


def fields(kind: type[Any]) -> list[tuple[str, str, str]]:
    """Name, type and default of each field of `kind`; an empty default is a field that must be there."""
    hints = typing.get_type_hints(kind, include_extras=True)
    return [(f.name, wire_type(hints[f.name]), default(f)) for f in dataclasses.fields(kind)]


def default(f: dataclasses.Field[Any]) -> str:
    """The default in the document's words."""
    if f.default_factory is not dataclasses.MISSING:
        return "empty" if f.default_factory is dict else "all defaults"
    if f.default is dataclasses.MISSING:
        return ""
    words: dict[Any, str] = {"": '""', (): "empty", None: "nil", False: "false", True: "true"}
    if f.default in words and type(f.default) is not int:
        return words[f.default]
    return f'"{f.default}"' if isinstance(f.default, str) else str(f.default)


def nested(kind: Any, found: dict[str, type[Any]]) -> dict[str, type[Any]]:
    """All dataclasses inside `kind`, by name."""
    for hint in typing.get_type_hints(kind).values() if dataclasses.is_dataclass(kind) else get_args(kind):
        if dataclasses.is_dataclass(hint):
            found[hint.__name__] = typing.cast(type, hint)
        nested(hint, found)
    return found


PARTS = {name: part for kind in messages.TABLE.values() for name, part in nested(kind.message, {}).items()}
PARTS |= {"PackedSchedule": PackedSchedule, **nested(PackedSchedule, {})}  # of the envelope


def test_the_document_has_every_message_and_no_other() -> None:
    """Each message of the table and each type inside one has a section, and nothing else has."""
    assert {*messages.TABLE, *PARTS} == SECTIONS.keys()


@pytest.mark.parametrize("name", [*messages.TABLE, *PARTS])
def test_each_section_has_every_field(name: str) -> None:
    """Fields stand in the code's order with its types and defaults, and each has a meaning.

    Counters stand in a table of their own, which is made from their declarations (docs/generate.py).
    """
    kind = messages.TABLE[name].message if name in messages.TABLE else PARTS[name]
    _, rows = SECTIONS[name]
    counters = COUNTERS if issubclass(kind, HalfCounters) else ()
    assert [each for each in fields(kind) if each[0] not in counters] == [
        (field, type_, default_) for field, type_, default_, _ in rows
    ]
    assert all(meaning for *_, meaning in rows)


@pytest.mark.parametrize("name", messages.TABLE)
def test_each_message_names_its_senders(name: str) -> None:
    """The heading of a message says from whom it may come."""
    assert f" (from {' or '.join(sorted(messages.TABLE[name].senders))})" == SECTIONS[name][0]


def test_the_numbers_are_the_codes() -> None:
    """Version, limits and times in the document are those in the code."""
    for fact in (
        f"protocol version is {messages.PROTOCOL_VERSION}.",
        f"{wire.MAX_MESSAGE_BYTES} bytes",
        f"{wire.MAX_ITEMS} items",
        f"1 to {MAX_ROWS} rows",
        f"{MAX_GAP_BYTES} bytes, once unpacked",
        *(f"`{each.name}`" for each in ROW_FIELDS),
        f"handshake within {socket_options.HANDSHAKE_MS} ms",
        f"ping every {socket_options.HEARTBEAT_MS} ms",
        f"after {socket_options.HEARTBEAT_TIMEOUT_MS} ms",
        f"{socket_options.HIGH_WATER_MARK} messages",
    ):
        assert fact in DOCUMENT


def test_every_refusal_is_explained() -> None:
    """Each cause that is counted is in the document."""
    assert [] == [why for why in Refusal if f"`{why}`" not in DOCUMENT]
