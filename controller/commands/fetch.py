"""`plctl fetch`: copy a run's folder from the controller."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from plctl.common.cli.terminal import echo
from plctl.common.client.options import Reach, controller_options
from plctl.common.host.caller import give_to_caller
from plctl.controller.commands.run_completion import complete_run

if TYPE_CHECKING:
    from plctl.common.client.controller_client import Client


@click.command()
@click.argument("run", metavar="RUN", shell_complete=complete_run)
@click.option("--out", "base", type=click.Path(file_okay=False, path_type=Path), default=Path("runs"),
              show_default=True, help="Where the run's folder is made.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document, and no progress.")
@controller_options()
def fetch(run: str, base: Path, reach: Reach, as_json: bool) -> None:
    """Copy the folder of RUN here, as if it had run here; a copy that was broken off is continued.

    RUN is an id, the beginning or the end of one, the path of a folder that is called so, or last.

    \b
    Examples:
      plctl fetch last
      plctl fetch 7f3a --out results
    """
    from plctl.controller.view.fetch_progress import fetch_visibly
    from plctl.controller.view.remote_runs import RemoteRuns
    from plctl.controller.view.run_source import find_run, require_run

    async def copy(client: Client) -> Path:
        source = RemoteRuns(client, client.address)
        return await fetch_visibly(source, require_run(await find_run(source, run), source), base, quiet=as_json)

    folder = reach.ask(copy)
    give_to_caller(folder)
    echo(json.dumps({"run": folder.name, "folder": str(folder)}, indent=1) if as_json else f"results: {folder}")
