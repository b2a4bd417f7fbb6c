"""One host of a laboratory with its operating system: plug it in, boot it, pull the plug, run commands, read its files.

Its disk is a layer in memory upon a shared Debian tree; its network, clocks and process numbers are those of the
laboratory's host that it runs in, at whose end everything in it ends and is unmounted.
"""

from __future__ import annotations

import contextlib
import secrets
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncssh
from pyroute2.netlink.rtnl.ifinfmsg import IFF_UP

from lab.trees import Recipe, make_tree
from plctl.agent.kernel.namespace import run_inside
from plctl.agent.kernel.rtnetlink import open_netlink, send
from plctl.agent.kernel.veth import flags_request
from plctl.agent.lab.lab import LabHost
from plctl.agent.ownership import processes

_HERE = Path(__file__).parent
#: An ordinary account that may use sudo, with its password.
USER = "student"
#: Where a system that only runs writes.
_VOLATILE = (
    "/proc",
    "/sys",
    "/dev",
    "/run/systemd",
    "/run/log",
    "/run/user",
    "/run/utmp",
    "/var/log",
    "/var/lib/systemd",
)
_LOOK_EVERY_S = 0.05
_BOOT_S, _RUN_S = 90, 120


class HostError(Exception):
    """A host does not do what it should; the message holds its own words."""


@dataclass(frozen=True, slots=True)
class Access:
    """What the hosts of a laboratory let in: a public key (for root and `USER`), and a password (for `USER`)."""

    public_key: str
    password: str


