"""`plctl run`: emulate, follow, judge, and leave a folder of results."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from plctl.common.forwarder_cli import forwarder_options
from plctl.common.options import positive_duration_ns
from plctl.common.privilege import require_root

if TYPE_CHECKING:
    from plctl.common.forwarder_options import ForwarderOptions
    from plctl.controller.run_record import RunRecord


#: Columns of the final table where no terminal sets a limit, so that nothing wraps.
_PLAIN_WIDTH = 200


@click.command(
    context_settings={"ignore_unknown_options": False},
    epilog="""\b
Examples:
  sudo plctl run scenarios/quickstart.yaml         a run spec
  sudo plctl run handover.csv --duration 30s       a bare scenario: one link, watch it or use it
  sudo plctl run handover.csv -- ping 192.168.66.2 your own command, in the client's namespace
""",
)
@click.argument("spec", type=click.Path(path_type=Path), metavar="SPEC|SCENARIO")
@click.argument("command", nargs=-1, metavar="[-- CMD...]")
@click.option("--duration", "duration_ns", type=positive_duration_ns, metavar="TIME",
              help="End this long after T0, e.g. 30s; default: as the spec says.")  # fmt: skip
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), help="Take the place of the spec's seed.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=Path("runs"), show_default=True,
              help="Where the run's folder is made.")  # fmt: skip
@click.option("--name", default="", help="Take the place of the spec's name.")
@click.option("--packets", is_flag=True, help="Log every packet of every link; see plctl packets.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON document, and nothing else.")
@forwarder_options
@click.pass_context
def run(
    ctx: click.Context,
    *,
    spec: Path,
    command: tuple[str, ...],
    duration_ns: int | None,
    seed: int | None,
    out: Path,
    name: str,
    packets: bool,
    as_json: bool,
    forwarder: ForwarderOptions,
) -> None:
    """Run SPEC (or one link with SCENARIO), follow it, and write its results to a folder.

    Exit status: 0 every link is ok; 1 a verdict is not ok; 2 the input is wrong; 130 cancelled.
    """
    from rich.console import Console

    from plctl.controller.local_run import run_locally
    from plctl.controller.run_spec import load_run

    request = load_run(spec, command=command, duration_ns=duration_ns or 0, seed=seed, name=name, packets=packets)
    for warning in request.warnings:
        click.echo(f"warning: {warning}", err=True)
    require_root("plctl run")
    record, folder = run_locally(request, out, Console(stderr=True, quiet=as_json), forwarder)
    _print(record, folder, as_json)
    ctx.exit(_exit_status(record))


def _print(record: RunRecord, folder: Path, as_json: bool) -> None:
    from rich.console import Console

    from plctl.controller import summary

    if as_json:
        click.echo(json.dumps(summary.document(record, folder), indent=1))
    else:
        console = Console()
        if not console.is_terminal:
            console.width = _PLAIN_WIDTH
        summary.show(console, record, folder)


def _exit_status(record: RunRecord) -> int:
    return {"ok": 0, "cancelled": 130}.get(record.verdict, 1)
