"""What every test of the commands has."""

from __future__ import annotations

import io

import pytest
from matplotlib.figure import Figure


@pytest.fixture(scope="session", autouse=True)
def fonts() -> None:
    """Let matplotlib open its fonts, which it keeps open for the life of the process, before leaks are looked for."""
    figure = Figure()
    figure.text(0, 0, "→")
    figure.savefig(io.StringIO(), format="svg")
