"""A cluster in a laboratory: `plctl controller` and `plctl agent` on their hosts, and a user at the workstation."""

from __future__ import annotations

import contextlib
import json
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plctl.agent.lab.lab import Lab
from plctl.common.security.enrolment import enroll, init_controller
from plctl.controller.results.run_record import RunRecord, from_json

PORT = 7777
UP_SECONDS = 90.0
LEAVE_SECONDS = 60.0


@dataclass(frozen=True)
class Cluster:
    """A controller and an agent on every other host, up and known to each other."""

    lab: Lab
    folder: Path
    address: str

    def ask(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run `plctl COMMAND…` at the workstation, as the operator; `--json` is added."""
        given = ("--json", "--controller", self.address, "--keys", str(self.folder / "keys"))
        return self.lab.host("workstation").run(["plctl", *command, *given], cwd=self.folder)

    def agents(self) -> dict[str, dict[str, Any]]:
        """What `plctl agents` says of those that are connected, by name."""
        said = self.ask("agents")
        assert said.stdout, said.stderr
        return {agent["name"]: agent for agent in json.loads(said.stdout)["agents"] if agent["connected"]}

    def run(self, spec: str) -> RunRecord:
        """Run `spec` (YAML) to its end; what its run.json says."""
        (self.folder / "spec.yaml").write_text(spec)
        said = self.ask("run", "spec.yaml")
        assert said.stdout, said.stderr
        run = json.loads(said.stdout)["run"]
        return from_json((self.folder / "runs" / run / "run.json").read_text())

    def real_offset_ns(self, host: str) -> int:
        """The controller's clock − that of `host`: exact, for one kernel keeps both."""
        return self.lab.host("controller").monotonic_offset_ns - self.lab.host(host).monotonic_offset_ns

    def real_skew_ns(self, record: RunRecord) -> int:
        """How far apart the first and the last link started, by the clock of the kernel that all hosts share."""
        return self._spread_ns(record, [link.started_ns for link in record.links])

    def real_t0_spread_ns(self, record: RunRecord) -> int:
        """How far apart the links' T0 are, whenever the forwarders noticed: from there on scenario time counts."""
        return self._spread_ns(record, [link.planned_ns for link in record.links])

    def _spread_ns(self, record: RunRecord, at_ns: list[int | None]) -> int:
        """Of an instant of each link, each on its own host's clock."""
        real = [
            at - self.lab.host(link.host).monotonic_offset_ns
            for link, at in zip(record.links, at_ns, strict=True)
            if at is not None
        ]
        assert len(record.links) == len(real), record.cause
        return max(real) - min(real)


@contextlib.contextmanager
def cluster(lab: Lab, folder: Path, *options: str) -> Iterator[Cluster]:
    """The cluster on `lab`, keys and results in `folder`; agents are started with `options`."""
    keys = folder / "keys"
    init_controller(keys, "ada")
    control = lab.host("controller")
    made = Cluster(lab, folder, f"tcp://{control.design.ipv4}:{PORT}")
    names = [host.name for host in lab.hosts if host.name.startswith("h")]
    with contextlib.ExitStack() as stack, (folder / "log").open("wb") as log:
        serve = ["plctl", "controller", "--listen", f"tcp://*:{PORT}", "--keys", str(keys), "--runs", "runs"]
        stack.callback(_end, control.popen(serve, cwd=folder, stderr=log))
        for name in names:
            enroll(keys, name, "agent")
            join = ["plctl", "agent", "--controller", made.address, "--keys", str(keys / "enrolled" / name), *options]
            stack.callback(_end, lab.host(name).popen(join, stderr=log))
        _await(made, names)
        yield made


def _await(cluster: Cluster, names: list[str]) -> None:
    """Return once all agents are there and know the controller's clock."""
    log = cluster.folder / "log"
    limit = time.monotonic() + UP_SECONDS
    while "controller.listening" not in log.read_text():
        assert time.monotonic() < limit, log.read_text()
        time.sleep(0.05)
    while log.read_text().count('"agent.connected"') < len(names):  # a command would take the CPUs from the agents
        assert time.monotonic() < limit, log.read_text()
        time.sleep(0.05)
    while sum(agent["bound_ns"] >= 0 for agent in cluster.agents().values()) < len(names):
        assert time.monotonic() < limit, log.read_text()


def _end(process: subprocess.Popen[bytes]) -> None:
    """Have it take everything away and leave."""
    process.terminate()
    process.wait(LEAVE_SECONDS)
