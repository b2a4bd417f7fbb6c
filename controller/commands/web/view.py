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
from plctl.controller.commands.web.options import WebOrder, opened_web, web_options

if TYPE_CHECKING:
    from plctl.controller.web.server import WebOptions
    from plctl.controller.web.sources.folder_source import FolderSource


@click.command()
@click.argument("runs", type=click.Path(file_okay=False, path_type=Path), default=Path("runs"), metavar="[RUNS]")
@click.option("--studies", type=click.Path(file_okay=False, path_type=Path), default=Path("studies"),
              show_default=True, help="Where the folders of studies are.")  # fmt: skip
@web_options(default="127.0.0.1:8780")
def view(runs: Path, studies: Path, web: WebOrder) -> None:
    """Serve a page that shows the runs below RUNS, also one that goes on, until Ctrl-C.

    Needs no controller and no root. RUNS may also be the folder of one run.

    \b
    Examples:
      plctl view
      plctl view /srv/runs --http 127.0.0.1:9000
      plctl view --http 0.0.0.0:8780          for others, by TLS: plctl controller token add ada --role viewer
    """
    if not runs.is_dir():
        raise UserError(f"there is no folder {runs}; a run makes it, or say where runs are: plctl view RUNS")
    with opened_web(web, None, "plctl view") as options:
        from plctl.controller.web.sources.folder_source import FolderSource

        assert options  # there is always an address
        base = runs.resolve().parent if (runs / "run.json").is_file() else runs
        with closing(FolderSource(base, studies)) as source:
            asyncio.run(_serve(source, options))


async def _serve(source: FolderSource, options: WebOptions) -> None:
    from plctl.controller.web.server import serving

    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with serving(source, options, lambda trouble: echo(trouble, err=True)):
        echo(f"{source.runs.place} at {options.told}; Ctrl-C ends it")
        await stopped.wait()
