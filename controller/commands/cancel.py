"""`plctl cancel`: end a controller's run in good order."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from plctl.common.cli.terminal import echo
from plctl.common.client.options import Reach, controller_options
from plctl.controller.commands.run_completion import complete_run

if TYPE_CHECKING:
    from plctl.common.client.controller_client import Client


@click.command()
@click.argument("run", metavar="RUN", shell_complete=complete_run)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@controller_options()
def cancel(run: str, reach: Reach, as_json: bool) -> None:
    """End RUN early: its links are taken away, and what was measured until then is kept.

    RUN is an id, the beginning or the end of one, the path of a folder that is called so, or last. It takes its time to
    end: plctl show RUN --follow. A run without a controller is cancelled by Ctrl-C where it was started.

    \b
    Examples:
      plctl cancel 7f3a
      plctl cancel last && plctl show last --follow
    """
    from plctl.common.protocol.requests import Cancel, Done
    from plctl.controller.view.remote_runs import RemoteRuns
    from plctl.controller.view.run_source import find_run, require_run

    async def end(client: Client) -> tuple[str, str]:
        source = RemoteRuns(client, client.address)
        found = require_run(await find_run(source, run), source)
        return found, (await client.ask(Cancel(found, f"{client.name} asked for it"), Done)).what

    found, what = reach.ask(end)
    echo(json.dumps({"run": found, "what": what}, indent=1) if as_json else what or f"{found} is being ended")
