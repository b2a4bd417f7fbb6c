"""`plctl study status | show | why | cancel | list`: how studies stand, while they go on and afterwards."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from plctl.common.cli.terminal import echo
from plctl.common.client.options import Reach, controller_options
from plctl.controller.commands.study.options import JSON, STUDIES, STUDY, find_study

if TYPE_CHECKING:
    from plctl.controller.view.study.study_now import CellNow, StudyNow

_FOLLOW_S = 1.0


@click.command()
@STUDY
@STUDIES
@click.option("--follow", "-f", is_flag=True, help="Keep showing it until nobody carries it any more.")
@JSON
def status(study: str, base: Path, follow: bool, as_json: bool) -> None:
    """Show how STUDY stands: progress, time left, each cell; STUDY is its name, its folder or its file.

    \b
      plctl study status cc-and-buffers
      plctl study status cc-and-buffers --follow
    """
    from plctl.controller.view.study.study_words import document

    folder = find_study(study, base)
    if as_json:
        echo(json.dumps({**document(_look(folder)), "folder": str(folder)}, indent=1))
    elif follow:
        _follow(folder)
    else:
        _show_status(_look(folder))


@click.command()
@STUDY
@click.argument("cell", nargs=-1, required=True, metavar="CELL…")
@STUDIES
@JSON
def show(study: str, cell: tuple[str, ...], base: Path, as_json: bool) -> None:
    """Show every run of CELL… in STUDY: a cell's number, the beginning of its id, or levels such as cc=bbr.

    \b
      plctl study show cc-and-buffers 7
      plctl study show cc-and-buffers cc=bbr buffer=1bdp
    """
    from plctl.controller.view.study.study_words import cell_document, choose_cells

    folder = find_study(study, base)
    found = choose_cells(_look(folder), cell)
    if as_json:
        echo(json.dumps([cell_document(each) for each in found], indent=1))
        return
    for each in found:
        _show_cell(each, folder)


@click.command()
@STUDY
@click.argument("cell", nargs=-1, metavar="[CELL…]")
@STUDIES
def why(study: str, cell: tuple[str, ...], base: Path) -> None:
    """Say what was not ok in STUDY, each cause once with the cells that had it; or only in CELL….

    Runs that were run again are told, too.

    \b
      plctl study why cc-and-buffers
      plctl why LINK --run studies/cc-and-buffers/runs/RUN     the whole certificate of one link
    """
    from plctl.controller.view.study.study_words import choose_cells, findings

    folder = find_study(study, base)
    now = _look(folder)
    lines = findings(choose_cells(now, cell) if cell else now.cells)
    for line in lines:
        echo(line)
    if not lines:
        echo("nothing: every run that was made is ok")


@click.command("list")
@STUDIES
@JSON
def list_studies(base: Path, as_json: bool) -> None:
    """List the studies that were run here.

    \b
      plctl study list
    """
    from plctl.controller.study_folder.study_reader import is_study
    from plctl.controller.view.screen import stdout_screen
    from plctl.controller.view.study.study_view import summary
    from plctl.controller.view.study.study_words import document
    from plctl.controller.view.tables import print_table

    found = [(path, _look(path)) for path in sorted(base.glob("*")) if is_study(path)]
    if as_json:
        echo(json.dumps([{**document(now), "folder": str(path)} for path, now in found], indent=1))
    elif found:
        rows = [
            [now.record.study, "yes" if now.goes_on else "no", summary(now.tally, goes_on=now.goes_on), str(path)]
            for path, now in found
        ]
        print_table(stdout_screen(), ("study", "goes on", "runs", "folder"), rows)
    else:
        echo(f"there is no study in {base} yet")


@click.command()
@STUDY
@STUDIES
@controller_options()
def cancel(study: str, base: Path, reach: Reach) -> None:
    """End STUDY: what runs is cancelled, here or at the controller; plctl study run goes on with it later.

    \b
      plctl study cancel cc-and-buffers
    """
    from plctl.controller.study_folder.journal import is_going_on
    from plctl.controller.study_folder.study_reader import CANCEL_NAME

    folder = find_study(study, base)
    if is_going_on(folder):
        (folder / CANCEL_NAME).touch()
        echo(f"{folder.name} is being ended; plctl study status {folder.name} shows it")
        return
    open_runs = [each.run for each in _look(folder).running if each.controller]
    if not open_runs:
        echo(f"nobody carries {folder.name}; nothing is to be ended")
        return
    _cancel_remotely(open_runs, reach)


def _cancel_remotely(runs: Sequence[str], reach: Reach) -> None:
    """End runs that go on with a controller though nobody carries their study."""
    from plctl.common.client.controller_client import Client, RefusedError
    from plctl.common.protocol import requests as rq

    async def end(client: Client) -> None:
        for run in runs:
            try:
                await client.ask(rq.Cancel(run, "its study was cancelled"), rq.Done)
                echo(f"{run} is being ended")
            except RefusedError as error:
                echo(f"{run}: {error}")

    reach.ask(end)


def _look(folder: Path) -> StudyNow:
    from plctl.controller.study_folder.journal import is_going_on, read_journal
    from plctl.controller.study_folder.study_reader import read_study
    from plctl.controller.view.study.study_now import study_now

    return study_now(read_study(folder), read_journal(folder), goes_on=is_going_on(folder))


def _show_status(now: StudyNow) -> None:
    from plctl.controller.view.screen import stdout_screen
    from plctl.controller.view.study.study_view import cell_rows, summary
    from plctl.controller.view.tables import print_table

    headers, rows = cell_rows(now, now.cells)
    print_table(stdout_screen(), headers, rows, right=headers[:1])
    echo()
    echo(f"study {now.record.study}: {summary(now.tally, goes_on=now.goes_on)}")
    if now.superseded:
        echo(f"{now.superseded} runs are of cells that the study does not ask for any more")
    if not now.goes_on and now.tally.done < now.tally.total:
        echo(f"nobody carries it; to go on: plctl study run {now.record.file}")


def _follow(folder: Path) -> None:
    from plctl.controller.view.screen import stdout_screen
    from plctl.controller.view.study.study_view import StudyGlances

    screen = stdout_screen()
    now = _look(folder)
    if now.goes_on or screen.is_terminal:
        with StudyGlances(screen, now) as view:
            while view.now.goes_on:
                time.sleep(_FOLLOW_S)
                view.now = _look(folder)
                view.tick()
        now = view.now
    if not screen.is_terminal:
        _show_status(now)


def _show_cell(cell: CellNow, folder: Path) -> None:
    from plctl.controller.study.expansion import in_words
    from plctl.controller.study_folder.study_reader import RUNS_NAME, UNFINISHED_NAME
    from plctl.controller.view.screen import stdout_screen
    from plctl.controller.view.tables import print_table

    echo(f"cell {cell.number}, {cell.record.cell}: {in_words(cell.record.values)}")
    rows = []
    for each in cell.repetitions:
        for run in each.runs or (None,):
            head = [str(each.asked.repetition), str(each.asked.seed), str(each.standing)]
            if run:
                place = folder / (UNFINISHED_NAME if run.left else RUNS_NAME) / run.run
                head += [run.verdict or ("left" if run.left else "–"), str(place), run.cause]
            rows.append(head)
    print_table(stdout_screen(), ("repetition", "seed", "standing", "verdict", "folder", "cause"), rows)


COMMANDS = (status, show, why, cancel, list_studies)
