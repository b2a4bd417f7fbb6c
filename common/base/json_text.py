"""Reads JSON that anybody may have written: whatever is wrong with it is a ValueError, also that it is too deep."""

from __future__ import annotations

import json
from typing import Any


def read_json(text: str | bytes) -> Any:
    """What `text` says.

    :raises ValueError: it is no JSON, or its values lie too deep in each other.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("values lie too deep in each other") from None
