"""Values of a run spec, which are text until their field's type reads them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict

from plctl.common.base.errors import UserError
from plctl.common.base.units import parse_duration


def read_duration(text: str) -> int:
    """Nanoseconds of text with a unit; a bare 0 needs none.

    :raises UserError: no duration, or longer than ten years.
    """
    return 0 if text == "0" else parse_duration(text)


def from_text(read: Callable[[str], Any], example: str) -> BeforeValidator:
    """Have pydantic read text by `read`, whose refusals become pydantic's."""

    def validate(value: Any) -> Any:
        if not isinstance(value, str):
            raise ValueError(f"must be text, e.g. {example}")
        try:
            return read(value.strip())
        except UserError as error:
            raise ValueError(str(error)) from None

    return BeforeValidator(validate)


Duration = Annotated[int, from_text(read_duration, "70s")]


class Strict(BaseModel):
    """A mapping in which no other keys are legal."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)
