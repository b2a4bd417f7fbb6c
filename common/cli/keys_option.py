"""The option for a controller's keys folder, of every command that reads or changes what is in it."""

from __future__ import annotations

from pathlib import Path

import click

#: The command gets it as `folder`; None: as `plctl.common.security.keys.keys_dir` finds it.
controller_keys_option = click.option(
    "--keys",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="The controller's keys folder; default: $PLCTL_KEYS, or /etc/plctl for root, or ~/.config/plctl.",
)
