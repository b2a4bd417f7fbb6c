"""`plctl study table` and `plctl study report`: what came of a study, as one table and as a page of pictures."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from plctl.common.base.errors import KernelError, UserError
from plctl.common.cli.extra import needs_extra
from plctl.common.cli.terminal import echo
from plctl.common.host.caller import give_to_caller
from plctl.controller.commands.study.options import JSON, STUDIES, STUDY, find_study

if TYPE_CHECKING:
    import pyarrow as pa

    from plctl.controller.analysis.statistics import BootstrapInterval, Summary

_SUFFIXES = (".parquet", ".csv")


@click.command()
@STUDY
@click.option("-o", "--out", "target", type=click.Path(dir_okay=False, path_type=Path),
              help="Write the whole table here: .parquet or .csv.")  # fmt: skip
@click.option("--metric", help="Sum this column up, e.g. goodput_bps: mean and median with 95 % bootstrap intervals.")
@click.option(
    "--by",
    multiple=True,
    metavar="COLUMN",
    help="In groups of this column; several may be given. Default: every factor.",
)
@click.option("--read", multiple=True, metavar="WORKLOAD=READER",
              help="Read metrics so, not as study.yaml says: client=iperf3.")  # fmt: skip
@JSON
@STUDIES
def table(
    *,
    study: str,
    target: Path | None,
    metric: str | None,
    by: tuple[str, ...],
    read: tuple[str, ...],
    as_json: bool,
    base: Path,
) -> None:
    """Make one tidy table of STUDY: a row for each run, link and flow.

    Factors, verdicts, what each link counted and what its programs printed are columns; units are the ends of their
    names. Runs that are not ok are in the table; no summary uses them.

    \b
    Examples:
      plctl study table cc-and-buffers -o cells.parquet
      plctl study table cc-and-buffers --metric goodput_bps
      plctl study table cc-and-buffers --metric rtt_p50_ns --by cc --read client=ping
    """
    from plctl.controller.view.progress import reading

    if not (target or metric):
        raise UserError("say what to make: -o cells.parquet for the whole table, --metric COLUMN for a summary")
    if target and target.suffix not in _SUFFIXES:
        raise UserError(f"{target} should end in .parquet or .csv")
    with needs_extra("the table of a study"):
        from plctl.controller.analysis.open_study import open_study

        found = open_study(find_study(study, base))
        with reading("runs") as progress:
            rows = found.table(_readers(read) or None, progress)
    if target:
        _write(rows, target)
        echo(target)
    if metric:
        _sum_up(rows, metric, by or tuple(found.factors), as_json=as_json)


@click.command()
@STUDY
@click.option("--metric", "metrics", multiple=True, help="Draw this column of the table; several may be given.")
@click.option("--out", "target", type=click.Path(dir_okay=False, path_type=Path),
              help="Write here, not to report.html in its folder.")  # fmt: skip
@STUDIES
def report(*, study: str, metrics: tuple[str, ...], target: Path | None, base: Path) -> None:
    """Draw what came of STUDY: a page of small multiples over the factors, and print where it is.

    The folder `figures` beside the page has each picture as SVG and PDF, ready for a paper, and its numbers as CSV.

    \b
    Examples:
      plctl study report cc-and-buffers
      plctl study report cc-and-buffers --metric goodput_bps --metric rtt_p50_ns --out ~/report.html
    """
    from plctl.controller.view.progress import reading

    with needs_extra("the report of a study"):
        from plctl.controller.analysis.open_study import open_study
        from plctl.controller.study_report.page import write_study_report

        found = open_study(find_study(study, base))
        try:
            with reading("runs") as progress:
                written = write_study_report(found, metrics, target, progress)
        except OSError as error:
            raise KernelError.from_os(f"write the report of {found.name}", error) from error
    give_to_caller(written)
    echo(written)


def _readers(read: tuple[str, ...]) -> dict[str, list[str]]:
    readers: dict[str, list[str]] = {}
    for each in read:
        workload, _, reader = each.partition("=")
        if not (workload and reader):
            raise UserError(f"--read {each!r:.80}: expected WORKLOAD=READER, e.g. client=iperf3")
        readers.setdefault(workload, []).append(reader)
    return readers


def _write(rows: pa.Table, target: Path) -> None:
    from pyarrow import csv, parquet

    try:
        if target.suffix == ".csv":
            csv.write_csv(rows, target)
        else:
            parquet.write_table(rows, target, compression="zstd")
    except OSError as error:
        raise KernelError.from_os(f"write {target}", error) from error
    give_to_caller(target)


def _sum_up(rows: pa.Table, metric: str, by: tuple[str, ...], *, as_json: bool) -> None:
    from plctl.controller.analysis.statistics import summarise

    found = summarise(rows, metric, by)
    if as_json:
        echo(json.dumps({"metric": metric, "groups": [asdict(each) for each in found]}, indent=1))
    else:
        _print(found, metric, by)


def _print(found: list[Summary], metric: str, by: tuple[str, ...]) -> None:
    from plctl.controller.view.screen import stdout_screen
    from plctl.controller.view.tables import print_table

    rows = [
        (
            *(str(each.group[name]) for name in by),
            str(each.n),
            str(each.left_out),
            _words(each.mean),
            _words(each.median),
        )
        for each in found
    ]
    headers = (*by, "n", "left out", f"mean {metric} [95 %]", "median [95 %]")
    print_table(stdout_screen(), headers, rows, right=("n", "left out"))


def _words(found: BootstrapInterval) -> str:
    bounds = "" if found.low is None else f" [{found.low:.6g}, {found.high:.6g}]"
    return f"{found.value:.6g}{bounds}"


RESULTS = (table, report)
