"""Plain values that are almost right: what random bytes hardly ever are once msgpack has read them.

The first byte of an input says which: 0, the rest is taken as it is; n, it says what to change in the n-th template.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgpack

_STRANGE: tuple[Any, ...] = (
    *(0, -1, 1, 2, 255, 1500, 9000, 2**31, 2**32, 2**63 - 1, 2**63, 2**64 - 1, -(2**63), 0.5, float("nan")),
    *(True, None, "", "x", "packet", "at-t0", "bdp", b"", b"\0", [], {}, [0], [[0, 0, 1, 0, 0]], {"x": 1}),
)


def bytes_of(data: bytes, templates: Sequence[Any]) -> bytes:
    """What the input `data` stands for."""
    if not data or not data[0]:
        return data[1:]
    choices = iter(data[1:])
    value: Any = templates[data[0] % len(templates)]
    for first in choices:
        value = _alter(value, first, choices)
    packed: bytes = msgpack.packb(value)
    return packed


def _alter(value: Any, choice: int, choices: Iterator[int]) -> Any:
    """`value` with one thing in it changed, removed or added."""
    deeper = next(choices, 0)
    if choice % 8 and isinstance(value, dict | list) and value:
        items = dict(value) if isinstance(value, dict) else dict(enumerate(value))
        key = list(items)[deeper % len(items)]
        if choice % 8 == 1:
            del items[key]
        else:
            items[key] = _alter(items[key], next(choices, 0), choices)
        return items if isinstance(value, dict) else list(items.values())
    return _STRANGE[deeper % len(_STRANGE)]
