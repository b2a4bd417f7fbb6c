"""What `bundle`, `verify` and `rerun` are about: a run, a study, or a bundle of either."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from plctl.common.base.errors import UserError

STUDIES_HERE = click.option("--studies", type=click.Path(file_okay=False, path_type=Path), default=Path("studies"),
                            show_default=True, help="Where the folders of studies are.")  # fmt: skip


def find_subject(word: str, base: Path, studies: Path) -> Path:
    """The folder of the run or study that a user calls `word`.

    :raises UserError: there is none.
    """
    from plctl.controller.study_folder.study_reader import is_study
    from plctl.controller.view.run_source import find_folder

    for path in (Path(word), studies / word):
        if is_study(path):
            return path
    return find_folder(base, word)


@contextmanager
def opened_subject(word: str, base: Path, studies: Path) -> Iterator[Path]:
    """The folder of a run or study; a bundle is unpacked for the length of the block.

    :raises UserError: there is none, or the bundle is damaged.
    """
    from plctl.controller.crate.unpacking import is_bundle, unpacked

    path = Path(word)
    if path.is_file() and not is_bundle(path):
        raise UserError(f"{path} is no bundle: it is not a zip file, or is cut off")
    if is_bundle(path):
        with unpacked(path) as folder:
            yield folder
    else:
        yield find_subject(word, base, studies)


def runs_of(folder: Path) -> list[Path]:
    """The folders of the runs that count in `folder`: of a study, one for each repetition that was carried out."""
    from plctl.controller.study_folder.attempts import by_digest, counting
    from plctl.controller.study_folder.journal import read_journal
    from plctl.controller.study_folder.study_reader import RUNS_NAME, is_study, read_study

    if not is_study(folder):
        return [folder]
    known = by_digest(read_journal(folder))
    stands = (counting(known.get(digest, ())) for digest in read_study(folder).by_digest())
    return [folder / RUNS_NAME / each.run for each in stands if each]
