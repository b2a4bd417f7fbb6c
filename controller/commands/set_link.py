"""`plctl set`: change a link of a controller's run while it runs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from plctl.common.cli.change_options import change_options
from plctl.common.cli.terminal import echo
from plctl.common.client.options import Reach, controller_options
from plctl.common.plan.link_change import AppliedChange, LinkChange, describe, format_at
from plctl.controller.commands.run_completion import complete_link, complete_run

if TYPE_CHECKING:
    from plctl.common.client.controller_client import Client


@click.command("set")
@click.argument("run", metavar="RUN", shell_complete=complete_run)
@click.argument("link", metavar="LINK", shell_complete=complete_link)
@change_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@controller_options()
def set_link(run: str, link: str, reach: Reach, change: LinkChange, as_json: bool) -> None:
    """Change LINK of RUN while it runs.

    Both directions, or one with --up or --down, at one instant of scenario time. Frames on their way are not lost, nor
    do they overtake, and values that are not named stay as they are. The change holds until the scenario's next row;
    with --hold later rows keep the named values, too. The run's log, its record and its report tell of it.

    RUN is an id, the beginning or the end of one, the path of a folder that is called so, or last. A run without a
    controller cannot be changed from outside: give it one (plctl controller), or use plctl link.

    \b
    Examples:
      plctl set last leo-0 --delay 20ms --rate 5Mbps
      plctl set 7f3a leo-3 --down --loss 1% --hold
    """
    from plctl.common.protocol.requests import ChangeLink, LinkChanged
    from plctl.common.protocol.wire import to_plain
    from plctl.controller.view.remote_runs import RemoteRuns
    from plctl.controller.view.run_source import find_run, require_run

    async def ask(client: Client) -> tuple[str, AppliedChange]:
        source = RemoteRuns(client, client.address)
        found = require_run(await find_run(source, run), source)
        return found, (await client.ask(ChangeLink(found, link, change), LinkChanged)).applied

    found, done = reach.ask(ask)
    if as_json:
        echo(json.dumps({"run": found, "link": link, **to_plain(done)}, indent=1))
    else:
        echo(f"{link} of {found} from {format_at(done)} of scenario time on: {describe(done)}")
