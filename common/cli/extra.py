"""Says which extra is missing when a command needs more than an agent's host has."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from plctl.common.base.errors import UserError


@contextmanager
def needs_extra(what: str, extra: str = "controller") -> Iterator[None]:
    """Import the libraries of `extra` within this; `what` names what they are needed for.

    :raises UserError: one of them is not installed; the message says how to install it.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "plctl":
            raise
        raise UserError(
            f"{what} needs {error.name}, which is not installed here; pip install 'plctl[{extra}]'"
        ) from None
