"""`plctl controller`: the keys of a controller and of the people who use it."""

from __future__ import annotations

import getpass
from pathlib import Path

import click

_keys_option = click.option(
    "--keys",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="The controller's keys folder; default: $PLCTL_KEYS, or /etc/plctl for root, or ~/.config/plctl.",
)


@click.group()
def controller() -> None:
    """Say who may connect to this machine's controller, and as what."""


@controller.command(
    epilog="""\b
Examples:
  sudo plctl controller init                     keys in /etc/plctl
  plctl controller init --keys ./keys --operator ada
"""
)
@_keys_option
@click.option("--operator", default=getpass.getuser, metavar="NAME", help="The first operator; default: you.")
def init(folder: Path | None, operator: str) -> None:
    """Make the controller's key pair, the first operator's, and the list of who may connect."""
    from plctl.common.enrolment import init_controller
    from plctl.common.keys import keys_dir

    for path in init_controller(folder or keys_dir(), operator):
        click.echo(path)


@controller.command()
@click.argument("name")
@click.option("--role", type=click.Choice(["operator", "viewer"]), required=True, help="May run, or may only look.")
@click.option("--replace", is_flag=True, help="Make the key that NAME has void.")
@_keys_option
def grant(name: str, role: str, replace: bool, folder: Path | None) -> None:
    """Make a key pair for a person and let them in.

    Prints the files that belong in the person's own keys folder (~/.config/plctl). For agents: plctl agent enroll.
    """
    from plctl.common.enrolment import enroll
    from plctl.common.keys import keys_dir

    for path in enroll(folder or keys_dir(), name, "operator" if role == "operator" else "viewer", replace=replace):
        click.echo(path)


@controller.command()
@click.argument("name")
@_keys_option
def revoke(name: str, folder: Path | None) -> None:
    """Let NAME in no more; a living connection of it is refused from its next message on."""
    from plctl.common.allow_list import AllowList
    from plctl.common.keys import keys_dir

    AllowList(folder or keys_dir()).remove(name)
