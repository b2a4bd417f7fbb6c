"""`plctl study`: many runs that differ in a few things, and one answer."""

from __future__ import annotations

import click

from plctl.common.cli.help_group import HelpGroup
from plctl.controller.commands.study.check import check, plan
from plctl.controller.commands.study.look import COMMANDS
from plctl.controller.commands.study.results import RESULTS
from plctl.controller.commands.study.run import run


@click.group(cls=HelpGroup)
def study() -> None:
    """Run a run spec many times, with everything that varies in every combination; and go on after any end.

    \b
    Examples:
      plctl study check scenarios/study.yaml          every mistake, before anything runs
      plctl study plan scenarios/study.yaml           every cell, time and disk
      sudo plctl study run scenarios/study.yaml       on this machine; the same command goes on
      plctl study status cc-and-buffers               progress, time left, each cell
      plctl study why cc-and-buffers                  what was not ok
      plctl study report cc-and-buffers               pictures and figures of what came of it
    """


for _command in (check, plan, run, *COMMANDS, *RESULTS):
    study.add_command(_command)
