"""Shows the progress of a fetch: a bar on a terminal, nothing elsewhere."""

from __future__ import annotations

from pathlib import Path

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from plctl.controller.view.fetch import fetch
from plctl.controller.view.run_source import RunSource
from plctl.controller.view.screen import stderr_screen


async def fetch_visibly(source: RunSource, run: str, base: Path, *, quiet: bool = False) -> Path:
    """As `fetch`, with its progress on standard error."""
    console = stderr_screen(quiet=quiet)
    columns = (TextColumn("fetching"), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task("")
        return await fetch(source, run, base, lambda here, total: bar.update(task, completed=here, total=total))
