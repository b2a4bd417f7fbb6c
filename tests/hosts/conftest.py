"""Real hosts for the tests in this folder: one laboratory of three for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from lab.control import Control, controller
from lab.deploying import fill_cache
from lab.real_lab import RealLab


@pytest.fixture(scope="session")
def lab() -> Iterator[RealLab]:
    """Three hosts, up; a test that changes one gives it a new disk, or undoes what it did."""
    with RealLab(3) as lab:
        yield lab


@pytest.fixture
def control(lab: RealLab) -> Iterator[Control]:
    """A new controller in the laboratory."""
    with controller(lab) as control:
        yield control


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a workstation keeps that has deployed before."""
    cache = tmp_path_factory.mktemp("cache")
    fill_cache(cache)
    return cache
