"""A controller, agents and people on the hosts of a laboratory, each a process of its own as on a real testbed."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from plctl.agent.lab.lab import Lab
from plctl.common.security.enrolment import enroll, init_controller

PLCTL = str(Path(sys.executable).with_name("plctl"))
ADDRESS = "tcp://controller:7777"
#: For what a person would wait for on a machine that is busy with other tests.
PATIENCE_SECONDS = 60.0
_CONNECTED = '"agent.connected"'


class Cluster:
    """Daemons on the hosts of `lab`; keys, results and logs are below `folder`."""

    def __init__(self, lab: Lab, folder: Path, *options: str) -> None:
        """`options` are further ones of the controller."""
        self.lab = lab
        self._options = options
        self.folder = folder
        self._daemons: list[subprocess.Popen[bytes]] = []
        init_controller(folder / "keys", "ada")
        enroll(folder / "keys", "eve", "viewer")
        for host in self.agents:
            enroll(folder / "keys", host, "agent")

    @property
    def agents(self) -> list[str]:
        """The names of the hosts that are to have an agent."""
        return [host.name for host in self.lab.hosts if host.name not in ("controller", "workstation")]

    def start(self) -> None:
        """Start the controller and an agent on every host, and wait until all know each other and their clocks."""
        keys = self.folder / "keys"
        self._daemon(
            "controller", ["controller", "--keys", str(keys), "--runs", str(self.folder / "there"), *self._options]
        )
        for host in self.agents:
            self._daemon(host, ["agent", "--controller", ADDRESS, "--keys", str(keys / "enrolled" / host)])
        log = self.folder / "controller.log"  # a command would take the CPUs from the agents that it asks about
        self.wait_for(lambda: log.read_text().count(_CONNECTED) >= len(self.agents))
        self.wait_for(lambda: [a["name"] for a in self._known() if a["bound_ns"] >= 0] == sorted(self.agents))

    def command(self, *arguments: str, who: str = "") -> list[str]:
        """The command line of a person at the workstation: the operator, or `who` was enrolled."""
        keys = self.folder / "keys" / (f"enrolled/{who}" if who else "")
        told = ["env", f"PLCTL_CONTROLLER={ADDRESS}", f"PLCTL_KEYS={keys}", "COLUMNS=200"]
        return self.lab.host("workstation").command([*told, PLCTL, *arguments])

    def plctl(self, *arguments: str, who: str = "") -> subprocess.CompletedProcess[str]:
        """What such a command says and ends with."""
        return subprocess.run(
            self.command(*arguments, who=who), capture_output=True, text=True, cwd=self.folder, check=False
        )

    def ask(self, *arguments: str) -> Any:
        """What such a command says in JSON; it must end well."""
        done = self.plctl(*arguments, "--json")
        assert 0 == done.returncode, done.stderr
        return json.loads(done.stdout)

    def wait_for(self, condition: Any) -> None:
        """Return once `condition()` is true; fails after `PATIENCE_SECONDS` with what the daemons have logged."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            assert time.monotonic() < deadline, self.logs()
            time.sleep(0.05)  # between two looks

    def logs(self) -> str:
        """What the daemons have said so far."""
        return "\n".join(f"--- {log.name}\n{log.read_text()}" for log in sorted(self.folder.glob("*.log")))

    def close(self) -> None:
        """End the daemons, the agents first."""
        for daemon in reversed(self._daemons):
            daemon.terminate()
        for daemon in self._daemons:
            with contextlib.suppress(subprocess.TimeoutExpired):
                daemon.wait(PATIENCE_SECONDS)
            if daemon.poll() is None:
                daemon.kill()
                daemon.wait()

    def _known(self) -> list[dict[str, Any]]:
        done = self.plctl("agents", "--json")
        return json.loads(done.stdout)["agents"] if done.returncode == 0 else []

    def _daemon(self, host: str, arguments: Sequence[str]) -> None:
        with (self.folder / f"{host}.log").open("wb") as log:
            self._daemons.append(
                self.lab.host(host).popen([PLCTL, *arguments], stdout=log, stderr=log, cwd=self.folder, env=os.environ)
            )


@contextmanager
def running(lab: Lab, folder: Path, *options: str) -> Iterator[Cluster]:
    """A cluster on the hosts of `lab` for as long as the block; `options` are further ones of the controller."""
    cluster = Cluster(lab, folder, *options)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.close()
