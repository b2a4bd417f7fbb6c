"""A real controller and real agents on this machine's loopback, each a process of its own, to be killed at will."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from plctl.common.security.enrolment import enroll, init_controller

PLCTL = [sys.executable, "-m", "plctl.common"]
_PATIENCE_S = 60.0
_LISTENS = '"controller.listening"'
_CONNECTED = '"agent.connected"'


class LoopbackCluster:
    """A controller and its agents; made by `loopback_cluster`."""

    def __init__(self, folder: Path, agents: tuple[str, ...], options: tuple[str, ...] = ()) -> None:
        """`options` are further ones of the controller."""
        self.folder = folder
        self._options = options
        self.runs = folder / "runs"
        self.keys = folder / "keys"
        self._agents = agents
        self._processes: list[subprocess.Popen[bytes]] = []
        self._controller: subprocess.Popen[bytes] | None = None
        init_controller(self.keys, "ada")
        for name in agents:
            enroll(self.keys, name, "agent")
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
        self._reach = {**os.environ, "PLCTL_KEYS": str(self.keys), "PLCTL_CONTROLLER": self.address}

    def start_controller(self) -> None:
        """Start it, also after it was killed, and wait until it listens."""
        log_path = self.folder / "controller.log"
        lives = log_path.read_text().count(_LISTENS) if log_path.exists() else 0
        places = ("--listen", self.address, "--keys", str(self.keys), "--runs", str(self.runs))
        with log_path.open("ab") as log:
            self._controller = subprocess.Popen([*PLCTL, "controller", *places, *self._options], stderr=log)
        self.until(lambda: log_path.read_text().count(_LISTENS) > lives)

    def kill_controller(self) -> None:
        """SIGKILL."""
        assert self._controller is not None
        self._controller.kill()
        self._controller.wait()

    @property
    def controller_pid(self) -> int:
        """Of its process."""
        assert self._controller is not None
        return self._controller.pid

    def start_agents(self) -> None:
        """Start them, and wait until the controller has heard each."""
        for name in self._agents:
            keys = self.keys / "enrolled" / name
            with (self.folder / f"{name}.log").open("ab") as log:
                arguments = ("agent", "--controller", self.address, "--keys", str(keys))
                self._processes.append(subprocess.Popen([*PLCTL, *arguments], stderr=log))
        log = self.folder / "controller.log"  # a command would take the CPUs from the agents that it asks about
        self.until(lambda: log.read_text().count(_CONNECTED) >= len(self._agents))
        assert len(self._agents) == sum(agent["connected"] for agent in self.ask("agents")["agents"])

    def plctl(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command as the operator gives it."""
        return subprocess.run(
            [*PLCTL, *arguments], env=self._reach, cwd=self.folder, capture_output=True, text=True, check=False
        )

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """A command as the operator gives it, which goes on."""
        pipe = subprocess.PIPE
        return subprocess.Popen([*PLCTL, *arguments], env=self._reach, stdout=pipe, stderr=pipe, text=True)

    def ask(self, *arguments: str) -> Any:
        """What a command prints with --json."""
        done = self.plctl(*arguments, "--json")
        assert 0 == done.returncode, done.stderr
        return json.loads(done.stdout)

    def submit(self, spec: Path) -> Path:
        """Begin a run and leave it; its folder with the controller."""
        done = self.plctl("run", str(spec), "--detach", "--json")
        assert 0 == done.returncode, done.stderr
        return self.runs / json.loads(done.stdout)["run"]

    def until(self, condition: Callable[[], bool]) -> None:
        """Return once `condition` holds, or fail with what the controller said."""
        deadline = time.monotonic() + _PATIENCE_S
        while not condition():
            assert time.monotonic() < deadline, (self.folder / "controller.log").read_text()[-4000:]
            time.sleep(0.005)

    def until_happened(self, run: Path, event: str) -> None:
        """Return once `event` is in the log of `run`."""
        self.until(lambda: f'"{event}"' in (run / "events.jsonl").read_text())

    def stop(self) -> None:
        """End everything in good order; the agents take their links away."""
        for process in (*self._processes, *([self._controller] if self._controller else [])):
            process.send_signal(signal.SIGTERM)
        for process in (*self._processes, *([self._controller] if self._controller else [])):
            process.wait(_PATIENCE_S)

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Controller and agents serve for the time of the block."""
        try:
            self.start_controller()
            self.start_agents()
            yield
        finally:
            self.stop()


@contextmanager
def loopback_cluster(folder: Path, *agents: str) -> Iterator[LoopbackCluster]:
    """A cluster whose controller and agents serve for the time of the block."""
    made = LoopbackCluster(folder, agents)
    with made.serving():
        yield made
