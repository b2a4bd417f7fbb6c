"""`plctl scenario make`: scenarios out of models, for whom has no trace."""

from __future__ import annotations

import click

from plctl.common.cli.help_group import HelpGroup
from plctl.controller.commands.make import chance, curves
from plctl.controller.commands.make.leo import leo


@click.group(cls=HelpGroup)
def make() -> None:
    """Make a scenario out of a model, and write it to standard output as CSV.

    It is the same in both directions, unless the model says otherwise; for two that differ, make both and merge
    them. The first line of what is written is a comment with the command.

    \b
    Examples:
      plctl scenario make sine --rate 5Mbit/s..50Mbit/s --delay 20ms -o sine.csv
      plctl scenario make markov --state 50Mbit/s,20ms,9s --state 1Mbit/s,80ms,1s --seed 7 | plctl scenario stats -
      plctl scenario make cellular --speed 90 --duration 5min | plctl scenario scale --rate 2 -o drive.csv
    """


for _command in (*curves.COMMANDS, *chance.COMMANDS, leo):
    make.add_command(_command)
