"""A laboratory of real hosts: n of them, a workstation and a controller, joined by a switch that leads nowhere else.

    with RealLab(3) as lab:
        lab.hosts[0].run(["systemctl", "status", "ssh"])
        lab.workstation.run(["plctl", "deploy", "-i", "hosts.yaml"])

Hosts are called h1, h2, … and run Debian. The workstation and the controller have this machine's files and plctl, but
only the laboratory's network, and homes of their own. The addresses, 10.77.0.0/24, exist in its namespaces alone.

It ends with `down`. One whose starter was killed is found and removed by the next that comes up: its name tells who
started it.
"""

from __future__ import annotations

import itertools
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import asyncssh

from lab.real_host import Access, RealHost, new_password
from lab.sweeping import PREFIX, cgroup, own_state, remove_cgroups, sweep
from lab.trees import BOOKWORM, Recipe, make_tree, require_tools
from plctl.agent.lab.lab import Lab, LabHost, take_down
from plctl.agent.ownership import processes

_numbers = itertools.count()


@dataclass(frozen=True, slots=True)
class Seat:
    """A place in the laboratory's network, with this machine's files and a home of its own."""

    shell: LabHost
    home: Path

    @property
    def name(self) -> str:
        """What the hosts call it."""
        return self.shell.name

    @property
    def address(self) -> str:
        """Its IPv4 address."""
        return self.shell.design.ipv4

    def run(
        self, command: Sequence[str], *, env: Mapping[str, str] | None = None, **options: Any
    ) -> subprocess.CompletedProcess[str]:
        """Run `command` there to its end; `options` are those of `subprocess.run`. Output is captured, as text."""
        return self.shell.run(command, env=self._environment(env), **options)

    def popen(
        self, command: Sequence[str], *, env: Mapping[str, str] | None = None, **options: Any
    ) -> subprocess.Popen[Any]:
        """Start `command` there; `options` are Popen's."""
        return self.shell.popen(command, env=self._environment(env), **options)

    def _environment(self, more: Mapping[str, str] | None) -> dict[str, str]:
        """Nothing of the user's who runs the tests: neither settings nor keys."""
        return {"PATH": os.environ["PATH"], "HOME": str(self.home), "LANG": "C.UTF-8", **(more or {})}


class RealLab:
    """`count` hosts from the same recipe, or hosts from `recipes` by name; nothing is done before `up`."""

    def __init__(self, count: int, *, recipes: Mapping[str, Recipe] | None = None) -> None:
        me = processes.identify(os.getpid())
        self.name = f"{PREFIX}-{me.pid}-{me.started}-{next(_numbers)}"
        self._count = count
        self._recipes = recipes or {}
        self._key = asyncssh.generate_private_key("ssh-ed25519")
        self.password = new_password()
        self.hosts: list[RealHost] = []
        self._seats: dict[str, Seat] = {}

    def up(self) -> RealLab:
        """Make the trees that are missing, remove what killed laboratories left, and boot all hosts.

        :raises TreeError: the machine lacks what it takes, and it cannot be installed.
        :raises HostError: a host does not come up; nothing is left.
        """
        require_tools()
        for recipe in {BOOKWORM, *self._recipes.values()}:
            make_tree(recipe)
        with own_state():
            sweep()
            lab = Lab.up(self.name, self._count)
        try:
            self._furnish(lab)
        except BaseException:
            self.down()
            raise
        return self

    def down(self) -> None:
        """End everything and remove it; may be called twice."""
        for host in self.hosts:
            host.power_off()
        if self._seats:
            remove_cgroups(self.workstation.shell, self.name)
        self.hosts, self._seats = [], {}
        with own_state():
            take_down(self.name)

    @property
    def workstation(self) -> Seat:
        """Where the user sits."""
        return self._seats["workstation"]

    @property
    def controller(self) -> Seat:
        """Where the controller runs, if not on the workstation."""
        return self._seats["controller"]

    @property
    def key_file(self) -> Path:
        """The private key on the workstation that opens every host, as root and as the ordinary account."""
        return self.workstation.home / ".ssh/id_ed25519"

    def host(self, name: str) -> RealHost:
        """The host called `name`."""
        return next(host for host in self.hosts if host.name == name)

    def trust_host_keys(self) -> None:
        """Let the workstation know the keys that the hosts have now, by name and by address."""
        lines = [f"{host.name},{host.address} {host.host_key}\n" for host in self.hosts]
        (self.workstation.home / ".ssh/known_hosts").write_text("".join(lines))

    def __enter__(self) -> RealLab:
        return self.up()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.down()

    def _furnish(self, lab: Lab) -> None:
        for shell in (lab.host("workstation"), lab.host("controller")):
            home = shell.state_folder / "home"
            (home / ".ssh").mkdir(mode=0o700, parents=True)
            self._seats[shell.name] = Seat(shell, home)
        self._key.write_private_key(self.key_file)
        self.key_file.chmod(0o600)
        access = Access(self._key.export_public_key().decode(), self.password)
        for number in range(1, self._count + 1):
            shell = lab.host(f"h{number}")
            self.hosts.append(RealHost(shell, lab.design.switch_netns, f"{cgroup(self.name)}/{shell.name}", access))
        for host in self.hosts:
            host.install(self._recipes.get(host.name, BOOKWORM))
            host.start_boot()
        for host in self.hosts:
            host.await_boot()
        remove_cgroups(self.workstation.shell, "")
        self.trust_host_keys()
