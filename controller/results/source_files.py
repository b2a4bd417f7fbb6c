"""The files in which a run was asked for, as files of its folder (`sources/NAME`); run.json has paths and names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from io import TextIOWrapper
from pathlib import Path, PurePath

from plctl.common.base.errors import KernelError, UserError
from plctl.common.plan.run_request import SourceFile
from plctl.controller.results.run_files import open_file

FOLDER_NAME = "sources"


def source_names(paths: Iterable[str]) -> dict[str, str]:
    """Path → a name for the file in the folder, like the path's own, and no other's."""
    names: dict[str, str] = {}
    for path in paths:
        name = "".join(c if c.isprintable() else "_" for c in PurePath(path).name).strip(". ") or "source"
        taken = names.values()
        number = 1
        while (candidate := name if number == 1 else f"{number}-{name}") in taken:
            number += 1
        names[path] = candidate
    return names


def write(folder: Path, names: Mapping[str, str], sources: Iterable[SourceFile]) -> None:
    """Write each of `sources` under its name to the run's `folder`.

    :raises OSError: it cannot be written.
    :raises ValueError: a text cannot be unpacked.
    """
    for source in sources:
        (folder / FOLDER_NAME).mkdir(exist_ok=True)
        (folder / FOLDER_NAME / names[source.path]).write_text(source.text, encoding="utf-8", newline="")


def read(folder: Path, names: Mapping[str, str], *, most: int = -1) -> dict[str, str]:
    """Path → text of each source in the run's `folder`, at most `most` characters of it; not those that are gone.

    The names are whatever run.json says, which others may have written: nothing outside of `folder` is read.
    """
    texts: dict[str, str] = {}
    for path, name in names.items():
        try:
            raw = open_file(folder, f"{FOLDER_NAME}/{name}")
            with TextIOWrapper(raw, encoding="utf-8", errors="replace", newline="") as file:
                texts[path] = file.read(most)
        except (UserError, KernelError):
            continue
    return texts
