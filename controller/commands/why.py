"""`plctl why`: the history of one link, in one place."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import click

from plctl.common.base.printable import printable
from plctl.common.cli.terminal import echo
from plctl.common.client.options import Reach
from plctl.controller.commands.run_completion import complete_link, complete_run
from plctl.controller.commands.run_options import JSON, OUT, run_options

if TYPE_CHECKING:
    from plctl.controller.view.run_source import RunSource
    from plctl.controller.view.why import LinkHistory

#: Of the further lines of what does not fit into one.
_INDENT = 8 * " "


@click.command()
@click.argument("link", shell_complete=complete_link)
@click.option("--run", metavar="RUN", default="last", shell_complete=complete_run,
              help="As for plctl show; default: the newest.")  # fmt: skip
@JSON
@OUT
@run_options
def why(*, link: str, run: str, reach: Reach, base: Path, as_json: bool) -> None:
    """Explain what became of LINK: its first cause, what happened when, and how to run it again.

    Also how well its host's clock was known, its last telemetry, what the emulated queue dropped and what the machine
    lost, and the end of what its workloads wrote to standard error.

    \b
    Examples:
      plctl why leo-3
      plctl why leo-3 --run 7f3a --json | jq -r .cause
    """
    from plctl.controller.view import why as why_view
    from plctl.controller.view.run_source import look

    async def gather(source: RunSource, found: str) -> LinkHistory:
        return await why_view.gather(source, found, link)

    history = look(reach, base, run, gather)
    if as_json:
        echo(json.dumps(why_view.document(history), indent=1))
    else:
        for line in why_view.render(history):
            echo(_fold(printable(line)))


def _fold(line: str) -> str:
    """`line` broken between words where the terminal ends; as it is where there is none."""
    if not sys.stdout.isatty():
        return line
    width = shutil.get_terminal_size().columns
    return "\n".join(textwrap.wrap(line, width, subsequent_indent=_INDENT, replace_whitespace=False)) or line
