"""Listings of runs come at once: what is imported decides how long they take, so that is what is held here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from support.synthetic_run import RUN, make_run

#: What takes a tenth of a second and more to import each, and what a look at folders here has no need of.
SLOW = ("pyarrow", "numpy", "matplotlib", "plotext", "pydantic", "yaml", "zmq", "structlog", "asyncssh", "pyroute2")

_CODE = """
import sys
from plctl.common.cli.root_command import root
try:
    root.main(sys.argv[1:], prog_name="plctl")
finally:
    print("slow:", [name for name in {slow!r} if name in sys.modules])
"""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run that is over."""
    base = tmp_path_factory.mktemp("runs")
    make_run(base).close()
    return base


@pytest.mark.parametrize("arguments", [["runs"], ["show"], ["events"]], ids=lambda words: words[0])
def test_a_look_at_runs_imports_nothing_slow(runs: Path, arguments: list[str]) -> None:
    """`plctl runs`, `show` and `events` read JSON; Arrow, ZeroMQ and the like stay out of it."""
    command = [sys.executable, "-c", _CODE.format(slow=SLOW), *arguments, "--out", str(runs)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert 0 == done.returncode, done.stderr
    assert "slow: []" == done.stdout.splitlines()[-1]
    assert RUN in done.stdout or "leo-0" in done.stdout or "run.accepted" in done.stdout
