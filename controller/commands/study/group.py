"""`plctl study`: many runs that differ in a few things, and one answer."""

from __future__ import annotations

import click

from plctl.common.cli.help_group import HelpGroup
from plctl.controller.commands.study.check import check, plan


@click.group(cls=HelpGroup)
def study() -> None:
    """Run a run spec many times, with everything that varies in every combination; and go on after any end.

    \b
    Examples:
      plctl study check scenarios/study.yaml          every mistake, before anything runs
      plctl study plan scenarios/study.yaml           every cell, time and disk
    """


for _command in (check, plan):
    study.add_command(_command)
