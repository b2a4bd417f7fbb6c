"""The options of commands that serve the page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from plctl.common.base.errors import UserError


@contextmanager
def needs_web(what: str) -> Iterator[None]:
    """Import the page's libraries within this; `what` names what needs them.

    :raises UserError: one of them is not installed; the message says how to install it.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "plctl":
            raise
        raise UserError(f"{what} needs {error.name}, which is not installed here; pip install 'plctl[web]'") from None
