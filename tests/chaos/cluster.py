"""The daemons on the hosts, started, killed and started again, as a service manager would; and the user's orders."""

from __future__ import annotations

import json
import signal
import struct
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from truth.world import Process, await_it, descendants

from chaos.hosts import Hosts
from plctl.common.security.enrolment import enroll, init_controller

CONTROLLER = "controller"
#: What programs/wall.c reads: two shifts (ns ahead, ppb too fast, since when), before and from an instant on.
WALL = struct.Struct("=7q")
PORT = 7777
JOURNAL = "controller.sqlite"
#: The exit status of a daemon whose input is wrong.
REFUSED = 2
#: A daemon that ended by itself is started again after so long.
RESTART_S = 0.5
UP_S = 90.0
_LEAVE_S = 30.0
#: In the order of the command line of each part of plctl.
PARTS = {
    "controller": ("plctl", "controller"),
    "agent": ("plctl", "agent"),
    "forwarder": ("plctl.agent.forwarder.process",),
    "gate": ("gate.py", "witness.py"),
    "workload": ("witness.py",),
    "finisher": ("plctl.controller.report.finishing",),
}


@dataclass
class Daemon:
    """A controller or an agent, over all its lives."""

    host: str
    command: list[str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    held_down: bool = False  #: by a fault, which starts it again
    ended_ns: int = 0
    ends: list[tuple[int, int]] = field(default_factory=list)  #: that nobody ordered: when (CLOCK_MONOTONIC), status
    left: list[tuple[int, str]] = field(default_factory=list)  #: in good order, but not as it should: when, and how


class Cluster:
    """A controller and an agent on every host; `tend` has what ended by itself started again."""

    def __init__(self, hosts: Hosts, folder: Path, environment: dict[str, str]) -> None:
        self.hosts = hosts
        self.folder = folder
        self.runs = folder / "runs"
        self._environment = environment
        self._stack = ExitStack()
        self.has_cut_journal = False  #: which the controller may refuse, also later
        keys = folder / "keys"
        init_controller(keys, "ada")
        self.runs.mkdir()
        (folder / "logs").mkdir()
        address = hosts.lab.host(CONTROLLER).design.ipv4
        self.address = f"tcp://{address}:{PORT}"
        serve = ["plctl", "controller", "--listen", f"tcp://*:{PORT}", "--keys", str(keys), "--runs", str(self.runs)]
        self.daemons = {CONTROLLER: Daemon(CONTROLLER, serve, folder / "logs/controller")}
        for name in hosts.names:
            enroll(keys, name, "agent")
            join = ["plctl", "agent", "--controller", self.address, "--keys", str(keys / "enrolled" / name)]
            self.daemons[name] = Daemon(name, join, folder / "logs" / name)
            self.wall_file(name).write_bytes(bytes(WALL.size))
        self.wall_file(CONTROLLER).write_bytes(bytes(WALL.size))
        source = Path(__file__).parent / "programs/wall.c"
        build = ["gcc", "-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror"]
        subprocess.run([*build, "-o", str(folder / "wall.so"), str(source), "-ldl"], check=True, capture_output=True)
        self.user: User

    def __enter__(self) -> Self:
        for daemon in self.daemons.values():
            self.start(daemon.host)
        self._stack.callback(self.stop)
        self.user = self._stack.enter_context(User(self))
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def await_up(self) -> None:
        """Return once every agent has said hello, and the user been answered."""
        await_it(lambda: len(self.connected()) == len(self.hosts.names) or None, "all agents", UP_S)

    def connected(self) -> list[str]:
        """The agents that the controller hears."""
        answer = self.user.ask("agents")
        return [agent["name"] for agent in answer.get("agents", ()) if agent["connected"]]

    def start(self, host: str) -> None:
        """Begin another life of the daemon on `host`."""
        daemon = self.daemons[host]
        daemon.held_down = False
        environment = self._environment | {
            "LD_PRELOAD": str(self.folder / "wall.so"), "PLCTL_CHAOS_WALL": str(self.wall_file(host)),
        }  # fmt: skip
        with daemon.log.open("ab") as log:
            daemon.process = self.hosts.lab.host(host).popen(
                daemon.command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True, env=environment,
            )  # fmt: skip

    def tend(self) -> None:
        """Note who ended although nobody ordered it, and start it again after a while."""
        for daemon in self.daemons.values():
            if daemon.process is None or daemon.process.poll() is None or daemon.held_down:
                continue
            if not daemon.ended_ns:
                daemon.ended_ns = time.monotonic_ns()
                daemon.ends.append((daemon.ended_ns, daemon.process.returncode))
            elif time.monotonic_ns() > daemon.ended_ns + RESTART_S * 1e9:
                if daemon.host == CONTROLLER and self.has_cut_journal and daemon.process.returncode == REFUSED:
                    self.move_journal_away()
                daemon.ended_ns = 0
                self.start(daemon.host)

    def daemon(self, host: str) -> Process | None:
        """The process itself, not the one that stands for it here."""
        standing = self.daemons[host].process
        if standing is None or standing.poll() is not None:
            return None
        found = descendants(standing.pid)
        return Process.find(found[0]) if found else None

    def end(self, host: str, number: signal.Signals) -> None:
        """End the daemon on `host` by a signal, and keep it down."""
        daemon = self.daemons[host]
        daemon.held_down = True
        if process := self.daemon(host):
            process.send(number)
        if daemon.process:
            try:
                status = daemon.process.wait(_LEAVE_S)
                # One that had just been started again has no handler yet, and has made nothing.
                if number == signal.SIGTERM and status not in (0, -signal.SIGTERM):
                    daemon.left.append((time.monotonic_ns(), f"ended with status {status}"))
            except subprocess.TimeoutExpired:
                daemon.left.append((time.monotonic_ns(), f"was still there {_LEAVE_S:g} s later"))
            finally:
                daemon.process.kill()
                daemon.process.wait()

    def part(self, host: str, name: str) -> list[Process]:
        """The processes on `host` that are this part of plctl."""
        found = self.hosts.find(host, *PARTS[name])
        if name == "workload":
            gates = self.hosts.find(host, "gate.py")
            return [process for process in found if process not in gates]
        return found

    def move_journal_away(self) -> None:
        """As somebody does whose controller refuses it by name."""
        for path in self.hosts.root(CONTROLLER, self.runs).glob(f"{JOURNAL}*"):
            path.rename(path.with_name("away-" + path.name))

    def wall_file(self, host: str) -> Path:
        """What shifts the wall clock of the daemon on `host`, see programs/wall.c."""
        return self.folder / f"wall-{host}"

    def monotonic_ns(self, host: str) -> int:
        """CLOCK_MONOTONIC as `host` reads it now."""
        return time.monotonic_ns() + self.hosts.lab.host(host).monotonic_offset_ns

    def log(self, host: str) -> str:
        """What the daemon of `host` has said in all its lives."""
        path = self.daemons[host].log
        return path.read_text(errors="replace") if path.exists() else ""

    def stop(self) -> None:
        """End all daemons in good order, agents first."""
        for host in reversed(self.daemons):
            if (process := self.daemon(host)) is not None:
                process.send(signal.SIGCONT)
                self.daemons[host].held_down = True
        for host in [*self.hosts.names, CONTROLLER]:
            self.end(host, signal.SIGTERM)


class User:
    """Gives orders at the workstation and hears the answers, each in its own time."""

    def __init__(self, cluster: Cluster) -> None:
        command = [sys.executable, "-P", "-m", "chaos.programs.user", cluster.address, str(cluster.folder / "keys")]
        self._log = (cluster.folder / "logs/user").open("wb")
        tests = Path(__file__).parents[1]
        environment = cluster._environment | {"PYTHONPATH": str(tests)}
        self._process = cluster.hosts.lab.host("workstation").popen(
            command, cwd=cluster.folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log,
            text=True, start_new_session=True, env=environment,
        )  # fmt: skip
        self._answers: dict[int, dict[str, Any]] = {}
        self._number = 0
        self._reader = threading.Thread(target=self._read, name="user")
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.kill()
        self._process.wait()
        self._reader.join()
        self._log.close()

    def order(self, what: str, **facts: Any) -> int:
        """Give an order; the number of its answer."""
        assert self._process.stdin is not None
        self._number += 1
        self._process.stdin.write(json.dumps({"number": self._number, "what": what, **facts}) + "\n")
        self._process.stdin.flush()
        return self._number

    def answer(self, number: int) -> dict[str, Any] | None:
        """What was answered, if anything."""
        return self._answers.get(number)

    def ask(self, what: str, **facts: Any) -> dict[str, Any]:
        """Give an order, and wait for its answer."""
        number = self.order(what, **facts)
        return await_it(lambda: self.answer(number), f"an answer to {what}", 60)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            answer = json.loads(line)
            self._answers[answer.pop("number")] = answer
