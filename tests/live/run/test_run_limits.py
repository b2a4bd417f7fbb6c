"""What the doctor says that there is, is what a run gets; more is refused with the sum before anything is built."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from support.running import await_condition, find_forwarder

from plctl.agent.run.host_check import AGENT_FILES, FORWARDER_FILES, OTHER_FILES, WORKLOAD_FILES

PLCTL = [sys.executable, "-m", "plctl.common"]
LIMIT_BYTES = 409_600_000  #: whole pages, as the kernel has it
LINKS = 10


@pytest.fixture
def group(unique: str, tmp_path: Path) -> Iterator[Path]:
    """A control group whose processes may have 410 MB together, of whichever version this machine has."""
    base, limit = tmp_path / "groups", "memory.limit_in_bytes"
    base.mkdir()
    if subprocess.run(["mount", "-t", "cgroup", "-o", "memory", "none", str(base)], check=False).returncode:
        subprocess.run(["mount", "-t", "cgroup2", "none", str(base)], check=True)
        (base / "cgroup.subtree_control").write_text("+memory")
        limit = "memory.max"
    folder = base / unique
    folder.mkdir()
    (folder / limit).write_text(str(LIMIT_BYTES))
    yield folder
    folder.rmdir()
    subprocess.run(["umount", str(base)], check=True)


def enter(group: Path) -> None:
    """Become a member of `group`, with all that is started from here on."""
    (group / "cgroup.procs").write_text(str(os.getpid()))


def run(folder: Path, *arguments: str, group: Path) -> subprocess.CompletedProcess[str]:
    """Run plctl in `group`."""
    return subprocess.run(
        [*PLCTL, *arguments], cwd=folder, capture_output=True, text=True, timeout=100, check=False,
        preexec_fn=partial(enter, group),
    )  # fmt: skip


def test_a_control_groups_memory_is_what_doctor_and_runs_know(tmp_path: Path, group: Path) -> None:
    """A link that would hold a gigabyte of frames is refused; the kernel has nobody to kill."""
    (tmp_path / "big.csv").write_text("Time[ms],RouteID,Delay[ms],Btldr[Mbps]\n0,0,40000,200\n")

    doctor = run(tmp_path, "doctor", group=group)
    done = run(tmp_path, "run", "big.csv", "--duration", "2s", group=group)

    (memory,) = [line for line in doctor.stdout.splitlines() if line[2:].startswith("memory ")]
    assert f"of 409.6 MB available (limit of control group /{group.name})" in memory
    assert done.returncode == 1
    sums = re.search(r"1 link may hold 8.116 GB of frames, and this host has ([0-9.]+) MB left for that", done.stdout)
    assert sums, done.stdout + done.stderr
    assert 0 < float(sums[1]) <= LIMIT_BYTES / 2e6
    (made,) = (tmp_path / "runs").iterdir()
    events = [json.loads(line)["event"] for line in (made / "events.jsonl").read_text().splitlines()]
    assert "link.built" not in events
    assert "forwarder.started" not in events


def test_no_process_needs_more_descriptors_than_it_is_taken_to(tmp_path: Path, state_folder: Path) -> None:
    """The agent's and the forwarder's, with two programs a link; programs have the limit plctl came with."""
    (tmp_path / "a.csv").write_text("Time[ms],RouteID,Delay[ms],Btldr[Mbps]\n0,0,5,20\n")
    workloads = "[{at: server, command: 'ulimit -Sn; sleep 60'}, {at: client, command: sleep 60, start: 0s}]"
    links = f"[{{name: l, count: {LINKS}, scenario: a.csv, workload: {workloads}}}]"
    (tmp_path / "s.yaml").write_text(f"name: q\nlinks: {links}\n")
    script = f"ulimit -Sn 1000; exec {sys.executable} -m plctl.common run s.yaml --duration 60s"
    process = subprocess.Popen(
        ["sh", "-c", script], cwd=tmp_path, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    runs = tmp_path / "runs"
    await_condition(lambda: any("run.running" in log.read_text() for log in runs.glob("*/events.jsonl")), process)

    forwarder = find_forwarder(state_folder)
    agent = int(Path(f"/proc/{forwarder}/stat").read_text().rpartition(")")[2].split()[1])
    has = {pid: len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in (agent, forwarder)}
    process.terminate()
    process.communicate(timeout=60)

    assert has[forwarder] <= OTHER_FILES + LINKS * FORWARDER_FILES
    assert has[agent] <= OTHER_FILES + LINKS * (AGENT_FILES + 2 * WORKLOAD_FILES)
    assert has[forwarder] > 2 * LINKS
    assert has[agent] > LINKS * AGENT_FILES
    (said,) = {path.read_text() for path in runs.glob("*/artifacts/*/server.stdout")}
    assert said == "1000\n"
