"""One table for all benchmarks of a session, printed at its end and written to bench-out/bench.json."""

from __future__ import annotations

import pytest
from bench.table import Table

_TABLE = pytest.StashKey[Table]()


def pytest_configure(config: pytest.Config) -> None:
    """An empty table."""
    config.stash[_TABLE] = Table()


@pytest.fixture
def table(request: pytest.FixtureRequest) -> Table:
    """The session's table."""
    return request.config.stash[_TABLE]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Show the whole table after everything else."""
    table = config.stash[_TABLE]
    if table.rows:
        path = table.write()
        terminalreporter.section("benchmarks")
        terminalreporter.write_line(table.text())
        terminalreporter.write_line(f"written to {path}")
