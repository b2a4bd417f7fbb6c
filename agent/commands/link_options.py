"""What the commands of `plctl link` have in common."""

from __future__ import annotations

import click

from plctl.agent.link.hand_link import DEFAULT_NAME

NAME = click.option("-n", "--name", default=DEFAULT_NAME, show_default=True, help="The name of the link.")
