"""`plctl packets`: what each packet of a link went through, in figures and pictures."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from plctl.common.base.errors import KernelError, UserError
from plctl.common.cli.streams import is_gone
from plctl.common.cli.terminal import echo, echo_drawn
from plctl.common.client.options import Reach, controller_options
from plctl.common.host.caller import give_to_caller
from plctl.common.scenario.schedule import DIRECTIONS, Direction
from plctl.controller.commands.run_completion import complete_link, complete_run
from plctl.controller.commands.run_options import RUNS_HERE

if TYPE_CHECKING:
    from plctl.controller.packets.stats import PacketSummary
    from plctl.controller.results.run_record import LinkRecord, RunRecord
    from plctl.controller.view.run_source import RunSource

_MAX_WIDTH = 100
_STANDARD_OUTPUT = Path("-")


@click.command()
@click.argument("run", metavar="RUN", shell_complete=complete_run)
@click.argument("links", metavar="LINK...", nargs=-1, shell_complete=complete_link)
@click.option("--direction", type=click.Choice(DIRECTIONS), help="Only this one.")
@click.option("--svg", type=click.Path(path_type=Path), help="Write the picture to this file, not to the terminal.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead; times in nanoseconds.")
@click.option("--pcapng", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
              help="Write the packets to this file for Wireshark, or to - (standard output).")  # fmt: skip
@click.option("--live", is_flag=True, help="As --pcapng -, while the run goes on, here or at the controller.")
@click.option("--all", "all_links", is_flag=True, help="With --pcapng or --live: all links that kept bytes.")
@RUNS_HERE
@controller_options(local="With --live: look at folders here, though there is a controller.")
def packets(
    *, run: str, links: tuple[str, ...], direction: Direction | None, svg: Path | None, as_json: bool,
    pcapng: Path | None, live: bool, all_links: bool, base: Path, reach: Reach,
) -> None:  # fmt: skip
    """Show what the packets of LINK went through in RUN, which is as for plctl show.

    Only for links whose packets were logged: `packets: true` in the spec, or `plctl run --packets`. Counted is what
    arrived after T0. The logs themselves are packets/LINK-up.parquet and LINK-down.parquet in the run's folder.

    \b
    A packet's one-way delay is the sum of
      sojourn     in the bottleneck's queue and in service,
      in flight   from the bottleneck until due: the path's delay, blackouts, and packets ahead on the same route,
      lateness    by how much this machine was late.

    With --pcapng the packets themselves are written, of one or more links: both ends of each as interfaces of one
    capture, each packet with its fate as a comment. What was dropped or lost is at the first end only; times are the
    controller's. The links must have kept bytes of their frames: `packets: {capture: 128B}` in the spec, or
    `plctl run --capture 128B`.

    \b
    Examples:
      plctl packets last leo-0
      plctl packets runs/20261123-041530-handover-7f3a leo-0 --direction up --svg leo-0.svg
      plctl packets last --all --pcapng last.pcapng
      plctl packets last leo-0 --live | wireshark -k -i -
    """
    from plctl.controller.results.run_reader import read_record
    from plctl.controller.view.run_source import find_folder, look

    if live or pcapng:
        target = None if pcapng in (None, _STANDARD_OUTPUT) else pcapng
        wanted: Sequence[Direction] = [direction] if direction else DIRECTIONS
        if live:
            look(reach, base, run, _following(_named(links, all_links), wanted, target))
        else:
            _capture(run, base, _named(links, all_links), wanted, target)
        return
    if len(links) != 1 or all_links:
        raise UserError("figures and plots are of one link: give LINK; several, or --all, go with --pcapng or --live")
    (link,) = links
    folder = find_folder(base, run)
    record = read_record(folder)
    chosen = _choose(record, link)
    found = _summaries(folder, record, chosen, [direction] if direction else DIRECTIONS)
    if svg:
        _write_svg(found, f"{record.name}, {link}", svg)
    if as_json:
        head = {"run": record.run, "link": link, "host": chosen.host, "t0_ns": chosen.planned_ns}
        echo(json.dumps({**head, "directions": {each.direction: each.as_json() for each in found}}, indent=1))
        return
    _print(found)
    if not svg and any(len(each.sent.t_s) for each in found):
        _plot(found, link)


def _named(links: tuple[str, ...], all_links: bool) -> tuple[str, ...]:
    """The names of the links to capture; none for all.

    :raises UserError: it is not said which.
    """
    if bool(links) == all_links:
        raise UserError("say which links: one or more LINK, or --all")
    return links


def _capture(
    run: str, base: Path, links: tuple[str, ...], directions: Sequence[Direction], target: Path | None
) -> None:
    from plctl.controller.capture.whole_capture import blocks_of
    from plctl.controller.results.run_reader import read_record
    from plctl.controller.view.run_source import find_folder

    folder = find_folder(base, run)
    blocks = blocks_of(folder, read_record(folder), links, directions)
    first = next(blocks)  # what is wrong is said before a file is made
    with _writing(target) as file:
        for block in chain([first], blocks):
            file.write(block)
            if target is None and is_gone(sys.stdout):
                return


def _following(
    links: tuple[str, ...], directions: Sequence[Direction], target: Path | None
) -> Callable[[RunSource, str], Awaitable[None]]:
    """What writes the capture of a run while it goes on."""
    from plctl.common.base.clock import RealClock
    from plctl.controller.capture.live_capture import follow

    async def write(source: RunSource, run: str) -> None:
        pieces = follow(source, run, RealClock(), links, directions)
        first = await anext(pieces)
        with _writing(target) as file:
            file.write(first)
            file.flush()
            async for piece in pieces:
                file.write(piece)
                file.flush()
                if target is None and is_gone(sys.stdout):  # Wireshark was closed
                    return

    return write


@contextmanager
def _writing(target: Path | None) -> Iterator[BinaryIO]:
    """The file `target`, or standard output, to be written.

    :raises UserError: standard output is a terminal.
    :raises KernelError: it cannot be written.
    """
    if target is None:
        if sys.stdout.isatty():
            raise UserError("a capture is no text for a terminal; write a file, or: … | wireshark -k -i -")
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    try:
        with target.open("wb") as file:
            yield file
    except OSError as error:
        raise KernelError.from_os(f"write {target}", error) from error
    give_to_caller(target)
    echo(f"wrote {target}", err=True)


def _choose(record: RunRecord, name: str) -> LinkRecord:
    """The link called `name`, whose packets were logged.

    :raises UserError: there is none.
    """
    logged = [link.plan.name for link in record.links if link.plan.packets]
    known = f"packets were logged of {', '.join(logged)}" if logged else "of no link were packets logged"
    for link in record.links:
        if link.plan.name == name and link.plan.packets:
            return link
        if link.plan.name == name:
            raise UserError(f"the packets of {name} were not logged in run {record.run}; {known} (plctl run --packets)")
    raise UserError(f"run {record.run} has no link {name}; {known}")


def _summaries(
    folder: Path, record: RunRecord, link: LinkRecord, directions: Sequence[Direction]
) -> list[PacketSummary]:
    from plctl.controller.packets.stats import summarize
    from plctl.controller.results import packet_file

    try:
        return [
            summarize(packet_file.read(folder, record, link, direction, captured=False)) for direction in directions
        ]
    except OSError as error:
        raise KernelError.from_os(f"read the packet log of {link.plan.name}", error) from error


def _print(found: Sequence[PacketSummary]) -> None:
    from plctl.controller.packets.figures import lines

    echo("\n\n".join("\n".join(lines(summary)) for summary in found))


def _plot(found: Sequence[PacketSummary], link: str) -> None:
    from plctl.controller.packets.plot import plot_text

    width = min(shutil.get_terminal_size().columns, _MAX_WIDTH)
    echo_drawn("\n" + plot_text(found, link, width=width, colour=sys.stdout.isatty()))


def _write_svg(found: Sequence[PacketSummary], title: str, path: Path) -> None:
    from plctl.controller.packets.plot import plot_svg

    try:
        path.write_text(plot_svg(found, title), encoding="utf-8")
    except OSError as error:
        raise KernelError.from_os(f"write {path}", error) from error
    give_to_caller(path)
    echo(f"wrote {path}", err=True)
