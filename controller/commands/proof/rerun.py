"""`plctl rerun`: runs again what a run, a study or a bundle was, and says what differs."""

from __future__ import annotations

from pathlib import Path

import click

from plctl.common.cli.terminal import echo
from plctl.controller.commands.proof.subject import STUDIES_HERE, opened_subject, runs_of
from plctl.controller.commands.run import run as run_command
from plctl.controller.commands.run_completion import complete_run
from plctl.controller.commands.run_options import RUNS_HERE


@click.command()
@click.argument("what", metavar="RUN|STUDY|BUNDLE", shell_complete=complete_run)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=Path("reruns"), show_default=True,
              help="Where the new runs' folders are made.")  # fmt: skip
@RUNS_HERE
@STUDIES_HERE
@click.pass_context
def rerun(ctx: click.Context, *, what: str, out: Path, base: Path, studies: Path) -> None:
    """Run RUN, or every run that counts in STUDY or BUNDLE, again: same links, schedules, programs and seed.

    Needs the folder or the bundle alone. Afterwards it says what differs: software, machine, verdicts, counters.
    Programs under test are not in a bundle; they must be on this machine.

    Exit status: 0 all new runs are ok; 1 one is not; 2 the input is wrong; 130 cancelled.

    \b
    Examples:
      sudo plctl rerun 20261123-041530-handover-7f3a.zip
      sudo plctl rerun studies/cc-and-buffers
    """
    from plctl.controller.results.run_reader import RUN_NAME, read_record
    from plctl.controller.verification.difference import differences

    status = 0
    with opened_subject(what, base, studies) as folder:
        for run in runs_of(folder):
            before = {path.parent for path in out.glob(f"*/{RUN_NAME}")}
            ended = _run(run, out)
            made = {path.parent for path in out.glob(f"*/{RUN_NAME}")} - before
            status = max(status, ended)
            for path in made:
                record = read_record(run)  # of a bundle, the folder is a temporary one
                echo(f"{record.run}, again as {path}:")
                for line in differences(record, read_record(path)) or ["nothing differs"]:
                    echo(f"  {line}")
            if ended > 1:
                break
    ctx.exit(status)


def _run(folder: Path, out: Path) -> int:
    """The exit status of `plctl run FOLDER` on this machine."""
    status: int | None = run_command.main(
        [str(folder), "--local", "--out", str(out)], "plctl run", standalone_mode=False
    )
    return status or 0
