"""`plctl scenario`: look at scenarios, and at what run specs name, before anything runs."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import click

from plctl.common.base.errors import InputError, KernelError, Problem
from plctl.common.base.problems import combine
from plctl.common.cli.help_group import HelpGroup
from plctl.common.cli.reading_options import parse_options
from plctl.common.cli.terminal import echo, echo_drawn, warn
from plctl.common.host.caller import give_to_caller
from plctl.common.scenario.readers.opening import ReadAs
from plctl.common.scenario.schedule import Scenario
from plctl.controller.commands.make.group import make
from plctl.controller.commands.scenario_convert import FROM, OPTION, convert, read_input
from plctl.controller.commands.scenario_edit import COMMANDS
from plctl.controller.scenarios.files import Readable, read_readable
from plctl.controller.scenarios.summary import directions, summarize

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


for _command in (make, convert, *COMMANDS):
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
        _print_json([*(_facts(readable) for readable in good), *(_faults(f, e) for f, e in errors.items())])
        if errors:
            raise click.exceptions.Exit(InputError.exit_status)
    else:
        for readable in good:
            _print_summary(readable)
        if errors:
            raise combine(errors.values())


@scenario.command()
@click.argument("file", type=_FILE)
@FROM
@OPTION
@click.option("--svg", type=_FILE, help="Write the picture to this file instead of the terminal.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead.")
def show(file: Path, reader: str, options: tuple[str, ...], svg: Path | None, as_json: bool) -> None:
    """Draw the delay and rate that FILE asks for over time; of a run spec each distinct scenario.

    With --svg and a spec of several scenarios, each gets a file of its own, numbered.
    """
    readable = read_readable(file, ReadAs(reader, parse_options(options)))
    if svg:
        _write_svgs(readable, svg)
    if as_json:
        _print_json(_facts(readable))
    elif not svg:
        _print_summary(readable)
        _print_plots(readable)


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
        _print_json({way: each.as_json() for way, each in ways.items()})
        return
    for way, each in ways.items():
        if len(ways) > 1:
            echo(f"{way}:")
        for name, words in table(each):
            echo(f"  {name:<13} {words}")


def _print_summary(readable: Readable) -> None:
    """One line for a file whose directions are alike, else one for each scenario and direction."""
    lines = [line for name, found in readable.scenarios.items() for line in _lines(name, found)]
    if len(lines) == 1 and not readable.is_spec:
        echo(f"{readable.path}: ok: {lines[0].partition(': ')[2]}")
    else:
        echo("\n  ".join([f"{readable.path}: ok: {readable.head}", *lines]))
    for warning in readable.warnings:
        warn(warning)


def _lines(name: str, found: Scenario) -> list[str]:
    ways = directions(found)
    return [f"{name}{'' if way == 'both' else ' ' + way}: {summarize(rows)}" for way, rows in ways.items()]


def _print_plots(readable: Readable) -> None:
    from plctl.controller.scenarios.plot import plot_text  # only where a plot is asked for

    width = min(shutil.get_terminal_size().columns, _MAX_WIDTH)
    colour = sys.stdout.isatty()
    for name, found in readable.scenarios.items():
        echo_drawn("\n" + plot_text(found, name, width=width, colour=colour))


def _write_svgs(readable: Readable, svg: Path) -> None:
    from plctl.controller.scenarios.plot import plot_svg  # only where a plot is asked for

    several = len(readable.scenarios) > 1
    for number, (name, found) in enumerate(readable.scenarios.items(), 1):
        path = svg.with_stem(f"{svg.stem}-{number}") if several else svg
        try:
            path.write_text(plot_svg(found, name), encoding="utf-8")
        except OSError as error:
            raise KernelError.from_os(f"write {path}", error) from error
        give_to_caller(path)
        echo(f"wrote {path}", err=True)


def _facts(readable: Readable) -> dict[str, Any]:
    return {
        "file": str(readable.path),
        "ok": True,
        "problems": [],
        "warnings": [_problem(warning) for warning in readable.warnings],
        "scenarios": [
            {"name": name, **{way: summarize(rows).as_json() for way, rows in zip(("up", "down"), pair, strict=True)}}
            for name, pair in ((name, (found.up, found.down)) for name, found in readable.scenarios.items())
        ],
    }


def _faults(file: Path, error: InputError) -> dict[str, Any]:
    problems = [_problem(problem) for problem in error.problems]
    return {"file": str(file), "ok": False, "problems": problems, "more_problems": error.more, "warnings": []}


def _problem(problem: Problem) -> dict[str, Any]:
    return {"file": problem.file, "line": problem.line, "column": problem.column, "text": problem.text}


def _print_json(document: Any) -> None:
    echo(json.dumps(document, indent=2))
