"""One host over ssh: connects, becomes root, asks the host's end (on_host/main.py) for something, words what fails."""

from __future__ import annotations

import asyncio
import io
import json
import os
import re
import shlex
import zipfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import asyncssh

from plctl.common.errors import WorldError
from plctl.deploy.host import Host
from plctl.deploy.ssh_trust import Trust
from plctl.deploy.sudo import Way, find_way

OLDEST_PYTHON = (3, 11)

_CONNECT_S, _LOGIN_S, _ALIVE_S = 10, 20, 5
_PIECE = 2**16
#: Standard input begins with our end of the connection as a zip file, which lives in memory only.
_BOOT = (
    "import os,sys;f=os.memfd_create('plctl');n=int(sys.argv[1])\n"
    "while n:n-=os.write(f,sys.stdin.buffer.read(n))\n"
    "sys.path.insert(0,f'/proc/self/fd/{f}')\n"
    "from plctl.deploy.on_host.main import main;main()"
)
#: Says who we are there, what the machine is, and which Pythons there are.
_PROBE = """id -u; uname -m
for p in "$@" python3 python3.14 python3.13 python3.12 python3.11; do
  command -v "$p" >/dev/null 2>&1 && "$p" -c 'import sys; print(sys.executable, "%d.%d.%d" % sys.version_info[:3])'
done; true"""


class RemoteError(WorldError):
    """A host could not be reached or did not do what it was asked for; the message has the host's own words."""


class HostBusyError(RemoteError):
    """A run goes on there, so nothing was changed."""


class CutError(RemoteError):
    """The connection broke; what was being done may have been done or not."""


@dataclass(frozen=True, slots=True)
class Login:
    """What all connections of a deployment share."""

    trust: Trust
    password: str | None = field(default=None, repr=False)
    sudo_password: str | None = field(default=None, repr=False)
    ssh_config: Path | None = None  #: in place of ~/.ssh/config
    jumps: dict[str, Host] = field(default_factory=dict)  #: hosts of the inventory, by name


@dataclass(frozen=True, slots=True)
class Machine:
    """What was found at the other end."""

    python: str  #: path
    python_version: str  #: 3.11
    architecture: str


class Remote:
    """A host, connected from `open` to `close`."""

    def __init__(self, host: Host, login: Login) -> None:
        self.host = host
        self.machine: Machine | None = None
        self._login = login
        self._connections: list[asyncssh.SSHClientConnection] = []
        self._root = Way()

    async def open(self) -> Machine:
        """Connect, find out what is there, and how to be root.

        :raises RemoteError: it cannot be reached, is another one, lets nobody in, or lacks a Python.
        :raises SudoError: its user does not become root.
        """
        await self.connect()
        self.machine = await self._probe()
        return self.machine

    async def connect(self) -> None:
        """Only connect: for `run`.

        :raises RemoteError: it cannot be reached, is another one, or lets nobody in.
        """
        self._connections = []
        await self._connect(self.host)

    async def run(self, command: str, stdin: bytes = b"") -> Done:
        """Run `command` by the shell of the user who connected, not as root.

        :raises CutError: the connection broke.
        """
        return await self._guard(command.partition(" ")[0], lambda: self._run(command, stdin, None))

    async def close(self) -> None:
        """Hang up; may be called twice."""
        for connection in reversed(self._connections):
            connection.close()
        for connection in reversed(self._connections):
            await connection.wait_closed()
        self._connections = []

    async def call(self, do: str, payload: Path | None = None, **words: Any) -> Any:
        """Have the host do what `on_host.main` calls `do`; `payload` is a file to be sent with it.

        :raises RemoteError: it could not; in its own words.
        :raises CutError: the connection broke.
        """
        assert self.machine is not None, "not open"
        program = _program()
        request = json.dumps({"do": do, **words}) + "\n"
        command = self._root.command([self.machine.python, "-I", "-c", _BOOT, str(len(program))])
        head = self._root.head + program + request.encode()
        done = await self._guard(do, lambda: self._run(command, head, payload))
        try:
            answer = json.loads(done.stdout)
        except ValueError:
            raise RemoteError(_last_line(done.stderr) or f"{do} ended with status {done.exit_status}") from None
        if "error" in answer:
            raise (HostBusyError if answer.get("busy") else RemoteError)(answer["error"])
        return answer["ok"]

    # --- the connection

    async def _connect(self, host: Host, depth: int = 0) -> None:
        tunnel = None
        if host.jump:
            if depth > len(self._login.jumps):
                raise RemoteError(f"the jump hosts of {self.host.name} lead in a circle")
            await self._connect(self._login.jumps.get(host.jump) or parse_jump(host.jump), depth + 1)
            tunnel = self._connections[-1]
        check = self._login.trust.check(host.name)
        options: dict[str, Any] = {
            "known_hosts": check.known_hosts,
            "client_factory": lambda: check,
            "connect_timeout": _CONNECT_S,
            "login_timeout": _LOGIN_S,
            "keepalive_interval": _ALIVE_S,
        }
        if host.user:
            options["username"] = host.user
        if host.port:
            options["port"] = host.port
        if host.key:
            options["client_keys"] = [host.key]
        if self._login.ssh_config:
            options["config"] = [str(self._login.ssh_config)]
        if self._login.password is not None:
            options["password"] = self._login.password
        if tunnel:
            options["tunnel"] = tunnel
        try:
            connection = await asyncssh.connect(host.address or host.name, **options)
        except (OSError, asyncssh.Error, TimeoutError, ValueError) as error:
            where = "" if host is self.host else f"the jump host {host.name} "
            raise RemoteError(where + (check.refusal or _explain(error, host, self._login))) from None
        self._connections.append(connection)

    async def _probe(self) -> Machine:
        """Who we are there and which Python is new enough."""
        command = shlex.join(["sh", "-c", _PROBE, "sh", *([self.host.python] if self.host.python else [])])
        done = await self._guard("look around", lambda: self._run(command, b"", None))
        lines = done.stdout.splitlines()
        if len(lines) < 2 or not lines[0].isdecimal():
            raise RemoteError(f"its shell does not answer as expected: {_last_line(done.stderr or done.stdout)}")
        if lines[0] != "0" and not self.host.sudo:
            raise RemoteError("its user is not root, and the inventory says sudo: false")
        machine = self._choose_python(lines[1], lines[2:])
        self._root = Way() if lines[0] == "0" else await self._find_sudo(machine)
        return machine

    def _choose_python(self, architecture: str, lines: list[str]) -> Machine:
        found = [line.rsplit(" ", 1) for line in lines if " " in line]
        for path, version in found:
            if tuple(map(int, version.split(".")[:2])) >= OLDEST_PYTHON:
                return Machine(path, ".".join(version.split(".")[:2]), architecture)
        if not found:
            raise RemoteError("there is no Python: apt install python3")
        path, version = found[0]
        oldest = ".".join(map(str, OLDEST_PYTHON))
        raise RemoteError(
            f"Python {version} ({path}) is too old, plctl needs {oldest} or newer: install one beside it, and name its "
            "path by the key python"
        )

    async def _find_sudo(self, machine: Machine) -> Way:
        async def run(command: str, stdin: bytes) -> Done:
            return await self._guard("sudo", lambda: self._run(command, stdin, None))

        harmless = [machine.python, "-I", "-c", ""]
        return await find_way(run, harmless, self.host.user or "the user", self._login.sudo_password)

    async def _run(self, command: str, head: bytes, payload: Path | None) -> Done:
        async with self._connections[-1].create_process(command, encoding=None) as process:
            sending = asyncio.create_task(_send(process, head, payload))
            try:
                stdout, stderr = await asyncio.gather(process.stdout.read(), process.stderr.read())
                await sending
            except (BrokenPipeError, ConnectionResetError):  # it ended before it had read all; it says why
                pass
            finally:
                sending.cancel()
                await asyncio.gather(sending, return_exceptions=True)
            await process.wait_closed()
            if process.exit_status is None:
                raise asyncssh.ConnectionLost("Connection lost")
            return Done(stdout.decode(errors="replace"), stderr.decode(errors="replace"), process.exit_status)

    async def _guard(self, what: str, work: Callable[[], Awaitable[Done]]) -> Done:
        try:
            return await work()
        except (OSError, asyncssh.Error) as error:
            raise CutError(f"the ssh connection broke ({_words(error)}) during: {what}") from None


