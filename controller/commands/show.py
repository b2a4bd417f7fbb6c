"""`plctl show`: how a run is right now, or what became of it; with --follow until it is over."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from plctl.common.base.printable import printable
from plctl.common.cli.terminal import echo
from plctl.common.client.options import Reach
from plctl.controller.commands.run_options import JSON, OUT, RUN, run_options

if TYPE_CHECKING:
    from rich.console import Console

    from plctl.common.protocol.requests import RunState
    from plctl.controller.results.run_record import RunRecord
    from plctl.controller.view.run_source import RunSource


@click.command()
@RUN
@click.option("--follow", is_flag=True, help="Show it until it is over. Ctrl-C leaves the run alone.")
@JSON
@OUT
@run_options
@click.pass_context
def show(ctx: click.Context, *, run: str, follow: bool, reach: Reach, base: Path, as_json: bool) -> None:
    """Show the state of RUN, or its result.

    RUN is an id, the beginning or the end of one, the path of a run's folder, or last, which is the default.

    Exit status: 0 it is ok or goes on; 1 a verdict is not ok, or there will be none; 130 cancelled, or no longer
    followed.

    \b
    Examples:
      plctl show                       the newest run
      plctl show 7f3a --follow         come back to a run that was started with --detach, or left by Ctrl-C
      plctl show runs/20261123-041530-handover-7f3a --json
    """
    from plctl.controller.view import summary
    from plctl.controller.view.follow import follow as follow_run
    from plctl.controller.view.follow import is_over
    from plctl.controller.view.run_document import run_document
    from plctl.controller.view.run_source import look, read_record
    from plctl.controller.view.screen import stderr_screen, stdout_screen

    async def watch(source: RunSource, found: str) -> tuple[RunSource, RunRecord, RunState]:
        if follow and not is_over(await source.state(found)):
            await follow_run(source, found, stderr_screen(quiet=as_json))
        return source, await read_record(source, found), await source.state(found)

    source, record, state = look(reach, base, run, watch)
    if as_json:
        echo(json.dumps(run_document(record, state, source.folder(record.run)), indent=1))
    elif state.info.verdict:
        summary.show(stdout_screen(), record, source.folder(record.run), source.place)
    else:
        _print_now(stdout_screen(), record, state)
    ctx.exit(summary.exit_status(record) if state.info.verdict else int(is_over(state)))


def _print_now(console: Console, record: RunRecord, state: RunState) -> None:
    from plctl.controller.view.follow import picture
    from plctl.controller.view.live import lines, render

    echo(f"{record.run}, {record.name}" + f": {printable(state.info.cause)}" * bool(state.info.cause))
    model = picture(record, state)
    if console.is_terminal:
        console.print(render(model, state.now_ns, max(1, console.height - 10)))
    else:
        echo("\n".join(lines(model, state.now_ns)))
