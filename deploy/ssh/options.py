"""The options of every command that goes to hosts over ssh: which hosts there are, and how to get in."""

from __future__ import annotations

import functools
import getpass
import warnings
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from plctl.common.base.errors import UserError
from plctl.common.base.private_file import read_private

if TYPE_CHECKING:
    from plctl.deploy.inventory.reader import Inventory
    from plctl.deploy.ssh.remote import Login

_FILE = click.Path(path_type=Path, dir_okay=False)


@dataclass(frozen=True, slots=True)
class SshOptions:
    """What the command line says; nothing is read yet."""

    path: Path | None  #: of the inventory
    parallel: int
    accept_new: bool
    known_hosts: Path | None
    password_file: Path | None
    ask_password: bool
    sudo_password_file: Path | None
    ask_sudo_password: bool
    wheels: tuple[Path, ...]

    def load(self) -> tuple[Inventory, Login]:
        """The inventory, and how to get into its hosts.

        :raises UserError: no inventory is named, something is wrong with it, or a password cannot be read.
        """
        from plctl.deploy.inventory.reader import load_inventory  # noqa: PLC0415  # pydantic's company, and below asyncssh
        from plctl.deploy.ssh.remote import Login  # noqa: PLC0415
        from plctl.deploy.ssh.trust import Trust  # noqa: PLC0415

        if self.path is None:
            raise UserError("which hosts are there? say -i hosts.yaml")
        inventory = load_inventory(self.path)
        return inventory, Login(
            Trust(self.known_hosts or Path.home() / ".ssh/known_hosts", accept_new=self.accept_new),
            _get_password("ssh", self.password_file, ask=self.ask_password),
            _get_password("sudo", self.sudo_password_file, ask=self.ask_sudo_password),
            inventory.file if inventory.ssh_config else None,
            {host.name: host for host in inventory.hosts},
        )


def ssh_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give `command` these options; it gets them as one keyword argument, `ssh`."""

    @functools.wraps(command)
    def with_options(*args: Any, **options: Any) -> Any:
        ssh = SshOptions(**{field.name: options.pop(field.name) for field in fields(SshOptions)})
        return command(*args, ssh=ssh, **options)

    for option in reversed(_OPTIONS):
        with_options = option(with_options)
    return with_options


def _get_password(what: str, path: Path | None, *, ask: bool) -> str | None:
    """The password for `what`: from the file at `path`, from the terminal if it is to be asked for there, or none."""
    if path is None:
        return _ask(what) if ask else None
    if ask:
        raise UserError(f"is the password for {what} in {path}, or is it to be asked for? say one")
    try:
        password = read_private(path).rstrip("\n")
    except FileNotFoundError:
        raise UserError(f"there is no password in {path}: no such file") from None
    if len(password.splitlines()) != 1:
        raise UserError(f"there is no password in {path}: it must be one line")
    return password


def _ask(what: str) -> str:
    """What the user types, unseen, even where the standard streams are redirected."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", getpass.GetPassWarning)  # it would echo
        try:
            return getpass.getpass(f"Password for {what}: ")
        except (getpass.GetPassWarning, EOFError):
            raise UserError(f"there is no terminal to ask for the password for {what}: put it into a file") from None


_OPTIONS = (
    click.option("-i", "--inventory", "path", type=_FILE,
                 help="hosts.yaml, an Ansible inventory (INI, YAML), or an OpenSSH config."),
    click.option("--parallel", type=click.IntRange(1, 500), default=10, show_default=True,
                 help="Hosts at the same time."),
    click.option("--accept-new", is_flag=True, help="Write the keys of hosts that known_hosts lacks into it."),
    click.option("--known-hosts", type=_FILE, help="In place of ~/.ssh/known_hosts."),
    click.option("--ask-password", is_flag=True, help="Ask for the password for ssh, on the terminal."),
    click.option("--ask-sudo-password", is_flag=True, help="Ask for the one for sudo."),
    click.option("--password-file", type=_FILE, help="Holds the password for ssh; only its owner may read it."),
    click.option("--sudo-password-file", type=_FILE, help="Holds the password for sudo; likewise."),
    click.option("--wheel", "wheels", type=_FILE, multiple=True, help="A wheel of plctl, for another architecture."),
)  # fmt: skip
