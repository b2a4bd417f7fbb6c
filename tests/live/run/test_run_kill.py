"""SIGKILL of any part of a run at any moment leaves nothing that the next start does not remove."""

from __future__ import annotations

import contextlib
import json
import math
import os
import random
import select
import signal
import subprocess
import sys
import time
from glob import glob
from pathlib import Path

import pytest

from plctl.agent.kernel.link_namespaces import NETNS_DIR

PLCTL = [sys.executable, "-m", "plctl.common"]
ROUNDS = 8  #: per victim
#: A victim is killed at most so much of a victim's life after its start: from before its first act to after its last.
SPAN = 1.1
#: Whoever only waits leaves the CPUs to the run for so long.
LOOK_EVERY_S = 0.002

SPEC = """
name: victim
duration: 300ms
links:
  - name: x
    count: 2
    scenario: flat.csv
    workload:
      - {at: server, command: sleep 60}
      - {at: client, command: "sleep 30 & sleep 40", start: 0s}
"""


def children(pid: int) -> list[int]:
    """The processes that `pid` started itself."""
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def victim_of(cli: int, who: str) -> int | None:
    """The pid of the CLI, of its agent, or of its agent's forwarder, if it lives yet."""
    if who == "cli":
        return cli
    agent = child_that_runs(b"plctl.agent", cli)
    return agent if who == "agent" or not agent else child_that_runs(b"plctl.agent.forwarder.process", agent)


def child_that_runs(module: bytes, parent: int) -> int | None:
    """The child of `parent` that runs a Python module: the CLI may start others, which soon end."""
    return next((pid for pid in children(parent) if module in command_line(pid).split(b"\0")), None)


def command_line(pid: int) -> bytes:
    """What `pid` runs; empty if it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def agents_of(state: Path) -> list[int]:
    """Agents that were started with this state folder, also those that have not made anything yet."""
    mark = b"PLCTL_STATE_DIR=" + bytes(state)
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it ended just now
            if mark in (entry / "environ").read_bytes().split(b"\0") and b"plctl.agent" in command_line(
                int(entry.name)
            ):
                found.append(int(entry.name))
    return found


def wait_for_end(pid: int) -> None:
    """Return when a process that is not ours has ended; who reads all of /proc meanwhile takes a CPU from it."""
    with contextlib.suppress(ProcessLookupError):
        pidfd = os.pidfd_open(pid)
        try:
            select.select([pidfd], [], [])
        finally:
            os.close(pidfd)


def clean_up(state: Path) -> None:
    """`plctl clean`, once an agent that was not killed has taken its links away by itself."""
    while agents := agents_of(state):
        for agent in agents:
            wait_for_end(agent)
    while True:
        cleaned = subprocess.run([*PLCTL, "clean", "--json"], capture_output=True, text=True, timeout=60, check=False)
        assert 0 == cleaned.returncode, cleaned.stdout + cleaned.stderr
        if not json.loads(cleaned.stdout)["left"]:
            return


def namespaces_in_ledgers(state: Path) -> set[str]:
    """Every namespace that a ledger names or ever named: they are named before they are made."""
    found = set()
    for path in glob(f"{state}/*/ledger.jsonl"):  # noqa: PTH207  (Path.glob fails where a folder vanishes)
        with contextlib.suppress(FileNotFoundError):  # its owner has left
            facts = [json.loads(line) for line in Path(path).read_text().splitlines(keepends=True) if "\n" in line]
            found |= {fact["name"] for fact in facts if fact.get("made") == "netns"}
    return found


def processes_of(state: Path) -> list[str]:
    """Command lines of all processes that carry the mark of an owner in `state`."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                environment = (entry / "environ").read_bytes().split(b"\0")
            except OSError:
                continue
            if any(v.startswith(b"PLCTL_OWNER=" + bytes(state)) for v in environment):
                found.append(f"{entry.name}: {command_line(int(entry.name))!r}")
    return found


@pytest.mark.timeout(300)
@pytest.mark.parametrize("who", ["cli", "agent", "forwarder"])
def test_whoever_is_killed_the_next_start_cleans_up(who: str, tmp_path: Path, state: Path) -> None:
    """After SIGKILL of one part at a random moment, and then `plctl clean`, no object of the run exists."""
    moments = random.Random(f"plctl {who}")
    (tmp_path / "flat.csv").write_text("Time[ms],RouteID,Delay[ms],Btldr[Mbps]\n0,0,1,10\n500,0,2,10\n")
    (tmp_path / "victim.yaml").write_text(SPEC)
    command = [*PLCTL, "run", "victim.yaml", *(() if who == "cli" else ("--no-report",))]  # the CLI draws it, by itself
    seen: set[str] = set()
    killed = 0
    whole_s = 0.0  #: the life of the last victim that ended by itself
    for number in range(ROUNDS + 1):
        cli = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        victim = None
        while cli.poll() is None and not (victim := victim_of(cli.pid, who)):
            time.sleep(LOOK_EVERY_S)
        # The first run is left alone: on however slow a machine, one gets as far as making namespaces. And it tells how
        # long a victim lives here, as does each that ended before its moment: later ones may live for shorter.
        born = time.monotonic()
        life_s = moments.uniform(0, SPAN * whole_s) if number else math.inf
        seen_s = 0.0
        while (lived_s := time.monotonic() - born) < life_s and cli.poll() is None:
            seen |= namespaces_in_ledgers(state)
            if victim == victim_of(cli.pid, who):
                seen_s = lived_s
            time.sleep(LOOK_EVERY_S)
        if victim and cli.poll() is None and victim == victim_of(cli.pid, who):
            os.kill(victim, signal.SIGKILL)
            killed += 1
        else:
            whole_s = seen_s or whole_s
        _, errors = cli.communicate(timeout=100)
        assert "Traceback" not in errors
        assert number or seen, f"no namespace was made in a run that was left alone:\n{errors}"
        seen |= namespaces_in_ledgers(state)
        clean_up(state)
        assert [] == [folder.name for folder in state.iterdir() if folder.is_dir()]
        assert [] == processes_of(state)
        assert set() == seen & {path.name for path in NETNS_DIR.iterdir()}
    assert killed > ROUNDS // 2, "the moments missed the run"
