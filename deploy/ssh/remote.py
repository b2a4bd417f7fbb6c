"""One host over ssh: connects, becomes root, asks the host's end (on_host/main.py) for something, words what fails."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncssh

from plctl.deploy.inventory.host import Host
from plctl.deploy.ssh.done import CommandResult
from plctl.deploy.ssh.failure import CutError, HostBusyError, RemoteError, explain, last_line, words
from plctl.deploy.ssh.host_end import BOOT, program
from plctl.deploy.ssh.probe import Machine, question, read_answer
from plctl.deploy.ssh.sudo import Way, find_way
from plctl.deploy.ssh.trust import Trust

_CONNECT_S, _LOGIN_S, _ALIVE_S = 10, 20, 5
_PIECE = 2**16


@dataclass(frozen=True, slots=True)
class Login:
    """What all connections of a deployment share."""

    trust: Trust
    password: str | None = field(default=None, repr=False)
    sudo_password: str | None = field(default=None, repr=False)
    ssh_config: Path | None = None  #: in place of ~/.ssh/config
    jumps: dict[str, Host] = field(default_factory=dict)  #: hosts of the inventory, by name


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

        :raises RemoteError: it cannot be reached, is another one, lets nobody in or be root, or lacks a Python.
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

    async def run(self, command: str, stdin: bytes = b"") -> CommandResult:
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

    async def call(self, do: str, payload: Path | None = None, **arguments: Any) -> Any:
        """Have the host do what `on_host.main` calls `do`; `payload` is a file to be sent with it.

        :raises RemoteError: it could not; in its own words.
        :raises CutError: the connection broke.
        """
        assert self.machine is not None, "not open"
        archive = program()
        request = json.dumps({"do": do, **arguments}) + "\n"
        command = self._root.command([self.machine.python, "-I", "-c", BOOT, str(len(archive))])
        head = self._root.head + archive + request.encode()
        done = await self._guard(do, lambda: self._run(command, head, payload))
        try:
            answer = json.loads(done.stdout)
        except ValueError:
            raise RemoteError(last_line(done.stderr) or f"{do} ended with status {done.exit_status}") from None
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
            **self._given(host),
        }
        if tunnel:
            options["tunnel"] = tunnel
        try:
            connection = await asyncssh.connect(host.address or host.name, **options)
        except (OSError, asyncssh.Error, TimeoutError, ValueError) as error:
            where = "" if host is self.host else f"the jump host {host.name} "
            with_password = self._login.password is not None
            cause = check.refusal or explain(error, host, with_password=with_password, patience_s=_CONNECT_S)
            raise RemoteError(where + cause) from None
        self._connections.append(connection)

    def _given(self, host: Host) -> dict[str, Any]:
        """What the user says of the way to `host`; of the rest asyncssh has its own defaults."""
        config, password = self._login.ssh_config, self._login.password
        given = {
            "username": host.user,
            "port": host.port,
            "client_keys": [host.key] if host.key else None,
            "config": [str(config)] if config else None,
        }
        return {name: value for name, value in given.items() if value} | (
            {} if password is None else {"password": password}
        )

    async def _probe(self) -> Machine:
        """What is there, and how to be root."""
        done = await self._guard("look around", lambda: self._run(question(self.host.python), b"", None))
        machine = read_answer(done)
        if not machine.is_root and not self.host.sudo:
            raise RemoteError("its user is not root, and the inventory says sudo: false")
        self._root = Way() if machine.is_root else await self._find_sudo(machine)
        return machine

    async def _find_sudo(self, machine: Machine) -> Way:
        async def run(command: str, stdin: bytes) -> CommandResult:
            return await self._guard("sudo", lambda: self._run(command, stdin, None))

        harmless = [machine.python, "-I", "-c", ""]
        return await find_way(run, harmless, self.host.user or "the user", self._login.sudo_password)

    async def _run(self, command: str, head: bytes, payload: Path | None) -> CommandResult:
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
            return CommandResult(stdout.decode(errors="replace"), stderr.decode(errors="replace"), process.exit_status)

    async def _guard(self, what: str, work: Callable[[], Awaitable[CommandResult]]) -> CommandResult:
        try:
            return await work()
        except (OSError, asyncssh.Error) as error:
            raise CutError(f"the ssh connection broke ({words(error)}) during: {what}") from None


def parse_jump(text: str) -> Host:
    """The host that ``[user@]host[:port]`` means."""
    user, _, place = text.rpartition("@")
    name, colon, port = place.rpartition(":")
    if colon and port.isdecimal() and ":" not in name:
        return Host(name, user=user, port=int(port))
    return Host(place, user=user)


async def _send(process: asyncssh.SSHClientProcess[bytes], head: bytes, payload: Path | None) -> None:
    process.stdin.write(head)
    if payload:
        with payload.open("rb") as file:
            while piece := file.read(_PIECE):
                process.stdin.write(piece)
                await process.stdin.drain()
    process.stdin.write_eof()
