"""`plctl events`: the log of a run, all hosts' in one order."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from plctl.common.cli.streams import is_gone
from plctl.common.cli.terminal import echo
from plctl.common.client.options import Reach
from plctl.controller.commands.run_completion import complete_host, complete_link
from plctl.controller.commands.run_options import JSON, OUT, RUN, run_options

if TYPE_CHECKING:
    from plctl.controller.view.run_source import RunSource


@click.command()
@RUN
@click.option("--follow", is_flag=True, help="Go on until the run is over.")
@click.option("--link", "links", metavar="GLOB", multiple=True, shell_complete=complete_link,
              help="Only of links that are called so.")  # fmt: skip
@click.option("--host", "hosts", metavar="GLOB", multiple=True, shell_complete=complete_host,
              help="Only of these hosts, or of controller.")  # fmt: skip
@click.option("--event", "names", metavar="GLOB", multiple=True, help="Only these events, e.g. 'link.*'.")
@JSON
@OUT
@run_options
def events(
    *, run: str, follow: bool, links: tuple[str, ...], hosts: tuple[str, ...], names: tuple[str, ...], reach: Reach,
    base: Path, as_json: bool,
) -> None:  # fmt: skip
    """Print what happened in RUN, in the order of the controller's clock; times are UTC.

    RUN is as for plctl show. With --json the events are one list; with --follow too, each is a document on a line.

    \b
    Examples:
      plctl events
      plctl events 7f3a --follow --link 'leo-*'
      plctl events 7f3a --json --event workload.ended | jq '.[] | select(.status != 0)'
    """
    from plctl.common.base.clock import RealClock
    from plctl.controller.view.event_text import line, matches
    from plctl.controller.view.run_source import look, read_events
    from plctl.controller.view.tail import tail_events

    async def print_followed(source: RunSource, found: str) -> None:
        async for event in tail_events(source, found, RealClock()):
            if matches(event, links=links, hosts=hosts, names=names):
                echo(json.dumps(event) if as_json else line(event))
            if is_gone(sys.stdout):  # `| head`: nobody follows any more
                return

    if follow:
        look(reach, base, run, print_followed)
        return
    wanted = [e for e in look(reach, base, run, read_events) if matches(e, links=links, hosts=hosts, names=names)]
    if as_json:
        echo(json.dumps(wanted, indent=1))
    for event in [] if as_json else wanted:
        echo(line(event))
