"""`plctl report`: makes the page of a run again, or one that draws other links."""

from __future__ import annotations

from pathlib import Path

import click

from plctl.common.base.errors import KernelError, UserError
from plctl.common.cli.terminal import echo
from plctl.common.host.caller import give_to_caller
from plctl.controller.commands.run_completion import complete_link, complete_run
from plctl.controller.commands.run_options import RUN, RUNS_HERE


@click.command()
@RUN
@click.argument("other", metavar="[OTHER]", required=False, shell_complete=complete_run)
@click.option("--link", "links", multiple=True, metavar="NAME", shell_complete=complete_link,
              help="Draw this link; may be given several times.")  # fmt: skip
@click.option("--out", "target", type=click.Path(path_type=Path), help="Write here, not to report.html in the folder.")
@click.option("--pictures", type=click.Path(path_type=Path, file_okay=False),
              help="Write the plots into this folder instead: SVG, PDF, and their numbers as CSV.")  # fmt: skip
@RUNS_HERE
def report(
    *, run: str, other: str | None, links: tuple[str, ...], target: Path | None, pictures: Path | None, base: Path
) -> None:
    """Write the report of RUN from what its folder holds, and print where it is.

    A run writes its own report; this is for the links of a large run that it left out, for a run that was killed,
    and for a newer plctl. RUN is as for plctl show.

    With OTHER, another run, both stand side by side on one page: what was asked differently, the verdicts, and the
    same plots on the same scales. It is RUN-and-OTHER.html here, unless --out says where.

    \b
    Examples:
      plctl report
      plctl report 7f3a --link leo-17 --out leo-17.html
      plctl report runs/20261123-041530-handover-7f3a
      plctl report --pictures figures --link leo-0
      plctl report 7f3a 91c2 --out cubic-and-bbr.html
    """
    from plctl.controller.report.page import write  # matplotlib would slow down --help
    from plctl.controller.view.run_source import find_folder

    folder = find_folder(base, run)
    if other is not None:
        if pictures:
            raise UserError("--pictures is of one run: write those of each")
        _compare((folder, find_folder(base, other)), links, target)
        return
    if pictures:
        _write_pictures(folder, links, pictures)
        return
    try:
        written = write(folder, links=links, target=target)
    except OSError as error:
        raise KernelError.from_os(f"write the report of {folder}", error) from error
    give_to_caller(written)
    echo(written)


def _write_pictures(folder: Path, links: tuple[str, ...], target: Path) -> None:
    from plctl.controller.report.page import choose
    from plctl.controller.report.picture_files import write_pictures
    from plctl.controller.results.run_reader import read_record

    record = read_record(folder)
    try:
        count = write_pictures(folder, record, choose(record, links), target)
    except OSError as error:
        raise KernelError.from_os(f"write pictures to {target}", error) from error
    for path in (target, *target.iterdir()):
        give_to_caller(path)
    echo(f"{count} pictures as SVG, PDF and CSV in {target}")


def _compare(folders: tuple[Path, Path], links: tuple[str, ...], target: Path | None) -> None:
    from plctl.controller.report.comparison import write

    first, second = (folder.resolve().name for folder in folders)
    path = target or Path(f"{first}-and-{second}.html")
    try:
        written = write(folders, path, links)
    except OSError as error:
        raise KernelError.from_os(f"write {path}", error) from error
    give_to_caller(written)
    echo(written)
