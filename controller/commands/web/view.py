"""`plctl view`: the live page over folders, without a controller."""

from __future__ import annotations

import asyncio
import signal
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from plctl.common.base.errors import UserError
from plctl.common.cli.terminal import echo
from plctl.controller.commands.web.options import needs_web

if TYPE_CHECKING:
    from plctl.controller.web.server import WebOptions
    from plctl.controller.web.sources.folder_source import FolderSource


@click.command()
@click.argument("runs", type=click.Path(file_okay=False, path_type=Path), default=Path("runs"), metavar="[RUNS]")
@click.option("--studies", type=click.Path(file_okay=False, path_type=Path), default=Path("studies"),
              show_default=True, help="Where the folders of studies are.")  # fmt: skip
@click.option("--http", "address", default="127.0.0.1:8780", show_default=True, metavar="ADDRESS",
              help="Where the page is served: HOST:PORT; port 0 is any that is free.")  # fmt: skip
def view(runs: Path, studies: Path, address: str) -> None:
    """Serve a page that shows the runs below RUNS, also one that goes on, until Ctrl-C.

    Needs no controller and no root. RUNS may also be the folder of one run.

    \b
    Examples:
      plctl view
      plctl view /srv/runs --http 127.0.0.1:9000
    """
    if not runs.is_dir():
        raise UserError(f"there is no folder {runs}; a run makes it, or say where runs are: plctl view RUNS")
    with needs_web("plctl view"):
        from plctl.controller.web.address import parse_address
        from plctl.controller.web.server import WebOptions
        from plctl.controller.web.sources.folder_source import FolderSource
    base = runs.resolve().parent if (runs / "run.json").is_file() else runs
    with closing(FolderSource(base, studies)) as source:
        asyncio.run(_serve(source, WebOptions(parse_address(address))))


async def _serve(source: FolderSource, options: WebOptions) -> None:
    from plctl.controller.web.server import serving

    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with serving(source, options) as url:
        echo(f"{source.runs.place} at {url} (Ctrl-C ends it)")
        await stopped.wait()
