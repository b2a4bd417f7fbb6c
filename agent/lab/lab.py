"""A laboratory as programs use it: bring it up, run commands on its hosts, know the truth about their clocks.

    lab = Lab.up("study", 4, accesses={"h1": Access(up=Delay(5_000_000))})
    with lab.host("h1").popen(["plctl", "agent", "--controller", "tcp://controller:8621"]) as agent: ...
    lab.down()

It stands until it is taken down, also when the process that brought it up ends.
"""

from __future__ import annotations

import json
import secrets
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plctl.agent.cleanup.reap import reap
from plctl.agent.lab.design import AccessLink, HostDesign, LabDesign, design
from plctl.agent.lab.folder import (
    DESIGN_NAME,
    PREFIX,
    TROUBLE_NAME,
    find_holder,
    find_keeper,
    lab_folder,
    state_folder,
)
from plctl.agent.ownership import processes
from plctl.agent.ownership.processes import Process
from plctl.common.base.errors import BusyError, PlctlError, UserError, WorldError
from plctl.common.base.interpreter import module_command
from plctl.common.host.state import is_held, owner_folders

DEFAULT_NAME = "lab"


@dataclass(frozen=True, slots=True)
class LabHost:
    """A host of a laboratory that is up."""

    design: HostDesign
    folder: Path  #: the laboratory's

    @property
    def name(self) -> str:
        """What it is called, also by the other hosts."""
        return self.design.name

    @property
    def monotonic_offset_ns(self) -> int:
        """What CLOCK_MONOTONIC reads there minus what the kernel's own reads at the same instant: exact, constant."""
        return self.design.monotonic_offset_ns

    @property
    def state_folder(self) -> Path:
        """Its `$PLCTL_STATE_DIR`."""
        return state_folder(self.folder, self.name)

    @property
    def holder(self) -> Process:
        """The process that it lives by.

        :raises WorldError: it never had one.
        """
        return find_holder(self.folder, self.name)

    @property
    def is_alive(self) -> bool:
        """Whether commands can run there."""
        return processes.is_alive(self.holder)

    def command(self, command: Sequence[str]) -> list[str]:
        """The command line by which `command` runs there; its pid is not the command's, its end and signals are."""
        return module_command("plctl.agent.lab.enter", str(self.folder), self.name, *command)

    def popen(self, command: Sequence[str], **options: Any) -> subprocess.Popen[Any]:
        """Start `command` there; `options` are Popen's."""
        return subprocess.Popen(self.command(command), **options)

    def run(self, command: Sequence[str], **options: Any) -> subprocess.CompletedProcess[str]:
        """Run `command` there to its end; `options` are those of `subprocess.run`. Output is captured, as text."""
        return subprocess.run(self.command(command), capture_output=True, text=True, check=False, **options)


@dataclass(frozen=True, slots=True)
class Lab:
    """A laboratory that is up."""

    design: LabDesign
    folder: Path

    @classmethod
    def up(
        cls, name: str, count: int, *, accesses: Mapping[str, AccessLink] | None = None, seed: int | None = None
    ) -> Lab:
        """Build a laboratory of `count` hosts, a controller and a workstation; commands can run on them then.

        :param accesses: delays by host; none by default.
        :param seed: decides clocks and varying delays; random by default.
        :raises UserError: as `design`.
        :raises BusyError: it is up already.
        :raises WorldError: the kernel refuses something; nothing is left behind.
        """
        seed = secrets.randbits(32) if seed is None else seed
        wanted = design(name, count, accesses or {}, seed)
        folder = lab_folder(name)
        if is_held(folder):
            raise BusyError(f"lab {name} is up already; use it, or remove it with: plctl lab down{_option(name)}")
        reap([folder])  # what a killed one left
        try:
            _start_keeper(wanted)
        except PlctlError:
            reap([folder])  # unless somebody else was quicker and has it up
            raise
        except BaseException:
            take_down(name)
            raise
        return cls(wanted, folder)

    @classmethod
    def find(cls, name: str) -> Lab:
        """The laboratory called `name`.

        :raises UserError: it is not up.
        """
        lab = cls._load(lab_folder(name))
        if lab is None:
            raise UserError(f"lab {name} is not up; try: plctl lab up 4{_option(name)}")
        return lab

    @classmethod
    def find_all(cls) -> list[Lab]:
        """Every laboratory that is up, by name."""
        loaded = (cls._load(folder) for folder in owner_folders() if folder.name.startswith(PREFIX))
        return [lab for lab in loaded if lab is not None]

    @classmethod
    def _load(cls, folder: Path) -> Lab | None:
        """The laboratory of the owner at `folder`, if that is alive and has built all of it."""
        try:
            text = (folder / DESIGN_NAME).read_text()
        except (FileNotFoundError, NotADirectoryError):
            return None
        return cls(LabDesign.from_json(text), folder) if is_held(folder) else None

    @property
    def name(self) -> str:
        """What it is called."""
        return self.design.name

    @property
    def hosts(self) -> list[LabHost]:
        """All hosts, controller and workstation last."""
        return [LabHost(each, self.folder) for each in self.design.hosts]

    @property
    def trouble(self) -> str:
        """Why its delays are no longer emulated, so that hosts cannot reach each other; empty if all is well."""
        try:
            return (self.folder / TROUBLE_NAME).read_text()
        except FileNotFoundError:
            return ""

    def host(self, name: str) -> LabHost:
        """The host called `name`.

        :raises UserError: there is none.
        """
        for host in self.hosts:
            if host.name == name:
                return host
        names = ", ".join(host.name for host in self.hosts)
        raise UserError(f"lab {self.name} has no host {name}; its hosts are {names}")

    def down(self) -> list[str]:
        """Remove it; see `take_down`."""
        return take_down(self.name)


def take_down(name: str) -> list[str]:
    """End all that runs in a laboratory and remove it, whatever state it is in; what was removed, in sentences.

    :raises BusyError: another process takes it down at this moment.
    :raises KernelError: the kernel refuses.
    """
    folder = lab_folder(name)
    if is_held(folder) and (keeper := find_keeper(folder)):
        processes.end([keeper])
    removed = reap([folder])
    if folder.is_dir():
        raise BusyError(f"lab {name} is being built or taken down right now; try again")
    return removed


def _start_keeper(wanted: LabDesign) -> None:
    """Start the keeper of a laboratory and wait until all stands.

    :raises BusyError: there is such a laboratory.
    :raises WorldError: it failed.
    """
    process = subprocess.Popen(
        module_command("plctl.agent.lab.keeper"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
        cwd="/",
        text=True,
    )
    said, _ = process.communicate(wanted.to_json())  # ends when the keeper, a child of that, has let go of the pipe
    if not said:
        raise WorldError(f"cannot build lab {wanted.name}: its keeper was killed")
    answer = json.loads(said)
    if answer["error"]:
        raise (BusyError if answer["status"] == BusyError.exit_status else WorldError)(answer["error"])


def _option(name: str) -> str:
    """How to name the laboratory in a command."""
    return "" if name == DEFAULT_NAME else f" --name {name}"
