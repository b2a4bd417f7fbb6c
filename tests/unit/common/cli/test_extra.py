"""A missing library is answered by how to install it."""

import pytest

from plctl.common.base.errors import UserError
from plctl.common.cli.extra import needs_extra


def test_names_the_extra() -> None:
    """A host that has only the agent's libraries is told which extra to install."""
    sentence = r"a plot needs nosuchlib, which .* pip install 'plctl\[controller\]'"
    with pytest.raises(UserError, match=sentence), needs_extra("a plot"):
        import nosuchlib  # noqa: F401, PLC0415


def test_a_missing_module_of_our_own_is_a_bug() -> None:
    """Only other people's modules are the user's to install."""
    with pytest.raises(ModuleNotFoundError), needs_extra("a plot"):
        import plctl.nosuchmodule  # noqa: F401, PLC0415
