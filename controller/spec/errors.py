"""Validates a marked document by a model and words what pydantic finds as located sentences of ours."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from plctl.common.base.problems import Problems, quote, suggest
from plctl.controller.spec.model import MODELS
from plctl.controller.spec.yaml_marks import Marked, Path

_Model = TypeVar("_Model", bound=BaseModel)
#: The model of the mapping that is reached from a document's root by these keys, list indices left out.
Models = Mapping[tuple[str, ...], type[BaseModel]]
_SHOULD_BE = re.compile(r"(?:Input|Value|\w+) should (?:be|have) (.*)")
_KINDS = {"tuple_type": "a list", "list_type": "a list", "dict_type": "a mapping", "model_type": "a mapping",
          "string_type": "text", "int_type": "a whole number", "int_parsing": "a whole number",
          "int_from_float": "a whole number"}  # fmt: skip


def validate(
    model: type[_Model], value: Any, at: Path, marked: Marked, problems: Problems, *, models: Models = MODELS
) -> _Model | None:
    """The `model` of `value`, which stands at `at` in the document; None if anything is wrong.

    Everything that is wrong goes to `problems`; `models` says of which mapping of the document which keys are legal.
    """
    try:
        return model.model_validate(value)
    except ValidationError as error:
        for details in error.errors(include_url=False):
            path = (*at, *details["loc"])
            missing, unknown = details["type"] == "missing", details["type"] == "extra_forbidden"
            place = marked.key_place(path) if unknown else marked.place(path[:-1] if missing else path)
            problems.add(place.line, place.column, _sentence(details, path, models))
        return None


def _sentence(details: ErrorDetails, path: Path, models: Models) -> str:
    name = _name(path)
    match details["type"]:
        case "missing":
            text = f"the key {name} is missing"
        case "extra_forbidden":
            text = f"unknown key {quote(str(path[-1]))}; {suggest(str(path[-1]), _legal_keys(path[:-1], models))}"
        case "string_too_short" | "too_short":
            text = f"{name} must not be empty"
        case "too_long":
            text = f"{name} may have at most {details['ctx']['max_length']} items"
        case "value_error":
            text = f"{name}: {details['ctx']['error']}"
        case kind:
            legal = _KINDS.get(kind) or _legal(details["msg"])
            found = _found(details["input"])
            text = f"{name} must be {legal}, not {found}" if legal else f"{name} is {found}: {details['msg']}"
    return text


def _name(path: Path) -> str:
    """What to call the value at `path` in a sentence: its key, or the number of an item from 1."""
    if not path:
        return "the run spec"
    return f"item {path[-1] + 1} of {_name(path[:-1])}" if isinstance(path[-1], int) else path[-1]


def _legal(message: str) -> str:
    match = _SHOULD_BE.match(message)
    return match[1] if match else ""


def _found(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, str | int):
        return quote(str(value))
    return "a mapping" if isinstance(value, dict) else "a list"


def _legal_keys(path: Path, models: Models) -> list[str]:
    fields = models[tuple(part for part in path if isinstance(part, str))].model_fields
    return [field.alias or name for name, field in fields.items()]
