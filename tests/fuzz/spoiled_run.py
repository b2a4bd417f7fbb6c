"""One thing in a run's folder made what no run leaves, by choices that somebody hands in."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

T = TypeVar("T")
#: Chooses one of a few things.
Choose = Callable[[Sequence[T]], T]

STRANGE: tuple[Any, ...] = (
    *(0, -1, 1, 2**31, 2**63 - 1, 2**63, -(2**63), 10**30, 10**400, 0.5, float("nan"), float("inf"), 1e308),
    *(True, None, "", "x", "NaN", "\x1b[31mred\x07", "\u202e..", "../../etc/passwd", "/etc/passwd", "\0", "\ud800"),
    *("n" * 5000, [], {}, [[]], {"x": 1}, ["\x1b]0;t\x07"]),
)
_LINES = (
    *(b"[" * 100_000, b'{"a":' * 50_000, b"\xff\xfe", b"null", b"[]", b"0", b'"x"', bytes(100), b"{}"),
    *(b'{"t_ns":1e999}', b'{"t_ns":NaN}'),
)
_METADATA = (b"x", b"-1", b"9" * 30, b"{}", b"null", b"[]")


def spoil(folder: Path, choose: Choose[Any]) -> str:
    """Do it to the run in `folder`; what, in a few words."""
    spoiling = choose((_spoil_record, _spoil_record, _spoil_event, _spoil_table, _spoil_table, _spoil_file))
    return str(spoiling(folder, choose))


def _spoil_record(folder: Path, choose: Choose[Any]) -> str:
    path = folder / "run.json"
    path.write_bytes(_dump(_altered(json.loads(path.read_text()), choose)))
    return "run.json"


def _spoil_event(folder: Path, choose: Choose[Any]) -> str:
    path = folder / "events.jsonl"
    lines = path.read_bytes().splitlines()
    number = choose(range(len(lines)))
    lines[number] = choose((*_LINES, None)) or _dump(_altered(json.loads(lines[number]), choose))
    path.write_bytes(b"\n".join(lines) + b"\n")
    return f"line {number + 1} of events.jsonl"


def _spoil_table(folder: Path, choose: Choose[Any]) -> str:
    path = choose(sorted(folder.rglob("*.parquet")))
    table = pq.read_table(path)
    name = choose(table.column_names)
    at, rows = table.column_names.index(name), len(table)
    way = choose(("drop", "words", "numbers", "nulls", "lists", "rows", "metadata"))
    columns = {
        "words": pa.array([choose(("x", "\x1b[31m"))] * rows),
        "numbers": pa.array([choose((2**63 - 1, -(2**63), -1, 0))] * rows),
        "nulls": pa.nulls(rows),
        "lists": pa.array([[1]] * rows),
    }
    if way == "drop":
        table = table.drop_columns([name])
    elif way == "rows":
        table = table.slice(0, 0)
    elif way == "metadata":
        table = table.replace_schema_metadata(dict.fromkeys(table.schema.metadata or [b"plctl"], choose(_METADATA)))
    else:
        table = table.set_column(at, name, columns[way])
    pq.write_table(table, path)
    return f"{way} in {name} of {path.name}"


def _spoil_file(folder: Path, choose: Choose[Any]) -> str:
    path = choose(sorted(path for path in folder.rglob("*") if path.is_file()))
    data = path.read_bytes()
    way = choose(("flip", "cut", "gone", "link", "folder", "pipe", "device", "holes"))
    path.unlink()
    if way == "flip" and data:
        at = choose(range(len(data)))
        path.write_bytes(data[:at] + bytes([data[at] ^ choose((1, 128))]) + data[at + 1 :])
    elif way == "cut":
        path.write_bytes(data[: choose(range(len(data) + 1))])
    elif way in ("link", "device"):
        path.symlink_to("/etc/hostname" if way == "link" else "/dev/zero")
    elif way == "folder":
        path.mkdir()
    elif way == "pipe":
        os.mkfifo(path)
    elif way == "holes":
        path.touch()
        os.truncate(path, 1 << 40)
    return f"{way} in place of {path.relative_to(folder)}"


def _altered(document: Any, choose: Choose[Any]) -> Any:
    """`document` with one value in it another, gone, buried, or there twice."""
    at, key = document, choose(list(document))
    while isinstance(at[key], dict | list) and at[key] and choose((True, True, True, False)):
        at = at[key]
        key = choose(list(at) if isinstance(at, dict) else range(len(at)))
    way = choose(("another", "another", "another", "gone", "buried", "twice"))
    if way == "another":
        at[key] = choose(STRANGE)
    elif way == "gone":
        del at[key]
    elif way == "buried":
        for _ in range(choose((50, 900))):
            at[key] = [at[key]]
    elif isinstance(at, list):
        at.insert(0, at[key])
    else:
        at["\x1b[1m"] = at[key]
    return document


def _dump(document: Any) -> bytes:
    return json.dumps(document).encode()
