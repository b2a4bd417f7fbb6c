"""`plctl scenario`: look at scenarios, and at what run specs name, before anything runs."""

from __future__ import annotations

from pathlib import Path

import click

from plctl.common.base.errors import InputError
from plctl.common.base.problems import combine
from plctl.common.cli.help_group import HelpGroup
from plctl.common.cli.reading_options import parse_options
from plctl.common.cli.terminal import echo
from plctl.common.scenario.readers.read_as import ReadAs
from plctl.controller.commands.make.group import make
from plctl.controller.commands.scenario_convert import FROM, OPTION, convert, read_input
from plctl.controller.commands.scenario_edit import COMMANDS
from plctl.controller.commands.scenario_show import show
from plctl.controller.commands.scenario_words import as_facts, as_faults, print_json, print_summary
from plctl.controller.scenarios.files import Readable, read_readable
from plctl.controller.scenarios.summary import directions

_FILE = click.Path(path_type=Path)
_MAX_WIDTH = 100


@click.group(cls=HelpGroup)
def scenario() -> None:
    """Check, look at, convert, edit and make scenarios; touches nothing and needs no root.

    \b
    Examples:
      plctl scenario check scenarios/*.csv study.yaml
      plctl scenario show scenarios/handover.csv
      plctl scenario show scenarios/cellular-drive.csv --svg drive.svg
      plctl scenario convert x.up x.down --delay 20ms -o lte.csv
      plctl scenario cut lte.csv --to 60s | plctl scenario scale --rate 0.5 -o half.csv
    """


for _command in (show, make, convert, *COMMANDS):
    scenario.add_command(_command)


@scenario.command()
@click.argument("files", nargs=-1, required=True, type=_FILE, metavar="FILE…")
@FROM
@OPTION
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def check(files: tuple[Path, ...], reader: str, options: tuple[str, ...], as_json: bool) -> None:
    """Report everything that is wrong with FILE…, and sum up what is right.

    Takes scenarios of any format, each by itself, and run specs (YAML). Exit status 2 if anything is wrong.
    """
    reading = ReadAs(reader, parse_options(options))
    good: list[Readable] = []
    errors: dict[Path, InputError] = {}
    for file in files:
        try:
            good.append(read_readable(file, reading))
        except InputError as error:
            errors[file] = error
    if as_json:
        print_json([*(as_facts(readable) for readable in good), *(as_faults(f, e) for f, e in errors.items())])
        if errors:
            raise click.exceptions.Exit(InputError.exit_status)
    else:
        for readable in good:
            print_summary(readable)
        if errors:
            raise combine(errors.values())


@scenario.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE…")
@FROM
@OPTION
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def stats(files: tuple[str, ...], reader: str, options: tuple[str, ...], as_json: bool) -> None:
    """Sum up the scenario that FILE… make: rates and delays over time, outages, handovers.

    \b
      plctl scenario stats scenarios/cellular-drive.csv
      plctl scenario stats bw_7.txt delay_7.txt
    """
    from plctl.controller.scenarios.statistics import statistics, table  # only where it is asked for

    found = read_input(files, ReadAs(reader, parse_options(options)))
    ways = {way: statistics(found, rows) for way, rows in directions(found).items()}
    if as_json:
        print_json({way: each.as_json() for way, each in ways.items()})
        return
    for way, each in ways.items():
        if len(ways) > 1:
            echo(f"{way}:")
        for name, words in table(each):
            echo(f"  {name:<13} {words}")
