"""A run whose forwarder stops working says so, with the moment, and ends in time with nothing left."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from support.running import await_condition, find_forwarder, stopped

from plctl.agent.kernel.link_namespaces import NETNS_DIR

PLCTL = [sys.executable, "-m", "plctl.common"]
SPEC = """
name: stopped
duration: 2s
budget: {lateness: 20ms, skew: 500ms, workload: 2s}
links:
  - name: short
    scenario: short.csv
    packets: true
    workload:
      - {name: client, at: client, command: [sh, -c, "echo begun; exec ping -i 0.01 {server}"], start: 0s}
"""
SCENARIO = "Time[ms],RouteID,Delay[ms],Btldr[Mbps]\n0,0,5,20\n"


@pytest.fixture
def run(tmp_path: Path) -> subprocess.Popen[str]:
    """A run of two seconds that has begun, in a folder of its own."""
    (tmp_path / "short.csv").write_text(SCENARIO)
    (tmp_path / "spec.yaml").write_text(SPEC)
    process = subprocess.Popen(
        [*PLCTL, "run", "spec.yaml", "--no-report", "--json"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    await_condition(lambda: any(tmp_path.glob("runs/*/artifacts/short/client.stdout")), process)
    return process


def link_of(run: subprocess.Popen[str]) -> dict[str, Any]:
    """What became of its only link, once it has ended."""
    out, errors = run.communicate(timeout=60)
    assert 1 == run.returncode, errors
    (link,) = json.loads(out)["links"]
    found: dict[str, Any] = link
    return found


def events(folder: Path, name: str) -> list[dict[str, Any]]:
    """Those of the only run below `folder` that are called `name`."""
    (log,) = folder.glob("runs/*/events.jsonl")
    return [event for event in map(json.loads, log.read_text().splitlines()) if event["event"] == name]


def test_a_forwarder_that_never_works_again_is_ended(
    run: subprocess.Popen[str], state_folder: Path, tmp_path: Path
) -> None:
    """Its link has failed, and since when is said; no namespace is left, and nobody waited for it for long."""
    (link_built,) = events(tmp_path, "link.built")
    built = [NETNS_DIR / (link_built["netns"].removesuffix("link") + end) for end in ("client", "link", "server")]
    assert all(path.exists() for path in built)
    forwarder = find_forwarder(state_folder)
    with stopped(forwarder):
        stopped_s = time.monotonic()
        link = link_of(run)
    assert "failed" == link["verdict"]
    assert "did not answer within" in link["cause"]
    assert "its last sign of life was" in link["cause"]
    assert "after T0" in link["cause"]
    assert not [words for words in link["also"] if "XDP" in words]  # the kernel takes those of a dead process away
    assert time.monotonic() - stopped_s < 20
    assert [] == [path for path in built if path.exists()]
    assert not Path(f"/proc/{forwarder}").exists()


@pytest.mark.undisturbed
def test_a_stop_in_mid_run_is_told(run: subprocess.Popen[str], state_folder: Path, tmp_path: Path) -> None:
    """Of more than twenty budgets: the link is late, the moment and the length are in the cause and in an event."""
    forwarder = find_forwarder(state_folder)
    with stopped(forwarder):
        stopped_ns = time.monotonic_ns()
        while time.monotonic_ns() < stopped_ns + 500_000_000:
            time.sleep(0.001)  # it is the stop that has to last
    link = link_of(run)
    assert "late" == link["verdict"]
    told = [link["cause"], *link["also"]]
    assert any("the forwarder did nothing for " in words and " after T0 on" in words for words in told)
    longest = max(events(tmp_path, "worker.stalled"), key=lambda event: event["length_ns"])
    assert 450_000_000 < longest["length_ns"] < 800_000_000
    assert abs(longest["begin_ns"] - stopped_ns) < 50_000_000
