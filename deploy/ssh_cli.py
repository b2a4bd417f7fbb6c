"""The options of every command that goes to hosts over ssh: which hosts there are, and how to get in."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from plctl.common.errors import UserError
from plctl.common.private_file import read_private

if TYPE_CHECKING:
    from plctl.deploy.inventory import Inventory
    from plctl.deploy.remote import Login

_FILE = click.Path(path_type=Path, dir_okay=False)


@dataclass(frozen=True, slots=True)
class SshOptions:
    """What the command line says; nothing is read yet."""

    path: Path | None  #: of the inventory
    parallel: int
    accept_new: bool
    known_hosts: Path | None
    password_file: Path | None
    sudo_password_file: Path | None
    wheels: tuple[Path, ...]

    def load(self) -> tuple[Inventory, Login]:
        """The inventory, and how to get into its hosts.

        :raises UserError: no inventory is named, something is wrong with it, or a password cannot be read.
        """
        from plctl.deploy.inventory import load_inventory  # noqa: PLC0415  # pydantic's company, and below asyncssh
        from plctl.deploy.remote import Login  # noqa: PLC0415
        from plctl.deploy.ssh_trust import Trust  # noqa: PLC0415

        if self.path is None:
            raise UserError("which hosts are there? say -i hosts.yaml")
        inventory = load_inventory(self.path)
        return inventory, Login(
            Trust(self.known_hosts or Path.home() / ".ssh/known_hosts", accept_new=self.accept_new),
            _read_password(self.password_file),
            _read_password(self.sudo_password_file),
            inventory.file if inventory.ssh_config else None,
            {host.name: host for host in inventory.hosts},
        )


def ssh_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give `command` these options; it gets them as one keyword argument, `ssh`."""

    @functools.wraps(command)
    def with_options(
        *args: Any,
        path: Path | None,
        parallel: int,
        accept_new: bool,
        known_hosts: Path | None,
        password_file: Path | None,
        sudo_password_file: Path | None,
        wheels: tuple[Path, ...],
        **others: Any,
    ) -> Any:
        ssh = SshOptions(path, parallel, accept_new, known_hosts, password_file, sudo_password_file, wheels)
        return command(*args, ssh=ssh, **others)

    for option in reversed(_OPTIONS):
        with_options = option(with_options)
    return with_options


def _read_password(path: Path | None) -> str | None:
    if path is None:
        return None
    try:
        return read_private(path).rstrip("\n")
    except FileNotFoundError:
        raise UserError(f"there is no password in {path}: no such file") from None


_OPTIONS = (
    click.option("-i", "--inventory", "path", type=_FILE,
                 help="hosts.yaml, an Ansible inventory (INI, YAML), or an OpenSSH config."),
    click.option("--parallel", type=click.IntRange(1, 500), default=10, show_default=True,
                 help="Hosts at the same time."),
    click.option("--accept-new", is_flag=True, help="Write the keys of hosts that known_hosts lacks into it."),
    click.option("--known-hosts", type=_FILE, help="In place of ~/.ssh/known_hosts."),
    click.option("--password-file", type=_FILE, help="Holds the password for ssh; only its owner may read it."),
    click.option("--sudo-password-file", type=_FILE, help="Holds the password for sudo; likewise."),
    click.option("--wheel", "wheels", type=_FILE, multiple=True, help="A wheel of plctl, for another architecture."),
)  # fmt: skip
