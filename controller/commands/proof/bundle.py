"""`plctl bundle`: a run or a study as one file that others can check, read and run again."""

from __future__ import annotations

from pathlib import Path

import click

from plctl.common.base.errors import KernelError, UserError
from plctl.common.cli.extra import needs_extra
from plctl.common.cli.terminal import echo
from plctl.common.host.caller import give_to_caller
from plctl.controller.commands.proof.subject import STUDIES_HERE, find_subject
from plctl.controller.commands.run_completion import complete_run
from plctl.controller.commands.run_options import RUNS_HERE


@click.command()
@click.argument("what", metavar="RUN|STUDY", shell_complete=complete_run)
@click.option("-o", "--out", "target", type=click.Path(dir_okay=False, path_type=Path),
              help="Write it here; default: NAME.zip in the current folder.")  # fmt: skip
@click.option("--license", "licence", default="no licence was stated; ask the author", show_default=True,
              help="Under what it may be used: a URL or a name, e.g. https://spdx.org/licenses/CC-BY-4.0.")  # fmt: skip
@click.option("--author", default="", help="Who stands for it.")
@RUNS_HERE
@STUDIES_HERE
def bundle(*, what: str, target: Path | None, licence: str, author: str, base: Path, studies: Path) -> None:
    """Put RUN or STUDY into one zip file, an RO-Crate (Process Run Crate): all that a reviewer needs.

    It holds the spec and the scenarios word for word, versions, host facts, certificates, results and digests.
    plctl verify checks it, plctl rerun runs it again.

    \b
    Examples:
      plctl bundle last --author 'A. Researcher' --license https://spdx.org/licenses/CC-BY-4.0
      plctl bundle cc-and-buffers -o cc-and-buffers.zip
    """
    from plctl.controller.view.progress import reading

    folder = find_subject(what, base, studies)
    path = target or Path(f"{folder.resolve().name}.zip")
    if path.exists() and not target:
        raise UserError(f"{path} exists; say with -o where to write")
    with needs_extra("a bundle"):
        from plctl.controller.crate.bundle import Author, write_bundle

        try:
            with reading("files") as progress:
                write_bundle(folder, path, Author(licence, author), progress)
        except OSError as error:
            raise KernelError.from_os(f"write {path}", error) from error
    give_to_caller(path)
    echo(path)
