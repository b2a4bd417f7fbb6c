"""The version stands in two places, for a reason, and is the same in both."""

from __future__ import annotations

import tomllib
from pathlib import Path

from plctl.common import __version__


def test_the_version_is_the_projects() -> None:
    """What processes say of themselves is what is installed."""
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    assert project["version"] == __version__
