"""`plctl scenario cut | shift | scale | repeat | concat | merge | resample | smooth`: scenarios made of scenarios."""

from __future__ import annotations

from pathlib import Path

import click

from plctl.common.base.errors import UserError
from plctl.common.base.units import parse_duration
from plctl.common.cli.options import positive_duration_ns
from plctl.common.scenario.editing import timeline
from plctl.common.scenario.readers.read_as import ReadAs
from plctl.common.scenario.schedule import Scenario
from plctl.common.scenario.writers.formats import WRITERS
from plctl.controller.commands.scenario_convert import OUT, edited, read_input, write_texts

_FILE = click.argument("file", default="-", metavar="[FILE]")


def _signed_ns(ctx: click.Context, param: click.Parameter, value: str) -> int:  # noqa: ARG001  (click's signature)
    try:
        return -parse_duration(value[1:]) if value.startswith("-") else parse_duration(value)
    except UserError as error:
        raise click.BadParameter(str(error)) from None


@click.command()
@_FILE
@click.option("--from", "begin_ns", default="0s", callback=_signed_ns, help="Where to begin; default: at its begin.")
@click.option("--to", "end_ns", type=positive_duration_ns, help="Where to end; default: at its end.")
@OUT
def cut(file: str, begin_ns: int, end_ns: int | None, out: Path) -> None:
    """Keep what lies between two times.

    \b
      plctl scenario cut drive.csv --from 10s --to 70s -o minute.csv
    """
    edited([file], out, lambda found: timeline.cut(found, begin_ns, end_ns or timeline.end_of(found)))


@click.command()
@_FILE
@click.option("--by", "by_ns", required=True, callback=_signed_ns, help="So much later, e.g. 5s; earlier with -5s.")
@OUT
def shift(file: str, by_ns: int, out: Path) -> None:
    """Move everything in time; the first row holds from 0 on, and what would lie before 0 is cut off.

    \b
      plctl scenario shift drive.csv --by 5s
    """
    edited([file], out, lambda found: timeline.shifted(found, by_ns))


@click.command()
@_FILE
@click.option("--rate", type=click.FloatRange(0, 1e6), default=1.0, help="Times the rate.")
@click.option("--delay", type=click.FloatRange(0, 1e6), default=1.0, help="Times the delay.")
@click.option(
    "--time", "stretch", type=click.FloatRange(1e-6, 1e6), default=1.0, help="Times how long everything lasts."
)
@OUT
def scale(*, file: str, rate: float, delay: float, stretch: float, out: Path) -> None:
    """Multiply rates, delays or times.

    \b
      plctl scenario scale drive.csv --rate 0.5 --time 2
    """
    factors = {"rate_bps": rate, "delay_ns": delay, "time_ns": stretch}
    edited([file], out, lambda found: timeline.scaled(found, {name: by for name, by in factors.items() if by != 1}))


@click.command()
@_FILE
@click.option("--times", type=click.IntRange(1, 100_000), required=True, help="So often.")
@OUT
def repeat(file: str, times: int, out: Path) -> None:
    """Write a scenario out several times. (To let one repeat for ever, say repeat: true in a run spec.)

    \b
      plctl scenario repeat minute.csv --times 10
    """
    edited([file], out, lambda found: timeline.concat([timeline.once(found)] * times))


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE…")
@OUT
def concat(files: tuple[str, ...], out: Path) -> None:
    """Put scenarios one after the other.

    \b
      plctl scenario concat city.csv tunnel.csv city.csv -o drive.csv
    """
    found = [timeline.once(read_input([file], ReadAs())) for file in files]
    _write(timeline.concat(found), out)


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="up=FILE down=FILE")
@OUT
def merge(files: tuple[str, ...], out: Path) -> None:
    """Make one scenario of files for the two directions.

    \b
      plctl scenario merge up=uplink.csv down=downlink.csv -o both.csv
    """
    if sorted(name.partition("=")[0] for name in files) != ["down", "up"]:
        raise UserError("merge needs one file for each direction: up=FILE down=FILE")
    _write(read_input(files, ReadAs()), out)


@click.command()
@_FILE
@click.option("--step", "step_ns", type=positive_duration_ns, required=True, help="From row to row, e.g. 100ms.")
@OUT
def resample(file: str, step_ns: int, out: Path) -> None:
    """Have a row each step, with the means of rate and delay over it; routes are those at its begin.

    \b
      plctl scenario resample drive.csv --step 100ms
    """
    edited([file], out, lambda found: timeline.changes_only(timeline.resampled(found, step_ns)))


@click.command()
@_FILE
@click.option(
    "--window", "window_ns", type=positive_duration_ns, required=True, help="Over which means are taken, e.g. 2s."
)
@click.option("--step", "step_ns", type=positive_duration_ns, help="From row to row; default: a tenth of the window.")
@OUT
def smooth(file: str, window_ns: int, step_ns: int | None, out: Path) -> None:
    """Replace rate and delay by moving means.

    \b
      plctl scenario smooth drive.csv --window 2s
    """
    step = step_ns or max(1, window_ns // 10)
    edited([file], out, lambda found: timeline.changes_only(timeline.resampled(found, step, window_ns)))


def _write(scenario: Scenario, out: Path) -> None:
    write_texts(WRITERS["plctl"].write(scenario, None).texts, out)


COMMANDS: tuple[click.Command, ...] = (cut, shift, scale, repeat, concat, merge, resample, smooth)
