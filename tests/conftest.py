"""What every test has: root, a state folder of its own, and a look afterwards at whether it left anything behind."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from support.leaks import STATE_PREFIX, Watch

from plctl.common.host.privilege import missing_capabilities

# `default` is for every run; `make test ARGS=--hypothesis-profile=deep` looks a hundred times as long.
settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("deep", parent=settings.get_profile("default"), max_examples=10_000, print_blob=True)
settings.load_profile("default")


def pytest_sessionstart() -> None:
    """Refuse to start where a part of the tests could not run: that would look like passing."""
    if missing := missing_capabilities():
        pytest.exit(f"the tests need root, because links do ({', '.join(missing)} missing here): sudo make test", 2)


@pytest.fixture(autouse=True)
def state_folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Keep plctl's state of this test apart from the machine's and from other runs of the tests.

    In /tmp itself and short, because paths of Unix sockets may have 107 bytes at most.
    """
    folder = Path(tempfile.mkdtemp(prefix=STATE_PREFIX))
    monkeypatch.setenv("PLCTL_STATE_DIR", str(folder))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(autouse=True)
def no_controller(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no test meet the controller that this machine's user has configured."""
    monkeypatch.setenv("PLCTL_CONFIG", os.devnull)
    for name in ("PLCTL_CONTROLLER", "PLCTL_KEYS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def no_leaks(state_folder: Path) -> Iterator[None]:
    """Fail a test that leaves file descriptors, threads, processes, namespaces or owners' folders behind."""
    watch = Watch(os.getpid(), state_folder)
    yield
    if left := watch.wait_for_nothing_left():
        pytest.fail("the test left something behind:\n  " + "\n  ".join(left), pytrace=False)
