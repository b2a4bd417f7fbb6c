"""SIGKILL of any part of a laboratory at any moment leaves nothing that `plctl lab down` does not remove."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from plctl.agent.kernel.namespace import NETNS_DIR
from plctl.agent.lab.folder import DESIGN_NAME, find_keeper
from plctl.agent.lab.lab import take_down
from plctl.agent.ownership import processes
from plctl.agent.ownership.ledger import OWNER_VARIABLE, read_entries
from plctl.common.host.state import LEDGER_NAME

PLCTL = [sys.executable, "-m", "plctl.common", "lab"]
ROUNDS = 6  #: per victim
#: Whoever only waits leaves the CPUs to the laboratory for so long.
LOOK_EVERY_S = 0.002
#: How long after the victim's own first moment it is killed, at most, in parts of what `lab up` takes on this machine.
SPAN = {"up": 1.2, "keeper": 1.0, "host": 0.6, "forwarder": 0.3}


def victims(who: str, up: int, folder: Path) -> list[int]:
    """The pids of `who` that live now: `lab up` itself, its keeper, or what the ledger calls so."""
    if who == "up":
        return [up]
    if who == "keeper":
        return [keeper.pid] if (keeper := find_keeper(folder)) else []
    entries = [entry for entry in read_entries(folder / LEDGER_NAME) if entry.kind == "process"]
    return [entry.facts["pid"] for entry in entries if entry.name.partition(" ")[0] == who]


def alive_of(folder: Path, names: set[str]) -> list[str]:
    """What still exists of the laboratory: processes, namespaces, its folder."""
    marked = [p.pid for p in processes.living() if processes.has_variable(p.pid, OWNER_VARIABLE, str(folder))]
    left = [path.name for path in NETNS_DIR.iterdir() if path.name in names]
    return [*map(str, marked), *left, *([folder.name] if folder.exists() else [])]


@pytest.fixture
def name(state: Path, unique: str) -> Iterator[str]:
    """Of a laboratory that does not exist, and will not afterwards, should the test fail."""
    assert state.is_dir()
    yield unique
    take_down(unique)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("who", ["up", "keeper", "host", "forwarder"])
def test_whoever_is_killed_down_leaves_nothing(who: str, state: Path, name: str) -> None:
    """At random moments before, while and after the laboratory comes up."""
    moments = random.Random(f"lab {who}")
    folder = state / f"lab-{name}"
    names = {f"pl-lab-{name}-{part}" for part in ("switch", "h1", "h1-link", "h2", "controller", "workstation")}
    killed = 0
    met: set[tuple[int, bool]] = set()  #: how many things stood, and whether all did
    command = [*PLCTL, "up", "2", "--name", name, "--delay", "h1=1ms"]
    began = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=60)
    span_s = SPAN[who] * (time.monotonic() - began)
    met.add((len(read_entries(folder / LEDGER_NAME)), (folder / DESIGN_NAME).exists()))
    subprocess.run([*PLCTL, "down", "--name", name], check=True, stdout=subprocess.DEVNULL, timeout=60)
    for _ in range(ROUNDS):
        up = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        while not victims(who, up.pid, folder) and up.poll() is None:
            time.sleep(LOOK_EVERY_S)
        time.sleep(moments.uniform(0, span_s))  # the moment itself, not a condition
        pids = victims(who, up.pid, folder)
        if pids and not (who == "up" and up.poll() is not None):
            with contextlib.suppress(ProcessLookupError):
                os.kill(moments.choice(pids), signal.SIGKILL)
                killed += 1
        met.add((len(read_entries(folder / LEDGER_NAME)), (folder / DESIGN_NAME).exists()))
        _, errors = up.communicate(timeout=60)
        assert "Traceback" not in errors, errors
        down = None
        while down is None or "try again" in down.stderr:  # the keeper was born this very moment
            down = subprocess.run(
                [*PLCTL, "down", "--name", name], capture_output=True, text=True, timeout=60, check=False
            )
        assert 0 == down.returncode, down.stderr
        assert [] == alive_of(folder, names)
    assert killed >= ROUNDS // 3, "the moments missed the laboratory"
    assert len(met) > 1, f"the kills must meet different states, but met only {met}"
