"""What lies around a run, and what its programs leave behind, must never hurt it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

PLCTL = Path(sys.executable).parent / "plctl"
SCENARIO = "Time[ms],RouteID,Delay[ms],Btldr[Mbps]\n0,0,5,20\n"

Plctl = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def plctl(tmp_path: Path, state_folder: Path) -> Plctl:
    """Run plctl in a folder with a scenario `a.csv`, as installed, with a state folder of its own."""
    (tmp_path / "a.csv").write_text(SCENARIO)

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        assert state_folder.is_dir()
        return subprocess.run(
            [str(PLCTL), *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False
        )

    return run


def test_modules_in_the_current_folder_are_not_run(plctl: Plctl, tmp_path: Path) -> None:
    """Neither names of the standard library nor of packages, whichever of a run's processes would import them first."""
    trap = f"open({str(tmp_path / 'ran')!r}, 'a').write(__file__)\nraise SystemExit('not to be run')\n"
    for module in ("queue", "random", "signal", "statistics", "logging", "zmq", "msgpack", "click", "pyarrow", "plctl"):
        (tmp_path / f"{module}.py").write_text(trap)

    done = plctl("run", "a.csv", "--duration", "1s", "--", "true")

    assert not (tmp_path / "ran").exists()
    assert done.returncode == 0, done.stderr
