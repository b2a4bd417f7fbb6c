"""Expands the ranges in host names: ``node[01-20]``, ``edge[1,3,7-9]``, and Ansible's ``web[01:20:2]``, ``db[a:f]``."""

from __future__ import annotations

import itertools
import re
from string import ascii_lowercase, ascii_uppercase

#: The most names that one range may stand for.
MAX_NAMES = 10_000

_BRACKETS = re.compile(r"\[([^\[\]]*)\]")
_NUMBERS = re.compile(r"(\d{1,9})(?:[-:](\d{1,9})(?::(\d{1,9}))?)?")
_LETTERS = re.compile(r"([a-zA-Z])[-:]([a-zA-Z])")


def expand(text: str) -> list[str]:
    """All names that `text` stands for, in order; the width of a range's first number is kept (``01``).

    :raises ValueError: a range is none, runs backwards, or stands for more than `MAX_NAMES`; in words for the user.
    """
    pieces = _BRACKETS.split(text)  # text, range, text, range, … text
    if any(bracket in piece for piece in pieces[::2] for bracket in "[]"):
        raise ValueError(f"{text!r:.60}: the brackets do not match; write a range as node[01-20]")
    choices = [_range(piece) if index % 2 else [piece] for index, piece in enumerate(pieces)]
    count = 1
    for choice in choices:
        count *= len(choice)
    if count > MAX_NAMES:
        raise ValueError(f"{text!r:.60} stands for {count} names; at most {MAX_NAMES} are allowed")
    return ["".join(parts) for parts in itertools.product(*choices)]


def _range(text: str) -> list[str]:
    """What the inside of a pair of brackets stands for."""
    return [name for item in text.split(",") for name in _item(item.strip())]


def _item(text: str) -> list[str]:
    if match := _NUMBERS.fullmatch(text):
        first, last, step = int(match[1]), int(match[2] or match[1]), int(match[3] or 1)
        if last < first or step < 1:
            raise ValueError(f"[{text}] is an empty range; the smaller number comes first")
        if (last - first) // step >= MAX_NAMES:
            raise ValueError(f"[{text}] is too long a range; at most {MAX_NAMES} names are allowed")
        return [f"{number:0{len(match[1])}}" for number in range(first, last + 1, step)]
    if match := _LETTERS.fullmatch(text):
        for alphabet in (ascii_lowercase, ascii_uppercase):
            if match[1] in alphabet and match[2] in alphabet and match[1] <= match[2]:
                return list(alphabet[alphabet.index(match[1]) : alphabet.index(match[2]) + 1])
    raise ValueError(f"[{text}] is no range; write e.g. [01-20], [1,3,7-9] or [a-f]")
