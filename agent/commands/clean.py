"""`plctl clean`: removes by hand what dead plctl processes left, which every start also does by itself."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import click

from plctl.agent.ledger import Entry, Kind, read_entries
from plctl.agent.reap import reap
from plctl.common.privilege import require_root
from plctl.common.state import LEDGER_NAME, is_held, owner_folders

_WORDS: dict[Kind, tuple[str, str]] = {
    "netns": ("namespace", "namespaces"),
    "process": ("process", "processes"),
    "file": ("file", "files"),
}


@click.command()
@click.option("--run", metavar="RUN", help="Only what belongs to this run.")
@click.option("--links", is_flag=True, help="Remove hand-made links (plctl link setup) that are not in use, too.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def clean(run: str | None, links: bool, as_json: bool) -> None:
    """Remove namespaces, processes and files that plctl's dead processes left.

    What a living process holds is listed and left alone, and nothing is touched that plctl did not make.

    \b
    Examples:
      sudo plctl clean               after a crash, or to see that there is nothing to do
      sudo plctl clean --links       hand-made links, too
      sudo plctl clean --run 7f3     only what belongs to the run whose id ends in 7f3
    """
    require_root("plctl clean")
    folders = [folder for folder in owner_folders() if run is None or _belongs(folder, run)]
    removed = reap(folders, kept_too=links)
    left = {folder: read_entries(folder / LEDGER_NAME) for folder in folders if folder.is_dir()}
    if as_json:
        rest = [_facts(folder, entries) for folder, entries in left.items()]
        click.echo(json.dumps({"removed": removed, "left": rest}, indent=2))
        return
    for sentence in removed:
        click.echo(sentence)
    for folder, entries in left.items():
        click.echo(f"left {folder.name}, {_reason(folder)}: {_count(entries)}")
    if not removed and not left:
        click.echo("nothing to remove")


def _belongs(folder: Path, run: str) -> bool:
    """Whether an owner is the run's, or holds something that is named after the last part of the run's id."""
    token = run.rpartition("-")[2]
    names = [folder.name, *(entry.name for entry in read_entries(folder / LEDGER_NAME))]
    return any(f"-{token}-" in f"-{name}-" for name in names)


def _reason(folder: Path) -> str:
    return "which is in use" if is_held(folder) else "a hand-made link (--links removes it)"


def _count(entries: list[Entry]) -> str:
    """``3 namespaces, 1 process``."""
    counts = Counter(entry.kind for entry in entries)
    words = [f"{counts[kind]} {forms[counts[kind] != 1]}" for kind, forms in _WORDS.items() if counts[kind]]
    return ", ".join(words) or "nothing yet"


def _facts(folder: Path, entries: list[Entry]) -> dict[str, object]:
    return {
        "owner": folder.name,
        "alive": is_held(folder),
        "holds": [{"kind": e.kind, "name": e.name, **e.facts} for e in entries if e.kind != "keep"],
    }
