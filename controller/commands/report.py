"""`plctl report`: makes the page of a run again, or one that draws other links."""

from __future__ import annotations

from pathlib import Path

import click

from plctl.common.base.errors import KernelError
from plctl.common.cli.terminal import echo


@click.command()
@click.argument("run_folder", type=click.Path(path_type=Path))
@click.option("--link", "links", multiple=True, metavar="NAME", help="Draw this link; may be given several times.")
@click.option("--out", "target", type=click.Path(path_type=Path), help="Write here, not to report.html in the folder.")
def report(run_folder: Path, links: tuple[str, ...], target: Path | None) -> None:
    """Write the report of a run from what its folder holds, and print where it is.

    A run writes its own report; this is for the links of a large run that it left out, for a run that was killed,
    and for a newer plctl.

    \b
    Examples:
      plctl report runs/20261123-041530-handover-7f3a
      plctl report runs/20261123-041530-handover-7f3a --link leo-17 --out leo-17.html
    """
    from plctl.controller.report.page import write  # matplotlib would slow down --help

    try:
        echo(write(run_folder, links=links, target=target))
    except OSError as error:
        raise KernelError.from_os(f"write the report of {run_folder}", error) from error
