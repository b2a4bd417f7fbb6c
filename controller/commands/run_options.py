"""What the commands that look at runs have in common on their command lines."""

from __future__ import annotations

from pathlib import Path

import click

from plctl.common.base.errors import UserError
from plctl.common.base.units import parse_size
from plctl.common.client.options import controller_options
from plctl.common.plan.run_plan import MAX_CAPTURE_BYTES
from plctl.controller.commands.run_completion import complete_run

#: The run that is looked at.
RUN = click.argument("run", metavar="[RUN]", default="last", shell_complete=complete_run)
#: Where runs are without a controller.
OUT = click.option("--out", "base", type=click.Path(file_okay=False, path_type=Path), default=Path("runs"),
                   show_default=True, help="Without a controller: where the folders of runs are.")  # fmt: skip
#: Likewise, for commands that look at folders only.
RUNS_HERE = click.option("--runs", "base", type=click.Path(file_okay=False, path_type=Path), default=Path("runs"),
                         show_default=True, help="Where the folders of runs are.")  # fmt: skip
JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


def read_capture(text: str | int) -> int:
    """Bytes of each frame that are kept, as in a command-line value such as 128B.

    :raises click.BadParameter: it cannot be read, or a packet log cannot keep so many.
    """
    if isinstance(text, int):  # the default
        return text
    try:
        size = parse_size(text)
    except UserError as error:
        raise click.BadParameter(str(error)) from None
    if not 1 <= size <= MAX_CAPTURE_BYTES:
        raise click.BadParameter(f"{text!r} of each packet cannot be kept; legal is 1B to {MAX_CAPTURE_BYTES}B")
    return size


#: Leads to the runs of a controller, or to those here.
run_options = controller_options(local="Look at folders here, though there is a controller.")
