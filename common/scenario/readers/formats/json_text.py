"""Reads JSON as users write it: a mistake is located, and nesting or numbers beyond all use are refused."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from plctl.common.base.problems import SHOWN, Problems, quote
from plctl.common.scenario.readers.trace_file import TraceFile

#: The most lists and mappings, and the most values, of one document: what they become takes far more memory than text.
MOST_CONTAINERS = 2_000_000
MOST_VALUES = 4_000_000
_NO_NUMBER = re.compile(r"NaN|-?Infinity|[0-9]{4301}|[eE][+-]?[0-9]{10}")
_BLANK = re.compile(r"[ \t\n\r]*")
#: A place in a document: keys of mappings and, from 0, indices of lists.
Path = Sequence[str | int]


class ItemError(ValueError):
    """What is wrong with the item at `path` of a document."""

    def __init__(self, path: Path, text: str) -> None:
        super().__init__(text)
        self.path = path


def load_json(file: TraceFile) -> Any:
    """What `file` says; numbers with a point are `Decimal`, so that they stay exact.

    :raises InputError: it is not JSON, or more of it than is read.
    """
    text = file.text
    for what, most, found in (
        ("lists and mappings", MOST_CONTAINERS, text.count("{") + text.count("[")),
        ("values", MOST_VALUES, text.count(",")),
    ):
        if found > most:
            raise file.refusal(f"has {found} {what}; at most {most} are read")
    try:
        return json.loads(text, parse_float=exact, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        raise file.refusal(f"is not JSON: {error.msg}", error.lineno, error.colno) from None
    except RecursionError:
        raise file.refusal("is nested too deeply; what is read has some ten levels") from None
    except ValueError as error:
        number = _NO_NUMBER.search(text)
        raise file.refusal(f"is not JSON: {error}", *_place(text, number.start() if number else 0)) from None


def refuse_item(problems: Problems, text: str, path: Path, fault: str) -> None:
    """Add what is wrong with the item at `path` of the JSON `text`; its place is looked up where it will be shown."""
    line, column = place_of(text, path) if len(problems.found) < SHOWN else (0, 0)
    problems.add(line, column, fault)


def exact(word: str) -> Decimal:
    """The number in `word`.

    :raises ValueError: its exponent is beyond all reason.
    """
    try:
        return Decimal(word)
    except InvalidOperation:
        raise ValueError(f"{quote(word)} is no number that is read") from None


def _refuse(word: str) -> Any:
    raise ValueError(f"{word} is no number of JSON's")


def place_of(text: str, path: Path) -> tuple[int, int]:
    """The line and column, from 1, where what is at `path` in the JSON `text` begins, or as much of it as is there."""
    at = _skip(text, 0)
    for step in path:
        found = _inside(text, at, step)
        if found < 0:
            break
        at = found
    return _place(text, at)


def _place(text: str, at: int) -> tuple[int, int]:
    return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)


def _inside(text: str, at: int, step: str | int) -> int:
    """Where the item `step` of the list or mapping at `at` begins; −1 if there is none."""
    if text[at : at + 1] != ("{" if isinstance(step, str) else "["):
        return -1
    at, index, found = _skip(text, at + 1), 0, -1
    while text[at : at + 1] not in ("}", "]", ""):
        key: str | int = index
        if isinstance(step, str):
            key, at = _DECODER.raw_decode(text, at)
            at = _skip(text, _skip(text, at) + 1)
        if key == step:
            found = at  # of a key that is given twice the last one counts
            if not isinstance(step, str):
                return found
        at = _skip(text, _DECODER.raw_decode(text, at)[1])
        at = _skip(text, at + 1) if text[at : at + 1] == "," else at
        index += 1
    return found


_DECODER = json.JSONDecoder(parse_int=str, parse_float=str)


def _skip(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return found.end() if found else at
