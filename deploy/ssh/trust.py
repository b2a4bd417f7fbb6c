"""Decides whether a host is the one it should be: by known_hosts, and never by what it says itself.

A key that nobody knows is accepted, and written down, only where the user said so; one other than the known key never.
"""

from __future__ import annotations

from pathlib import Path

import asyncssh

from plctl.common.base.errors import KernelError

_SSH_PORT = 22


class Trust:
    """A file such as ~/.ssh/known_hosts, for one deployment."""

    def __init__(self, path: Path, *, accept_new: bool = False) -> None:
        """`accept_new`: write the keys of hosts that are not in the file into it."""
        self.path = path
        self._accept_new = accept_new

    def check(self, alias: str) -> Check:
        """What to hand to asyncssh for one connection to the host called `alias`."""
        return Check(self, alias)

    def known(self, host: str, address: str, port: int) -> tuple[list[asyncssh.SSHKey], ...]:
        """The keys in the file for a host: trusted ones, those of authorities, and revoked ones."""
        if not self.path.exists():
            return [], [], []
        found = asyncssh.match_known_hosts(str(self.path), host, address, None if port == _SSH_PORT else port)
        return tuple(list(keys) for keys in found[:3])

    def accept(self, host: str, port: int, key: asyncssh.SSHKey) -> bool:
        """Write down a new host's key, if the user wants that.

        :raises KernelError: the file cannot be written.
        """
        if not self._accept_new:
            return False
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self.path.open("a") as file:
                file.write(f"{_name(host, port)} {' '.join(key.export_public_key().decode().split()[:2])}\n")
        except OSError as error:
            raise KernelError.from_os(f"write {self.path}", error) from error
        return True


class Check(asyncssh.SSHClient):
    """Verifies the key of one connection, and knows afterwards why it was refused."""

    def __init__(self, trust: Trust, alias: str) -> None:
        self.refusal = ""
        self._trust = trust
        self._alias = alias
        self._is_known = False

    def known_hosts(self, host: str, address: str, port: int) -> tuple[list[asyncssh.SSHKey], ...]:
        """asyncssh asks which keys are trusted."""
        found = self._trust.known(host, address, port)
        self._is_known = any(found)
        return found

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:  # noqa: ARG002
        """asyncssh asks whether a key is fine that is not among the trusted ones."""
        name, shown = _name(host, port), f"{key.get_algorithm()} {key.get_fingerprint()}"
        if self._is_known:
            self.refusal = (
                f"its host key has changed: it shows {shown}, which is not the one in {self._trust.path}; if the host "
                f"was installed anew: ssh-keygen -R '{name}' -f {self._trust.path}; if not, somebody is in between"
            )
            return False
        if self._trust.accept(host, port, key):
            return True
        self.refusal = (
            f"its host key is unknown: it shows {shown}, and {self._trust.path} has none for {name}; compare it with "
            "the host's own, then say --accept-new"
        )
        return False


def _name(host: str, port: int) -> str:
    """What a host is called in the file."""
    return host if port == _SSH_PORT else f"[{host}]:{port}"
