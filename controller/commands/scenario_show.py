"""`plctl scenario show`: draw scenarios, in the terminal or as a picture."""

from __future__ import annotations

import shutil
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import click

from plctl.common.base.errors import KernelError, UserError
from plctl.common.cli.options import duration_ns, positive_duration_ns
from plctl.common.cli.reading_options import parse_options
from plctl.common.cli.terminal import echo, echo_drawn
from plctl.common.host.caller import give_to_caller
from plctl.common.scenario.readers.opening import reader_names
from plctl.common.scenario.readers.read_as import ReadAs
from plctl.common.scenario.schedule import Scenario
from plctl.controller.commands.scenario_convert import OPTION
from plctl.controller.commands.scenario_words import as_facts, print_json, print_summary
from plctl.controller.scenarios.files import Readable, read_readable
from plctl.controller.scenarios.steps import Window

_FILE = click.Path(path_type=Path)
_ALONE = 100  #: columns, beyond which a single plot becomes no clearer


def _time_or_format(text: str) -> int | str:
    return text if text in reader_names() else duration_ns(text)


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, allow_dash=True), metavar="FILE…")
@click.option(
    "--from",
    "begin",
    type=_time_or_format,
    default="0s",
    metavar="TIME",
    help="Where the picture begins; default: at 0. A format's name is taken for --reader.",
)
@click.option("--to", "end_ns", type=positive_duration_ns, metavar="TIME", help="Where it ends; default: at the end.")
@click.option("--reader", default="", metavar="FORMAT", help="The format of the files; default: recognised.")
@OPTION
@click.option("--svg", type=_FILE, metavar="FILE", help="Write the picture to this file instead of the terminal.")
@click.option("--png", type=_FILE, metavar="FILE", help="Likewise, as PNG.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead.")
def show(
    *, files: tuple[Path, ...], begin: int | str, end_ns: int | None, reader: str, options: tuple[str, ...],
    svg: Path | None, png: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Draw what FILE… ask for over time, side by side; of a run spec each distinct scenario. - is standard input.

    Delay, rate and every other column that a scenario has get a plot. With --svg or --png several FILEs make one
    picture; a single spec of several scenarios makes one file for each, numbered.

    \b
    Examples:
      plctl scenario show scenarios/cellular-drive.csv --from 140s --to 170s
      plctl scenario show monday.csv tuesday.csv --svg days.svg
      plctl scenario make sine --rate 5Mbit/s..50Mbit/s --delay 20ms | plctl scenario show -
    """
    window = Window(0 if isinstance(begin, str) else begin, end_ns or 0)
    reading = ReadAs(begin if isinstance(begin, str) else reader, parse_options(options))
    found = [read_readable(file, reading) for file in files]
    for path, form in ((svg, "svg"), (png, "png")):
        if path:
            _write(found, path, "svg" if form == "svg" else "png", window)
    if as_json:
        facts = [as_facts(readable) for readable in found]
        print_json(facts if len(facts) > 1 else facts[0])
    elif not (svg or png):
        for readable in found:
            print_summary(readable)
        _print_plots(found, window)


def _titled(found: Sequence[Readable]) -> dict[str, Scenario]:
    """Every scenario by a title of its own: the file's name, or where two have the same its path."""
    if len(found) == 1:
        return dict(found[0].scenarios)
    names = Counter(readable.path.name for readable in found)
    titled: dict[str, Scenario] = {}
    for readable in found:
        file = readable.path.name if names[readable.path.name] == 1 else str(readable.path)
        for name, scenario in readable.scenarios.items():
            title = f"{file}: {name}" if readable.is_spec else file
            if title in titled:
                raise UserError(f"{title} is given twice")
            titled[title] = scenario
    return titled


def _print_plots(found: Sequence[Readable], window: Window) -> None:
    from plctl.controller.scenarios.plot import plots_text  # only where a plot is asked for

    scenarios, columns = _titled(found), shutil.get_terminal_size().columns
    if len(scenarios) == 1:
        columns = min(columns, _ALONE)
    echo_drawn("\n" + plots_text(scenarios, width=columns, colour=sys.stdout.isatty(), window=window))


def _write(found: Sequence[Readable], path: Path, form: Literal["svg", "png"], window: Window) -> None:
    from plctl.controller.scenarios.picture import picture  # only where one is asked for

    scenarios = _titled(found)
    parts: list[Mapping[str, Scenario]] = [scenarios]
    if len(found) == 1 and len(scenarios) > 1:
        parts = [{title: scenario} for title, scenario in scenarios.items()]
    for number, part in enumerate(parts, 1):
        target = path.with_stem(f"{path.stem}-{number}") if len(parts) > 1 else path
        content = picture(part, form, window)
        try:
            target.write_bytes(content)
        except OSError as error:
            raise KernelError.from_os(f"write {target}", error) from error
        give_to_caller(target)
        echo(f"wrote {target}", err=True)
