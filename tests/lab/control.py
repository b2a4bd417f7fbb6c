"""A controller in a laboratory, on the seat of that name, with keys for the user on the workstation."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab.real_lab import RealLab, Seat

PORT = 7777
_LEAVE_S = 30
#: After it the controller must have noticed who is gone.
_SILENCE_S = 60
_PHASE_S = 60


@dataclass(frozen=True, slots=True)
class Control:
    """A controller that serves, and what it takes to use it."""

    seat: Seat
    keys: Path  #: its keys folder, in which its operator's are, too
    runs: Path
    log: Path

    @property
    def address(self) -> str:
        """Where hosts and users reach it."""
        return f"tcp://{self.seat.address}:{PORT}"

    def ask(self, *command: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """Run `plctl COMMAND…` at this controller, as its operator."""
        given = ["--controller", self.address, "--keys", str(self.keys)]
        return self.seat.run([*PLCTL, *command, *given], cwd=self.seat.home, timeout=timeout)

    def agents(self) -> dict[str, dict[str, object]]:
        """The agents that are connected, by name."""
        done = self.ask("agents", "--json")
        assert done.stdout, done.stderr
        return {agent["name"]: agent for agent in json.loads(done.stdout)["agents"] if agent["connected"]}

    def await_phase(self, phase: str) -> None:
        """Return once the newest run is in `phase`.

        :raises AssertionError: it is not after a while.
        """
        deadline = time.monotonic() + _PHASE_S
        while (found := json.loads(self.ask("show", "last", "--json").stdout)["info"]["phase"]) != phase:
            late = time.monotonic() >= deadline
            assert not late, f"the run is {found}, not {phase}: {self.ask('events', 'last').stdout}"

    def await_agents(self, names: list[str]) -> None:
        """Return once exactly the agents called `names` are connected.

        :raises AssertionError: they are not after a while.
        """
        deadline = time.monotonic() + _SILENCE_S
        while (found := sorted(self.agents())) != sorted(names):
            assert time.monotonic() < deadline, f"{found} are connected, not {names}"


#: The command under test.
PLCTL = [sys.executable, "-m", "plctl.common"]


@contextmanager
def controller(lab: RealLab) -> Iterator[Control]:
    """Within the block, a new controller with new keys serves."""
    seat = lab.controller
    folder = seat.home / "control"
    control = Control(seat, folder / "keys", folder / "runs", folder / "log")
    folder.mkdir()
    made = seat.run([*PLCTL, "controller", "init", "--keys", str(control.keys), "--operator", "ada"])
    assert made.returncode == 0, made.stderr
    serve = [*PLCTL, "controller", "--listen", f"tcp://*:{PORT}", "--keys", str(control.keys), "--runs"]
    with control.log.open("wb") as log, seat.popen([*serve, str(control.runs)], stderr=log) as process:
        try:
            yield control
        finally:
            process.terminate()
            process.wait(_LEAVE_S)
    subprocess.run(["rm", "-r", str(folder)], check=True)
