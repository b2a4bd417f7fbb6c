"""What the commands that look at runs have in common on their command lines."""

from __future__ import annotations

from pathlib import Path

import click

from plctl.common.client.options import controller_options
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

#: Leads to the runs of a controller, or to those here.
run_options = controller_options(local="Look at folders here, though there is a controller.")
