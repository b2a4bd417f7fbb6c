"""JSON documents in a program's output, which may have other lines around them, and safe ways into them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from plctl.controller.metrics.flow import NoMetricsError

_LIMIT = 2**63
_DECODER = json.JSONDecoder()


def documents(output: str) -> list[Any]:
    """Every JSON object that begins at the start of a line.

    :raises NoMetricsError: there is none.
    """
    found = list(_documents(output))
    if not found:
        raise NoMetricsError(
            f"no JSON document is in it; it begins {output.strip()[:60]!r}" if output.strip() else "it is empty"
        )
    return found


def number(value: object) -> float | int | None:
    """`value` if it is a number that can be a measurement: finite and below 2⁶³, so that any arithmetic may follow."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _LIMIT else None


def measured(value: object) -> float | int | str | None:
    """`value` if it is a text or such a number."""
    return value if isinstance(value, str) else number(value)


def objects(value: object) -> list[dict[str, Any]]:
    """The objects in `value` if it is a list."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def inside(document: Any, *path: str | int) -> Any:
    """What is at `path` in `document`; None if there is no such place."""
    for step in path:
        if isinstance(document, dict) and isinstance(step, str):
            document = document.get(step)
        elif isinstance(document, list) and isinstance(step, int) and -len(document) <= step < len(document):
            document = document[step]
        else:
            return None
    return document


def _documents(output: str) -> Iterator[Any]:
    at = 0
    while at < len(output):
        if output[at] == "{":
            try:
                document, at = _DECODER.raw_decode(output, at)
                yield document
            except (ValueError, RecursionError):
                pass
        end = output.find("\n", at)
        at = len(output) if end < 0 else end + 1