class RealHost:
    """A host with a disk, running or switched off."""

    port = 22

    def __init__(self, shell: LabHost, switch: str, cgroup: str, access: Access) -> None:
        """In the namespaces of `shell`, plugged into the namespace `switch`, its processes in the group `cgroup`."""
        self._shell = shell
        self._switch = switch
        self._cgroup = cgroup
        self._access = access
        self._host_key = asyncssh.generate_private_key("ssh-ed25519")

    @property
    def name(self) -> str:
        """What it is called, by itself and by the others."""
        return self._shell.name

    @property
    def address(self) -> str:
        """Its IPv4 address, which exists in the laboratory alone."""
        return self._shell.design.ipv4

    @property
    def host_key(self) -> str:
        """The public key that its sshd proves to have, as in a file known_hosts: type and base64."""
        return " ".join(self._host_key.export_public_key().decode().split()[:2])

    @property
    def disk(self) -> Path:
        """Its root folder, from outside. An absolute symlink in it leads astray."""
        return Path(f"/proc/{self._shell.holder.pid}/root{self._shell.state_folder}/root")

    @property
    def is_running(self) -> bool:
        """Whether its process 1 lives."""
        return self._find_init() is not None

    def install(self, recipe: Recipe) -> None:
        """Give it a new disk with the system of `recipe`, while it is switched off. Its host key stays.

        :raises TreeError: there is no such tree, and none can be made.
        """
        assert not self.is_running, f"{self.name} is running"
        self._do("plug", str(make_tree(recipe)), str(self._shell.state_folder))
        self._write("etc/hosts", (self._shell.folder / "hosts").read_text())
        self._write("etc/hostname", f"{self.name}\n")
        self._write("etc/machine-id", f"{uuid.uuid4().hex}\n")
        self.change_host_key(self._host_key)
        self._chroot("useradd", "--create-home", "--shell", "/bin/bash", "--groups", "sudo", USER)
        self._chroot("chpasswd", text=f"{USER}:{self._access.password}\n")
        self._write("root/.ssh/authorized_keys", self._access.public_key, 0o600)
        self._write(f"home/{USER}/.ssh/authorized_keys", self._access.public_key, 0o600)
        self._chroot("chown", "-R", f"{USER}:", f"/home/{USER}/.ssh")

    def change_host_key(self, key: asyncssh.SSHKey | None = None) -> None:
        """Let sshd prove to have `key`, or a new one, from its next start on."""
        self._host_key = key or asyncssh.generate_private_key("ssh-ed25519")
        self._write("etc/ssh/ssh_host_ed25519_key", self._host_key.export_private_key().decode(), 0o600)
        self._write("etc/ssh/ssh_host_ed25519_key.pub", self._host_key.export_public_key().decode())

    def start_boot(self) -> None:
        """Switch it on, and return at once."""
        self._set_cable(IFF_UP)
        self._do("boot", self.name, str(self._shell.state_folder), self._cgroup)

    def await_boot(self) -> None:
        """Return once systemd says that all is up, sshd too.

        :raises HostError: it does not come up, or a unit of it failed.
        """
        deadline = time.monotonic() + _BOOT_S
        state = ""
        while (state := self._state()) != "running":
            if state == "degraded":
                raise HostError(f"{self.name} is degraded: {self.run(['systemctl', '--failed']).stdout}")
            if time.monotonic() > deadline:
                console = (self.disk.parent / "console.log").read_text(errors="replace").splitlines()
                raise HostError(f"{self.name} is {state or 'silent'} after {_BOOT_S} s: " + "\n".join(console[-20:]))
            time.sleep(_LOOK_EVERY_S)

    def boot(self) -> None:
        """Switch it on and wait until it is up; see `await_boot`."""
        self.start_boot()
        self.await_boot()

    def power_off(self) -> None:
        """Pull the plug: everything on it is killed, and what was written stays."""
        init = self._find_init()
        nspawn = self._find_nspawn()
        found = [processes.identify(pid) for pid in (init, nspawn) if pid is not None]
        processes.end(found, grace_s=0)
        self._set_cable(0)

    def _set_cable(self, flags: int) -> None:
        """Let the switch's end of its cable be up, or down: without power nothing on a host answers ARP."""

        def set_flags() -> None:
            with contextlib.closing(open_netlink()) as netlink:
                send(netlink, [flags_request(self.name, socket.if_nametoindex(self.name), flags)])

        run_inside(self._switch, set_flags)

    def run(
        self, command: Sequence[str], *, text: str = "", check: bool = True, timeout: float = _RUN_S
    ) -> subprocess.CompletedProcess[str]:
        """Run `command` on it, as its root at its console would, with `text` on standard input.

        :raises HostError: it is switched off; or, with `check`, the command failed.
        """
        done = subprocess.run(
            self.command(command), input=text, capture_output=True, text=True, timeout=timeout, check=False
        )
        if check and done.returncode != 0:
            raise HostError(
                f"{self.name}: {' '.join(command)} ended with {done.returncode}: {done.stdout}{done.stderr}"
            )
        return done

    def command(self, command: Sequence[str]) -> list[str]:
        """The command line by which `command` runs on it.

        :raises HostError: it is switched off.
        """
        init = self._find_init()
        if init is None:
            raise HostError(f"{self.name} is switched off")
        environment = ["env", "--chdir=/", "-i", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                       "HOME=/root", "LANG=C.UTF-8"]  # fmt: skip
        enter = ["nsenter", f"--target={init}", "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--time"]
        return [*enter, "--root", "--", *environment, *command]

    def files(self) -> set[str]:
        """Every file, folder and link on it, one line each: path, kind, mode, owner, and size or target.

        Without what a running system writes by itself: the kernel's file systems, logs, systemd's own notes.
        """
        pruned = " -o ".join(f"-path {path}" for path in _VOLATILE)
        each = r"-type d -printf '%p/ %m %U:%G\n' -o -printf '%p %y %m %U:%G %s %l\n'"
        found = self.run(["sh", "-c", f"find / /run /tmp -xdev \\( {pruned} \\) -prune -o {each}"]).stdout
        return set(found.splitlines())

    def _state(self) -> str:
        """What systemd says of itself."""
        with contextlib.suppress(HostError):
            return self.run(["systemctl", "is-system-running"], check=False).stdout.strip()
        return ""

    def _find_nspawn(self) -> int | None:
        return next((p for p in _children(self._shell.holder.pid) if _name(p) == "systemd-nspawn"), None)

    def _find_init(self) -> int | None:
        """The pid, on this machine, of what is process 1 on the host."""
        nspawn = self._find_nspawn()
        return next((p for p in _children(nspawn) if _is_first(p)), None) if nspawn else None

    def _do(self, script: str, *arguments: str) -> None:
        done = self._shell.run(["sh", str(_HERE / script), *arguments], timeout=_RUN_S)
        if done.returncode != 0:
            raise HostError(f"cannot {script} {self.name}: {done.stdout}{done.stderr}")

    def _write(self, path: str, content: str, mode: int = 0o644) -> None:
        target = self.disk / path
        target.parent.mkdir(mode=0o700, exist_ok=True)
        target.write_text(content)
        target.chmod(mode)

    def _chroot(self, *command: str, text: str = "") -> None:
        done = subprocess.run(
            ["chroot", str(self.disk), *command], input=text, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise HostError(f"cannot set up {self.name}: {' '.join(command)}: {done.stdout}{done.stderr}")


def new_password() -> str:
    """One that nobody guesses, and that a shell takes for one word."""
    return secrets.token_urlsafe(12)


def _children(pid: int) -> Iterator[int]:
    with contextlib.suppress(OSError):  # it ended just now
        yield from map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())


def _name(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text().strip()
    return ""


def _is_first(pid: int) -> bool:
    """Whether a process is number 1 where it runs, and not on its way out."""
    with contextlib.suppress(OSError):
        facts = dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
        return facts["NSpid"].split()[-1] == "1" and facts["State"][0] not in "ZX"
    return False
