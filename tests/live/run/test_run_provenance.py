"""What a run's record says of where it ran: kernel settings at the links' ends, and the programs themselves."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path


def test_a_record_names_settings_and_programs(tmp_path: Path) -> None:
    """Of the first link's client, whose buffers are raised to what the path can hold; and what `true` is."""
    (tmp_path / "a.csv").write_text("Time[ms],RouteID,Delay[ms],Btldr[Mbps]\n0,0,250,1000\n")
    for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "x"]):
        subprocess.run(
            ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", *command], cwd=tmp_path, check=True
        )
    with (tmp_path / "a.csv").open("a") as file:
        file.write("# not committed\n")
    subprocess.run(
        [sys.executable, "-P", "-m", "plctl.common", "run", "--no-report", "--quiet", "a.csv", "--", "true"],
        cwd=tmp_path, timeout=60, check=False,
    )  # fmt: skip
    (path,) = (tmp_path / "runs").glob("*/run.json")
    (repository,) = json.loads(path.read_text())["repositories"]
    assert (tmp_path.name, ["a.csv"], ["a.csv"]) == tuple(repository[name] for name in ("name", "files", "changed"))
    (host,) = json.loads(path.read_text())["hosts"]
    assert host["facts"]["program true"].startswith(f"{shutil.which('true')}, ")
    assert "SHA-256 " in host["facts"]["program true"]
    assert 187_500_000 == int(host["facts"]["net.ipv4.tcp_rmem"].split()[2])
    assert host["facts"]["net.ipv4.tcp_congestion_control"]
