"""No process of plctl's takes a module from the current folder, and none is started in a way by which it could."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from plctl.common.base.interpreter import module_command

ROOT = Path(__file__).parents[4]
#: An interpreter that is told what to run, by whatever name: `python3 -c`, `sys.executable, "-m"`, `"$p" -c`.
STARTS = re.compile(r"""(?:sys\.executable|[Pp]ython3?|"\$p")["']*[, ]+["']?(-[A-Za-z]+)""")


def test_the_current_folder_is_no_place_of_modules(tmp_path: Path) -> None:
    """A `queue.py` beside the user's scenario is not run by a process that imports `queue`."""
    (tmp_path / "queue.py").write_text("print('the current folder')")
    (tmp_path / "zmq.py").write_text("print('the current folder')")

    done = subprocess.run(module_command("queue"), cwd=tmp_path, capture_output=True, text=True, check=False)
    ours = subprocess.run(
        module_command("plctl.common", "--version"), cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout) == (0, "")
    assert "the current folder" not in ours.stdout
    assert ours.returncode == 0


def test_an_isolated_process_starts_isolated_ones() -> None:
    """What `-I` keeps out of an agent on a host (PYTHONPATH, the user's packages) is kept out of its children, too."""
    code = "from plctl.common.base.interpreter import module_command; print(module_command('x')[1])"

    flags = [
        subprocess.run([sys.executable, flag, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
        for flag in ("-I", "-P")
    ]

    assert flags == ["-I", "-P"]


def test_no_interpreter_is_started_otherwise() -> None:
    """The first option is `-I` or `-P` throughout the product, also in what runs on hosts and in Slurm jobs."""
    sources = [path for part in ("common", "agent", "controller", "deploy") for path in (ROOT / part).rglob("*")]
    texts = {path: path.read_text() for path in sources if path.suffix in {".py", ".service"}}
    starts = [
        (path.relative_to(ROOT), found[0], found[1]) for path, text in texts.items() for found in STARTS.finditer(text)
    ]

    assert len(starts) >= 10
    assert [start for start in starts if start[2] not in {"-I", "-P"}] == []
