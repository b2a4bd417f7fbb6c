"""The hosts: a laboratory that this process keeps, so that it can change every host's way to the controller.

Each agent's host is joined to the switch by a link of our own forwarder, as `plctl lab up --delay` does it; the link is
changed while it runs, as `plctl link set` does it. Should this process be killed, the kernel ends everything on the
hosts, and `reap` of the state folder finds the rest.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import threading
import time
from collections.abc import Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any, Self, TypeVar

from truth.world import Process, command_line

from plctl.agent.cleanup.reap import reap
from plctl.agent.forwarder.data_plane import DataPlane, start_data_plane
from plctl.agent.lab.delay import Delay
from plctl.agent.lab.design import AccessLink, LabDesign, design
from plctl.agent.lab.folder import DESIGN_NAME, HOSTS_NAME, lab_folder
from plctl.agent.lab.hosts import start_hosts
from plctl.agent.lab.lab import Lab
from plctl.agent.lab.wiring import wire
from plctl.agent.ownership import processes
from plctl.agent.ownership.ledger import Ledger
from plctl.common.base.units import NS_PER_MS
from plctl.common.host.state import Owner
from plctl.common.plan.impairments import Impairments, Jitter
from plctl.common.plan.link_change import LinkChange

#: One way between a host and the switch while nothing is wrong.
_DELAY = Delay(NS_PER_MS // 10)
_LEAD_NS = 100 * NS_PER_MS
_PATIENCE_S = 60.0
T = TypeVar("T")


class Hosts:
    """A laboratory of `count` agents' hosts, a controller's and a workstation, for the time of the block."""

    def __init__(self, name: str, count: int, seed: int) -> None:
        self.names = [f"h{number}" for number in range(1, count + 1)]
        accesses = {host: AccessLink(_DELAY, _DELAY) for host in self.names}
        self._design: LabDesign = design(name, count, accesses, seed)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="control network")
        self._stack = contextlib.ExitStack()
        self._forwarder: DataPlane
        self.lab: Lab
        self.holders: dict[str, Process] = {}

    def __enter__(self) -> Self:
        folder = lab_folder(self._design.name)
        self._stack.callback(reap, [folder])
        try:
            self._build(folder)
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _build(self, folder: Path) -> None:
        owner = self._stack.enter_context(Owner.create(folder.name))
        ledger = self._stack.enter_context(contextlib.closing(Ledger(owner.ledger_path)))
        me = processes.identify(os.getpid())
        owner.write_holder(f"{me.pid} {me.started} {me.session}")
        wire(self._design, ledger)
        known = [f"{address} {host.name}" for host in self._design.hosts for address in (host.ipv4, host.ipv6)]
        (owner.path / HOSTS_NAME).write_text("\n".join(["127.0.0.1 localhost", "::1 localhost", *known, ""]))
        for gate in start_hosts(self._design, owner.path, ledger):
            self._stack.callback(os.close, gate)
        self._thread.start()
        self._stack.callback(self._end_loop)
        self._forwarder = self._await(self._emulate(ledger))
        self._stack.callback(lambda: self._await(self._forwarder.close()))
        (owner.path / DESIGN_NAME).write_text(self._design.to_json())
        self.lab = Lab(self._design, owner.path)
        self.holders = {host.name: Process.find(host.holder.pid) for host in self.lab.hosts}

    async def _emulate(self, ledger: Ledger) -> DataPlane:
        """As the keeper of a laboratory, but frames may overtake each other where there is jitter."""
        forwarder = await start_data_plane(ledger, len(self._design.delayed))
        jitter = Impairments(jitter=Jitter("uniform", reorder=True))
        for slot, host in enumerate(self._design.delayed):
            plan = replace(host.link_plan(self._design.seed), impairments=(jitter,))
            await forwarder.add(slot, host.link_netns, plan, seed=self._design.seed)
        await forwarder.arm(range(len(self._design.delayed)), time.monotonic_ns() + _LEAD_NS)
        return forwarder

    def change_way(self, host: str, up: dict[str, int], down: dict[str, int]) -> None:
        """Change the way between `host` and the switch: values of a row, from the host and to it."""
        slot = [each.name for each in self._design.delayed].index(host)
        self._await(self._forwarder.change(slot, LinkChange(up, down), "chaos"))

    def root(self, host: str, path: Path) -> Path:
        """`path` as `host` sees it, seen from here."""
        return Path(f"/proc/{self.holders[host].pid}/root{path}")

    def do(self, host: str, *command: str) -> subprocess.CompletedProcess[str]:
        """The outcome of a command of the machine in the host's namespaces; it may fail."""
        holder = self.holders[host].pid
        spaces = [
            f"--{kind}=/proc/{holder}/ns/{file}" for kind, file in (("mount", "mnt"), ("net", "net"), ("pid", "pid"))
        ]
        return subprocess.run(
            ["nsenter", *spaces, *command],
            capture_output=True, text=True, check=False, timeout=20,
        )  # fmt: skip

    def processes(self, host: str) -> list[Process]:
        """All that live on `host`, but the one that it lives by."""
        holder = self.holders[host]
        namespace = Path(f"/proc/{holder.pid}/ns/pid").readlink()
        found = []
        for path in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):  # it ended just now
                if (path / "ns/pid").readlink() == namespace and int(path.name) != holder.pid:
                    found.append(Process.find(int(path.name)))
        return [process for process in found if process.is_alive()]

    def find(self, host: str, *words: str) -> list[Process]:
        """Those in whose command line all `words` occur."""
        lines = ((process, command_line(process.pid)) for process in self.processes(host))
        return [process for process, line in lines if all(any(word in part for part in line) for word in words)]

    def _await(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_PATIENCE_S)

    def _end_loop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