@dataclass(frozen=True, slots=True)
class Done:
    """How a command on the host ended."""

    stdout: str
    stderr: str
    exit_status: int


def parse_jump(text: str) -> Host:
    """The host that ``[user@]host[:port]`` means."""
    user, _, place = text.rpartition("@")
    name, colon, port = place.rpartition(":")
    if colon and port.isdecimal() and ":" not in name:
        return Host(name, user=user, port=int(port))
    return Host(place, user=user)


@cache
def _program() -> bytes:
    """The host's end as a zip file from which Python can import."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for package in ("plctl", "plctl/deploy"):
            archive.writestr(f"{package}/__init__.py", "")
        for path in files("plctl.deploy.on_host").iterdir():
            if path.name.endswith(".py"):
                archive.writestr(f"plctl/deploy/on_host/{path.name}", path.read_bytes())
    return buffer.getvalue()


async def _send(process: asyncssh.SSHClientProcess[bytes], head: bytes, payload: Path | None) -> None:
    process.stdin.write(head)
    if payload:
        with payload.open("rb") as file:
            while piece := file.read(_PIECE):
                process.stdin.write(piece)
                await process.stdin.drain()
    process.stdin.write_eof()


def _explain(error: Exception, host: Host, login: Login) -> str:
    """Why no connection came about, in a sentence."""
    place = f"{host.address or host.name} port {host.port}" if host.port else host.address or host.name
    if isinstance(error, asyncssh.PermissionDenied):
        with_password = login.password is not None
        cause = "the password is wrong, or none is taken there" if with_password else "no key of ours is let in"
        return f"ssh refuses {host.user or 'the user'}: {cause} ({_words(error)})"
    if isinstance(error, TimeoutError):
        return f"does not answer at {place} within {_CONNECT_S} s"
    return f"cannot be reached at {place}: {_words(error)}"


def _words(error: Exception) -> str:
    """The error's own words, without Python's around them."""
    if isinstance(error, asyncssh.Error):
        return error.reason
    if isinstance(error, OSError):  # asyncio puts its own words into it, and several into one
        numbers = [error.errno] if error.errno else map(int, re.findall(r"\[Errno (\d+)\]", str(error)))
        if causes := dict.fromkeys(map(os.strerror, numbers)):
            return ", ".join(causes)
    return str(error) or type(error).__name__


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or [""])[-1]
