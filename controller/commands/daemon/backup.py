"""`plctl controller backup` and `restore`: all that a controller cannot be without, as one file, and back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from plctl.common.cli.keys_option import controller_keys_option
from plctl.common.cli.terminal import echo

if TYPE_CHECKING:
    from plctl.controller.backup.archive import ControllerPlace

_RUNS = click.option("--runs", type=click.Path(path_type=Path, file_okay=False), default=Path("runs"),
                     show_default=True, help="Where the folders of its runs are.")  # fmt: skip
_JOURNAL = click.option("--journal", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
                        help="Its journal; default: controller.sqlite among the runs.")  # fmt: skip


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--with-runs", is_flag=True, help="Also the folders of all runs that are over, which may be large.")
@controller_keys_option
@_RUNS
@_JOURNAL
def backup(*, file: Path, with_runs: bool, folder: Path | None, runs: Path, journal: Path | None) -> None:
    """Write the journal, the keys and, if asked for, the runs of a controller to FILE, while it serves or not.

    FILE has the secret keys in it: only its owner can read it, and nobody else should.

    \b
    Examples:
      sudo plctl controller backup --runs /srv/runs /root/plctl-backup.tar.gz
      plctl controller backup --keys ./keys --runs ./runs --with-runs all.tar.gz
    """
    from plctl.common.base.clock import RealClock
    from plctl.controller.backup.archive import write_backup
    from plctl.controller.view.progress import progress

    with progress(f"writing {file}") as tell:
        done = write_backup(file, _place(folder, runs, journal), RealClock(), with_runs=with_runs, progress=tell)
    echo(f"{file}: a journal of {done.journal} runs, {done.keys} files of keys, {done.runs} folders of runs")


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@controller_keys_option
@_RUNS
@_JOURNAL
def restore(*, file: Path, folder: Path | None, runs: Path, journal: Path | None) -> None:
    """Put what is in the backup FILE where a controller will look for it. Nothing that is there is replaced.

    Agents and people connect to the restored controller with the keys that they have. A run that went on when the
    backup was made is failed by name.

    \b
    Examples:
      sudo plctl controller restore --runs /srv/runs /root/plctl-backup.tar.gz
    """
    from plctl.controller.backup import archive
    from plctl.controller.view.progress import progress

    with progress(f"restoring {file}") as tell:
        done = archive.restore(file, _place(folder, runs, journal), tell)
    echo(f"restored of {done.created_utc}: a journal of {done.journal} runs, keys, {done.runs} folders of runs")


def _place(keys: Path | None, runs: Path, journal: Path | None) -> ControllerPlace:
    from plctl.common.security.keys import keys_dir
    from plctl.controller.backup.archive import ControllerPlace

    return ControllerPlace(keys or keys_dir(), journal or runs / "controller.sqlite", runs)
