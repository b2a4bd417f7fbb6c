"""`plctl study run`: every run of which there is none yet; after any end, the same command goes on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from plctl.common.base.errors import UserError
from plctl.common.cli.forwarder_options import forwarder_options
from plctl.common.cli.start import CANCELLED
from plctl.common.cli.terminal import echo
from plctl.common.client.options import Reach, controller_options
from plctl.common.host.privilege import require_root
from plctl.common.plan.forwarder_options import ForwarderOptions
from plctl.controller.commands.study.options import FILE, JSON, STUDIES, read_visibly
from plctl.controller.commands.web.options import WebOrder, opened_web, web_options

if TYPE_CHECKING:
    from plctl.common.protocol.requests import PlacementPolicy
    from plctl.controller.launch.study_run import StudyOutcome


def _read_parallel(_ctx: click.Context, _param: click.Parameter, value: str | None) -> int | None:
    if value is None or value == "auto":
        return None if value is None else 0
    if value.isdecimal() and int(value):
        return int(value)
    raise click.BadParameter(f"{value!r} is neither auto nor a number from 1")


@click.command()
@FILE
@STUDIES
@click.option("--again", is_flag=True, help="Run once more what ended with a verdict that is not ok.")
@click.option("--parallel", metavar="N|auto", callback=_read_parallel,
              help="Runs at once, instead of the study's; auto: as many as hosts have room for, here one.")  # fmt: skip
@click.option("--policy", type=click.Choice(["spread", "pack"]), default="spread", show_default=True,
              help="With a controller: use as many hosts as possible, or as few.")  # fmt: skip
@click.option("--quiet", "-q", is_flag=True, help="Say nothing but what is wrong.")
@JSON
@controller_options(local="Run on this machine, though there is a controller.")
@forwarder_options
@web_options()
@click.pass_context
def run(
    ctx: click.Context,
    *,
    file: Path,
    base: Path,
    again: bool,
    parallel: int | None,
    policy: PlacementPolicy,
    quiet: bool,
    as_json: bool,
    reach: Reach,
    forwarder: ForwarderOptions,
    web: WebOrder,
) -> None:
    """Run the study in STUDY.YAML, on this machine or, if there is a controller, on its hosts.

    Ctrl-C ends it in good order, and whatever else ends it does no harm: the same command goes on. What was run is
    not run again, unless an edit has changed what determines it.

    Exit status: 0 every run is ok; 1 a verdict is not ok; 2 the input is wrong; 130 ended before it was complete.

    \b
      sudo plctl study run scenarios/study.yaml
      sudo plctl study run scenarios/study.yaml --http 127.0.0.1:8780   watch it and its runs in a browser
      plctl study status cc-and-buffers            from another terminal
    """
    from plctl.common.base.allocator import give_back_memory
    from plctl.controller.launch.study_run import StudyOptions, run_study
    from plctl.controller.view.screen import live_screen

    give_back_memory()
    study = read_visibly(file)
    access = reach.find()
    if access and forwarder != ForwarderOptions():
        raise UserError("how a forwarder runs is said to plctl agent on each host, or to a study with --local")
    if access and web.address:
        raise UserError(
            "--http shows a study of this machine; of one at a controller, plctl controller --http shows the runs,"
            " and plctl view the study"
        )
    if access is None:
        require_root("plctl study run")
    with opened_web(web, None, "plctl study run --http") as page, live_screen(quiet=quiet or as_json) as console:
        options = StudyOptions(again, parallel, forwarder, policy, page)
        outcome = run_study(study, base, access, console, options)
        console.drain()
    if as_json:
        echo(json.dumps(_document(outcome), indent=1))
    else:
        _print(outcome, quiet=quiet)
    ctx.exit(_status(outcome))


def _status(outcome: StudyOutcome) -> int:
    from plctl.controller.study.course import Standing

    if outcome.stopped:
        return CANCELLED
    return 0 if outcome.now.tally.counts[Standing.OK] == outcome.now.tally.total else 1


def _document(outcome: StudyOutcome) -> dict[str, Any]:
    from plctl.controller.view.study.study_words import document

    return {**document(outcome.now), "folder": str(outcome.folder), "stopped": outcome.stopped}


def _print(outcome: StudyOutcome, *, quiet: bool) -> None:
    from plctl.controller.view.screen import stderr_screen, stdout_screen
    from plctl.controller.view.study.study_view import summary

    status = _status(outcome)
    if quiet and not status:
        return
    screen = stderr_screen() if quiet else stdout_screen()
    name = outcome.now.record.study
    lines = [f"study {name}: {summary(outcome.now.tally, goes_on=False)}", f"results: {outcome.folder}"]
    if status == CANCELLED:
        lines.append(f"ended by {outcome.stopped}; to go on, give the same command again")
    elif status:
        lines.append(f"what was not ok, and why: plctl study why {name}")
    for line in lines:
        screen.print(line, markup=False, soft_wrap=True)
