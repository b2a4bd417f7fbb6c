"""What the commands of `plctl study` share: which study is meant, and reading one with progress."""

from __future__ import annotations

import glob
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from plctl.common.base.errors import UserError
from plctl.common.cli.terminal import warn

if TYPE_CHECKING:
    from plctl.controller.study.cells import Study


def _complete(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """What a shell offers for STUDY: the names of those that were run here; paths, if it is one."""
    if "/" in incomplete or incomplete.startswith("."):
        return [CompletionItem(incomplete, type="file")]
    base: Path = ctx.params.get("base") or Path("studies")
    return [CompletionItem(path.parent.name) for path in sorted(base.glob(f"{glob.escape(incomplete)}*/study.json"))]


JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
#: Where studies are.
STUDIES = click.option("--studies", "base", type=click.Path(file_okay=False, path_type=Path), default=Path("studies"),
                       show_default=True, help="Where the folders of studies are.")  # fmt: skip
#: The file of a study.
FILE = click.argument("file", type=click.Path(path_type=Path), metavar="STUDY.YAML")
#: A study that was run: its name, its folder, or its file.
STUDY = click.argument("study", metavar="STUDY", shell_complete=_complete)


def read_visibly(file: Path) -> Study:
    """The study in `file`; with its warnings, and with progress if that takes long.

    :raises InputError: everything that is wrong with it.
    """
    from plctl.common.cli.extra import needs_extra

    with needs_extra("reading a study"):
        from plctl.controller.study.cells import load_study
        from plctl.controller.view.progress import reading

    with reading("cells") as tell:
        study = load_study(file, tell)
    for warning in study.warnings:
        warn(warning)
    return study


def find_study(word: str, base: Path) -> Path:
    """The folder of the study that a user calls `word`.

    :raises UserError: there is none.
    """
    from plctl.controller.study_folder.study_reader import is_study

    path = Path(word)
    found = [each for each in (path, base / word) if is_study(each)]
    if not found and path.suffix in (".yaml", ".yml") and path.is_file():
        from plctl.controller.study.reading import study_name

        found = [folder for folder in [base / study_name(path)] if is_study(folder)]
    if found:
        return found[0]
    known = sorted(each.name for each in base.glob("*") if is_study(each))
    hint = f"there are: {', '.join(known)}" if known else f"there is none in {base} yet"
    raise UserError(f"no study that was run is called {word!r:.80}; {hint}")
