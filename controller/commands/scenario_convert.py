"""`plctl scenario convert`: read the traces of other tools, write them for plctl or for others."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import click

from plctl.common.base.errors import KernelError, UserError
from plctl.common.cli.reading_options import parse_options
from plctl.common.cli.terminal import echo, warn
from plctl.common.host.caller import give_to_caller
from plctl.common.scenario.readers.opening import GivenFile, given_files, read_scenario, reader_names
from plctl.common.scenario.readers.read_as import ReadAs
from plctl.common.scenario.schedule import Direction, Scenario
from plctl.common.scenario.writers.formats import WRITERS
from plctl.controller.scenarios.files import STANDARD, standard_input

FROM = click.option(
    "--from", "reader", metavar="FORMAT", default="", help="The format of the files; default: recognised."
)
OPTION = click.option("-O", "--option", "options", metavar="NAME=VALUE", multiple=True,
                      help="How it is read, e.g. -O window=100ms; may be given again.")  # fmt: skip
OUT = click.option("-o", "--out", type=click.Path(path_type=Path, allow_dash=True), default=Path(STANDARD),
                   help="Write to this file; default: to standard output.")  # fmt: skip


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE…")
@FROM
@OPTION
@click.option("--rate", help="The rate, where the files say none, e.g. 50Mbit/s; short for -O rate=…")
@click.option("--delay", help="The one-way delay, where the files say none, e.g. 20ms.")
@click.option("--columns", help="What the columns of a table mean, e.g. 'time=t[s]; delay=rtt[ms]/2'.")
@click.option(
    "--to", "form", type=click.Choice(list(WRITERS)), default="plctl", show_default=True, help="What to write."
)
@click.option("--direction", type=click.Choice(["up", "down"]), help="Write this direction alone.")
@click.option("--lossy", is_flag=True, help="Leave out what the format cannot express.")
@OUT
def convert(
    *,
    files: tuple[str, ...],
    reader: str,
    options: tuple[str, ...],
    rate: str | None,
    delay: str | None,
    columns: str | None,
    form: str,
    direction: Direction | None,
    lossy: bool,
    out: Path,
) -> None:
    """Make one scenario of FILE…, whatever tool wrote them, and write it.

    A FILE may have up= or down= before its name; - is standard input.

    \b
    Examples:
      plctl scenario convert bw_7.txt delay_7.txt -o leo.csv
      plctl scenario convert x.up x.down -O service=rate --delay 20ms -o lte.csv
      plctl scenario convert drive.csv --from table --columns 'time=t[s]; rate=Mbps[Mbit/s]' --delay 30ms
      plctl scenario convert leo.csv --to theaterq --direction down -o down.csv
    """
    if columns and not reader:
        reader = "table"
    said = [f"{name}={value}" for name, value in (("rate", rate), ("delay", delay), ("columns", columns)) if value]
    scenario = read_input(files, ReadAs(reader, parse_options([*options, *said])))
    writer = WRITERS[form]
    written = writer.write(scenario, direction)
    if written.losses and not lossy:
        raise UserError(f"{writer.title} cannot express {'; nor '.join(written.losses)}; --lossy leaves it out")
    for loss in written.losses:
        warn(f"{writer.title} cannot express {loss}")
    write_texts(written.texts, out)


def read_input(names: Sequence[str], reading: ReadAs) -> Scenario:
    """The scenario that these files make together; - is standard input. Warnings go to stderr.

    :raises InputError: it is wrong.
    """
    if reading.reader and reading.reader not in reader_names():
        raise UserError(f"there is no format {reading.reader!r:.80}; there are {', '.join(reader_names())}")
    given = [GivenFile(standard_input())] if list(names) == [STANDARD] else given_files(names)
    found = read_scenario(given, reading)
    for warning in found.warnings:
        warn(warning)
    return found.scenario


def write_texts(texts: Mapping[str, str], out: Path) -> None:
    """Write one text to `out`, or several to files beside it that differ in their suffix.

    :raises UserError: several cannot go to standard output.
    """
    if str(out) == STANDARD:
        if len(texts) > 1:
            raise UserError(f"this makes {len(texts)} files; say where by -o NAME")
        sys.stdout.write(next(iter(texts.values())))
        return
    for suffix, text in texts.items():
        path = out if len(texts) == 1 else out.with_suffix(suffix)
        try:
            path.write_text(text, encoding="utf-8")
            give_to_caller(path)
        except OSError as error:
            raise KernelError.from_os(f"write {path}", error) from error
        echo(f"wrote {path}", err=True)


def edited(files: Sequence[str], out: Path, change: Callable[[Scenario], Scenario]) -> None:
    """Read a scenario, change it, and write it as plctl's CSV."""
    scenario = change(read_input(files, ReadAs()))
    write_texts(WRITERS["plctl"].write(scenario, None).texts, out)
