"""What carries a link's frames: as asked for, and said in the log, in run.json and in the report."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from support.refused_sockets import refuse_sockets

PLCTL = [sys.executable, "-m", "plctl.common"]
AF_XDP = 44


def run(folder: Path, *options: str, without_xdp: bool = False) -> tuple[subprocess.CompletedProcess[str], Any]:
    """A short run's end, and the record of its only link."""
    (folder / "still.csv").write_text("Time[ms],RouteID,Delay[ms],Btldr[Mbps]\n0,0,5,10\n")
    finished = subprocess.run(
        [*PLCTL, "run", "still.csv", "--duration", "1s", "--json", *options],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        preexec_fn=partial(refuse_sockets, AF_XDP) if without_xdp else None,
    )
    (made,) = (folder / "runs").iterdir()
    events = [json.loads(line) for line in (made / "events.jsonl").read_text().splitlines()]
    (link,) = json.loads((made / "run.json").read_text())["links"]
    assert [each["io"] for each in events if each["event"] == "link.built"] == [link["io"]] * bool(link["io"])
    assert f"Frames carried by {link['io']}" in (made / "report.html").read_text() or not link["io"]
    return finished, link


@pytest.mark.parametrize("io", ["packet", "xdp"])
def test_what_is_asked_for_is_done(io: str, tmp_path: Path) -> None:
    """`--io packet` and `--io xdp` mean just that."""
    _, link = run(tmp_path, "--io", io)
    assert io == link["io"]


def test_auto_does_without_xdp_where_the_kernel_has_none(tmp_path: Path) -> None:
    """The run goes on over packet sockets, and the record says why."""
    _, link = run(tmp_path, without_xdp=True)
    assert link["verdict"] in ("ok", "late", "skewed")
    assert link["io"].startswith("packet (cannot open an XDP socket for sim-veth1 in ")
    assert link["io"].endswith(": Address family not supported by protocol)")


def test_xdp_alone_fails_where_the_kernel_has_none(tmp_path: Path) -> None:
    """Who insists gets a sentence and status 1, not something else."""
    finished, link = run(tmp_path, "--io", "xdp", without_xdp=True)
    assert (1, "failed", "") == (finished.returncode, link["verdict"], link["io"])
    assert "cannot open an XDP socket" in link["cause"]
    assert "Traceback" not in finished.stderr
