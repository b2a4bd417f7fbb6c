"""What several files of tests of the model need, and takes seconds of a CPU to make."""

from __future__ import annotations

import ctypes

import pytest
from model.fake_machine import build


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """The code of `fake_machine`."""
    return build(tmp_path_factory.mktemp("machine"))
