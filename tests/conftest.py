"""What every test has: a state folder of its own, root if it says so, and a look afterwards at what it left behind."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from support.leaks import STATE_PREFIX, Watch

from plctl.common.host.privilege import missing_capabilities

# `default` is for `make test`, `quick` for `make check`: both try the same examples each time, so that a change is
# judged by what it changes. `chance` tries new ones, `deep` a hundred times as many: ARGS=--hypothesis-profile=deep.
settings.register_profile("chance", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.register_profile("default", parent=settings.get_profile("chance"), derandomize=True)
settings.register_profile("quick", parent=settings.get_profile("default"), max_examples=25)
settings.register_profile("deep", parent=settings.get_profile("chance"), max_examples=10_000)
settings.load_profile("default")


#: Folders all of whose tests make links or hosts and so need root; elsewhere the marker `needs_root` says so of a test.
ROOT_FOLDERS = ("bench", "hosts", "live", "monitoring", "wireshark")
_TESTS = Path(__file__).parent


def pytest_configure(config: pytest.Config) -> None:
    """Let programs that tests start hear SIGINT and SIGHUP, also where the tests themselves are to ignore them.

    What a shell starts in the background ignores SIGINT, and what nohup starts ignores SIGHUP; so would their children.
    """
    for number in (signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda *_: None)
    if config.getoption("hypothesis_profile") == "deep":  # takes as long as it takes
        config.option.timeout = 0


def _check_that_its_file_names_its_markers(item: pytest.Item) -> None:
    """The Makefile finds what it runs with a marker among the files in which its name stands."""
    for name in ("needs_root", "undisturbed"):
        if item.get_closest_marker(name) and f".{name}" not in item.path.read_text():
            raise pytest.UsageError(f"{item.nodeid} is marked {name}, and its file does not say so: make would miss it")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs root by its folder, before `-m` chooses."""
    for item in items:
        _check_that_its_file_names_its_markers(item)
        if item.path.relative_to(_TESTS).parts[0] in ROOT_FOLDERS:
            item.add_marker("needs_root")
        elif item.get_closest_marker("undisturbed") and not item.get_closest_marker("needs_root"):
            raise pytest.UsageError(f"{item.nodeid} is marked undisturbed, but what needs no root never runs alone")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Refuse to start where a part of what was chosen could not run: that would look like passing."""
    needing = [item for item in session.items if item.get_closest_marker("needs_root")]
    if needing and (missing := missing_capabilities()):
        pytest.exit(
            f"{len(needing)} of these tests need root, because links do ({', '.join(missing)} missing here): sudo make"
            " test, or leave them out: make check",
            2,
        )


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
