"""Reads JSON as users write it: a mistake is located, and nesting or numbers beyond all use are refused."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from plctl.common.scenario.readers.trace_file import TraceFile


def load_json(file: TraceFile) -> Any:
    """What `file` says; numbers with a point are `Decimal`, so that they stay exact.

    :raises InputError: it is not JSON.
    """
    try:
        return json.loads(file.text, parse_float=Decimal, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        raise file.refusal(f"is not JSON: {error.msg}", error.lineno, error.colno) from None
    except RecursionError:
        raise file.refusal("is nested too deeply") from None
    except ValueError as error:
        raise file.refusal(f"is not JSON: {error}") from None


def _refuse(word: str) -> Any:
    raise ValueError(f"{word} is no number of JSON's")
