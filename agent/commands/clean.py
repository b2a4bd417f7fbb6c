"""`plctl clean`: removes by hand what dead plctl processes left, which every start also does by itself."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from plctl.agent.cleanup.reap import reap
from plctl.agent.ownership.ledger import Entry, Kind, read_entries
from plctl.common.base.errors import UserError
from plctl.common.cli.terminal import echo
from plctl.common.client.options import Reach, controller_options, converse
from plctl.common.host.privilege import require_root
from plctl.common.host.state import LEDGER_NAME, is_held, owner_folders

if TYPE_CHECKING:
    from plctl.common.client.controller_client import Client

#: Without --run, so many of a controller's runs are looked at.
_NEWEST = 50
#: Every agent that has a part in a run may take its time.
_CLEAN_SECONDS = 120.0

_WORDS: dict[Kind, tuple[str, str]] = {
    "netns": ("namespace", "namespaces"),
    "process": ("process", "processes"),
    "file": ("file", "files"),
}


@click.command()
@click.option("--run", metavar="RUN", help="Only what belongs to this run.")
@click.option("--links", is_flag=True, help="Remove hand-made links (plctl link setup) that are not in use, too.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@controller_options(local="Clean this machine, though there is a controller.")
def clean(run: str | None, links: bool, as_json: bool, reach: Reach) -> None:
    """Remove namespaces, processes and files that plctl's dead processes left.

    What a living process holds is listed and left alone, and nothing is touched that plctl did not make. If there is a
    controller, its agents are told to take away what they still have of RUN, or of any run that is over.

    \b
    Examples:
      sudo plctl clean               after a crash, or to see that there is nothing to do
      sudo plctl clean --links       hand-made links, too
      sudo plctl clean --run 7f3     only what belongs to the run whose id ends in 7f3
      sudo plctl clean --local       here, though there is a controller
    """
    if access := reach.find():
        if links:
            raise UserError("hand-made links are of one machine: say --local, too")
        said = converse(access, lambda client: _clean_agents(client, run))
        echo(json.dumps({"runs": said}, indent=2) if as_json else _sum_up(said))
        return
    require_root("plctl clean")
    folders = [folder for folder in owner_folders() if run is None or _belongs(folder, run)]
    removed = reap(folders, kept_too=links)
    left = {folder: read_entries(folder / LEDGER_NAME) for folder in folders if folder.is_dir()}
    if as_json:
        rest = [_facts(folder, entries) for folder, entries in left.items()]
        echo(json.dumps({"removed": removed, "left": rest}, indent=2))
        return
    for sentence in removed:
        echo(sentence)
    for folder, entries in left.items():
        echo(f"left {folder.name}, {_reason(folder)}: {_count(entries)}")
    if not removed and not left:
        echo("nothing to remove")


async def _clean_agents(client: Client, run: str | None) -> dict[str, str]:
    """What the controller says of each run that it had cleaned."""
    from plctl.common.protocol import requests as rq

    known = (await client.ask(rq.ListRuns(_NEWEST), rq.Runs)).runs
    over = [each.run for each in known if each.verdict and (run is None or run in (each.run, each.run[-len(run) :]))]
    wanted = over if run is None or over else [run]
    return {each: (await client.ask(rq.Clean(each), rq.Done, _CLEAN_SECONDS)).what for each in wanted}


def _sum_up(said: dict[str, str]) -> str:
    return "\n".join(f"{run}: {what or 'nothing is left of it'}" for run, what in said.items()) or "no run is over yet"


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
