"""What a session of the bench has: the machine to itself, one table, and what a session before it left when killed."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest
from bench.table import Table

from plctl.agent.cleanup.reap import reap
from plctl.common.base.errors import BusyError

#: Of the machine, as two sessions would measure each other.
LOCK = Path("/run/plctl-bench.lock")
STATE_PREFIX = "plctl-test-bench-"  #: of the state folders of its tests
_TABLE = pytest.StashKey[Table]()
_MACHINE = pytest.StashKey[IO[str]]()


def hold_machine(lock: Path = LOCK) -> IO[str]:
    """Be the only session on this machine until the file is closed.

    :raises BusyError: another is running.
    """
    file = lock.open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        who = file.read().strip()
        file.close()
        raise BusyError(
            f"another bench is running on this machine (process {who}), and two would measure each other; wait until it"
            " is over, or end it with SIGINT"
        ) from None
    file.truncate(0)
    file.write(f"{os.getpid()}\n")
    file.flush()
    return file


def remove_leavings() -> list[str]:
    """Take apart what killed sessions left, while the machine is held; what was removed, in sentences."""
    removed = []
    for folder in Path(tempfile.gettempdir()).glob(f"{STATE_PREFIX}*"):
        removed += reap(owner for owner in sorted(folder.iterdir()) if owner.is_dir())
        shutil.rmtree(folder)
    return removed


def end_as_by_a_user() -> None:
    """Let SIGTERM, which `timeout` sends, do what Ctrl-C does: what stands is taken down, and the table shown."""
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))


def pytest_configure(config: pytest.Config) -> None:
    """An empty table; and the machine, for a session that measures."""
    config.stash[_TABLE] = Table()
    if config.option.collectonly:
        return
    try:
        config.stash[_MACHINE] = hold_machine()
    except BusyError as error:
        pytest.exit(str(error), 2)
    for sentence in remove_leavings():
        print(f"a bench before this one was killed: {sentence}")
    end_as_by_a_user()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Let others have the machine."""
    if _MACHINE in config.stash:
        config.stash[_MACHINE].close()


@pytest.fixture
def table(request: pytest.FixtureRequest) -> Table:
    """The session's table."""
    return request.config.stash[_TABLE]


@pytest.fixture(autouse=True)
def state_folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """As for every test, but known for a bench's: the next session takes apart what is in it if this one is killed."""
    folder = Path(tempfile.mkdtemp(prefix=STATE_PREFIX))
    monkeypatch.setenv("PLCTL_STATE_DIR", str(folder))
    yield folder
    shutil.rmtree(folder)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Show the whole table after everything else, also of a session that was interrupted."""
    table = config.stash[_TABLE]
    if table.rows:
        terminalreporter.section("benchmarks")
        terminalreporter.write_line(table.text())
        terminalreporter.write_line(f"written to {table.write()}")
