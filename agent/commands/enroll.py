"""`plctl agent enroll`: key pairs for agents, made where the controller is."""

from __future__ import annotations

from pathlib import Path

import click

from plctl.common.cli.keys_option import controller_keys_option
from plctl.common.cli.terminal import echo


@click.command(
    epilog="""\b
Examples (on the controller's machine):
  sudo plctl agent enroll edge-1
  sudo scp /etc/plctl/enrolled/edge-1/* edge-1:/etc/plctl/
  plctl agent enroll sim-{0..99} --keys ./keys       a hundred, for a simulation
"""
)
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@click.option("--replace", is_flag=True, help="Make the key that NAME has void.")
@controller_keys_option
def enroll(names: tuple[str, ...], replace: bool, folder: Path | None) -> None:
    """Make a key pair for each agent NAME and let it in; prints the files that belong into its host's /etc/plctl."""
    from plctl.common.security import enrolment
    from plctl.common.security.keys import keys_dir

    for path in enrolment.enroll_all(folder or keys_dir(), names, "agent", replace=replace):
        echo(path)
