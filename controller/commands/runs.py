"""`plctl runs`: the newest runs, of a controller or in the folders here."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from plctl.common.cli.terminal import echo
from plctl.common.client.options import Reach
from plctl.controller.commands.run_options import JSON, OUT, run_options

if TYPE_CHECKING:
    from plctl.common.protocol.requests import RunInfo

_HEADERS = ("run", "state", "links", "hosts", "by", "labels")
#: Hosts that are named; of more only the number is told.
_HOSTS = 4


@click.command()
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="At most so many.")
@JSON
@OUT
@run_options
def runs(reach: Reach, base: Path, limit: int, as_json: bool) -> None:
    """List runs, the newest first: the controller's, or without one those whose folders are here.

    \b
    Examples:
      plctl runs
      plctl runs --json | jq -r '.runs[] | select(.verdict == "failed") | .run'
    """
    from plctl.common.protocol.requests import Runs
    from plctl.common.protocol.wire import to_plain
    from plctl.controller.view.run_source import open_source

    async def ask() -> tuple[str, tuple[RunInfo, ...]]:
        async with open_source(reach, base) as (source, _):
            return source.place, await source.runs(limit)

    place, found = asyncio.run(ask())
    if as_json:
        echo(json.dumps(to_plain(Runs(found)), indent=1))
    elif found:
        _print(found)
    else:
        echo(f"there is no run in {place} yet")


def _print(found: tuple[RunInfo, ...]) -> None:
    from rich.text import Text

    from plctl.controller.view.screen import stdout_screen
    from plctl.controller.view.summary import colour
    from plctl.controller.view.tables import print_table

    labelled = any(each.labels for each in found)
    rows: list[list[str | Text]] = [
        [each.run, Text(each.verdict or each.phase, style=colour(each.verdict)), str(each.links), _hosts(each.hosts),
         each.submitted_by or "–", *([_labels(each)] if labelled else [])]
        for each in found
    ]  # fmt: skip
    print_table(stdout_screen(), _HEADERS[: len(rows[0])], rows, right=("links",))


def _labels(run: RunInfo) -> str:
    return ", ".join(f"{key}={value}" for key, value in run.labels.items()) or "–"


def _hosts(hosts: tuple[str, ...]) -> str:
    return ", ".join(hosts) if len(hosts) <= _HOSTS else f"{len(hosts)} hosts"
