"""Real hosts for the tests in this folder: one laboratory of three for all of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from lab.real_lab import RealLab


@pytest.fixture(scope="session")
def lab() -> Iterator[RealLab]:
    """Three hosts, up; a test that changes one gives it a new disk, or undoes what it did."""
    with RealLab(3) as lab:
        yield lab
