"""`plctl lab up N --serve`: a cluster that is ready, and a shell that commands it; with the shell all of it goes."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from pathlib import Path

from plctl.agent.lab.folder import lab_folder

PLCTL = [sys.executable, "-P", "-m", "plctl.common"]


def test_a_cluster_that_is_ready(tmp_path: Path) -> None:
    """The next steps are printed; agents serve when the shell begins, whose status counts; then nothing is left."""
    name = "s" + secrets.token_hex(3)
    plctl = " ".join(PLCTL)
    done = subprocess.run(
        [*PLCTL, "lab", "up", "2", "--name", name, "--serve"],
        input=f"uname -n; echo $PLCTL_KEYS; {plctl} agents --json > agents.json; exit 7\n",
        env={**os.environ, "SHELL": "/bin/bash"}, cwd=tmp_path,
        capture_output=True, text=True, timeout=110, check=False,
    )  # fmt: skip
    assert (7, "") == (done.returncode, done.stderr)
    assert "plctl agents\n" in done.stdout
    assert "\nworkstation\n" in done.stdout
    agents = json.loads((tmp_path / "agents.json").read_text())["agents"]
    assert [("h1", True), ("h2", True)] == sorted((agent["name"], agent["connected"]) for agent in agents)
    (keys,) = [line for line in done.stdout.splitlines() if line.endswith("/keys")]
    assert not Path(keys).parent.exists()
    assert not lab_folder(name).exists()
